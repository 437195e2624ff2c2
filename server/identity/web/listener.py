"""Where HTTP is served: on a socket of its own, in a thread of its own, so that gRPC's event loop is not held up.

Lists of revoked certificates are made in gRPC's event loop, which is asked for them.
"""

from __future__ import annotations

import asyncio
import threading

import structlog

from server.identity.certificates.responder import MAX_REQUEST_BYTES, Responder
from server.identity.certificates.revocation import IssuedList, RevocationLists
from server.identity.web.status import StatusPages
from server.sockets import listening_socket
from wire.http import HttpServer


class StatusListener:
    """Listens from its making on, and answers from ``start`` until ``stop``.

    Args:
        address: host:port; port 0 for a free one.
        responder: about single certificates.
        lists: the list of revoked certificates.
        log: where failures are told.
        shared_port: whether other processes listen there too.

    Raises:
        OperatorError: nothing can listen there.
    """

    def __init__(
        self,
        address: str,
        responder: Responder,
        lists: RevocationLists,
        log: structlog.stdlib.BoundLogger,
        *,
        shared_port: bool,
    ) -> None:
        self.responder = responder
        self._lists = lists
        self._server = HttpServer(StatusPages(responder, self._current_list).handle, log, max_content=MAX_REQUEST_BYTES)
        self._socket = listening_socket(address, shared_port=shared_port)
        self.port: int = self._socket.getsockname()[1]
        self._others: asyncio.AbstractEventLoop | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin to answer. Called in the event loop of gRPC."""
        self._others = asyncio.get_running_loop()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(self._loop,), name="certificate-status", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Answer no more."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            await asyncio.to_thread(self._thread.join)
        self._socket.close()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await self._server.serve(self._socket)
        await self._stopping.wait()
        server.close()  # the runner cancels what still converses

    async def _current_list(self) -> IssuedList:
        if self._others is None:
            raise RuntimeError  # nothing is answered before ``start``
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._lists.current(), self._others))
