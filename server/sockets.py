"""Sockets on which the server listens for HTTP."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Final

from server.errors import OperatorError

_BACKLOG: Final = 512


def listening_socket(address: str, *, shared_port: bool) -> socket.socket:
    """A socket that listens.

    Args:
        address: host:port; port 0 for a free one.
        shared_port: whether other processes listen there too.

    Raises:
        OperatorError: nothing can listen there.
    """
    host, _, port = address.rpartition(":")
    with ExitStack() as undo:
        try:
            family, kind, _, _, target = socket.getaddrinfo(
                host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            made = undo.enter_context(socket.socket(family, kind))
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared_port:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind(target)
            made.listen(_BACKLOG)
        except OSError:
            raise OperatorError(
                f"nothing can listen on {address}",
                "Stop what uses that port, or configure another; 0 finds a free one.",
            ) from None
        undo.pop_all()
        return made
