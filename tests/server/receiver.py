"""Somebody who is posted to: a real HTTP server on the loopback, with TLS or without, who answers as a test says."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Reply:
    """An answer.

    Args:
        status: of HTTP; 0: the connection is closed without an answer.
        content: of it.
        headers: of it.
        raw: is sent instead of all that, whatever it is.
        endless: the content never ends.
        hold: no answer before it is set.
    """

    status: int = 200
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    endless: bool = False
    hold: threading.Event | None = None


@dataclass(frozen=True)
class Delivery:
    """What was posted."""

    path: str
    headers: dict[str, str]
    content: bytes


class Receiver:
    """What came, and what is answered: ``replies`` one after the other, then whatever ``answer`` says."""

    def __init__(self, otherwise: Reply | None = None) -> None:
        self.deliveries: list[Delivery] = []
        self.came: Final = threading.Semaphore(0)
        """Released with each delivery."""
        self.replies: list[Reply] = []
        self.otherwise = otherwise or Reply()
        self.url = ""

    def answer(self, delivery: Delivery) -> Reply:  # noqa: ARG002  # subclasses look at it
        """The answer where no other was set."""
        return self.otherwise

    def take(self, delivery: Delivery) -> Reply:
        """Write it down, and answer."""
        usual = self.answer(delivery)
        self.deliveries.append(delivery)
        self.came.release()
        return self.replies.pop(0) if self.replies else usual


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.receiver = receiver

    def handle_error(self, *_: object) -> None:
        """Whoever did not like the certificate is gone."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        reply = self.server.receiver.take(Delivery(self.path, dict(self.headers), content))
        if reply.hold is not None:
            reply.hold.wait()
        with contextlib.suppress(OSError):  # who asked may be gone
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        if reply.raw:
            self.wfile.write(reply.raw)
        elif reply.status:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if not reply.endless:
                self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)
        while reply.endless:
            self.wfile.write(b"x" * 4096)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiving(
    receiver: Receiver, *, port: int = 0, certificate: Path | None = None, host: str = "127.0.0.1"
) -> Iterator[Receiver]:
    """A receiver that runs.

    Args:
        receiver: answers.
        port: where; 0: a free one.
        certificate: PEM file of its key and certificate; None: no TLS.
        host: in its URL.
    """
    with _Server(port, receiver) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "http" if certificate is None else "https"
        receiver.url = f"{scheme}://{host}:{server.server_port}/orders?from=fourseal"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
