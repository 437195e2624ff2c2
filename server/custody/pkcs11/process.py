"""One worker process at the token, as its parent has it: requests and answers over a socket pair."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

_WORKER: Final = str(Path(__file__).with_name("worker.py"))
_START_SECONDS: Final = 30.0  # a loaded machine starts Python, and a library, slowly
MISSING: Final = "missing"
"""A worker's answer: it sees no such object."""


@dataclass(frozen=True, slots=True)
class TokenAddress:
    """Where a token is, and what opens it.

    Args:
        module: path of the PKCS#11 library.
        token: the token's label.
        pin: of its user.
    """

    module: str
    token: str
    pin: str = field(repr=False)


class WorkerLost(Exception):
    """A worker is of no use any more. Says why."""


class PinWrong(WorkerLost):
    """The token does not take the PIN."""


class Refused(Exception):
    """A worker's answer: no. ``str`` is missing, wrong or full."""


class Worker:
    """One process, logged in. Not safe to use from several threads at once.

    Args:
        address: of the token.

    Raises:
        PinWrong: the token does not take the PIN.
        WorkerLost: there is no such token now.
    """

    def __init__(self, address: TokenAddress) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-I", _WORKER, str(theirs.fileno())]
            self.process = subprocess.Popen(  # noqa: S603  # our own file
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # what is typed at a terminal is meant for the server
            )
        self._line = Connection(ours.detach())
        try:
            self.token: dict[str, str] = self.ask(
                {"module": address.module, "label": address.token, "pin": address.pin}, _START_SECONDS
            )
        except BaseException:
            self.close()
            raise

    def ask(self, request: dict[str, Any], seconds: float) -> Any:  # noqa: ANN401  # JSON
        """Wait for an answer.

        Raises:
            Refused: the answer.
            WorkerLost: it is dead, says that the token is gone, or takes too long.
        """
        try:
            self._line.send_bytes(json.dumps(request).encode())
            if not self._line.poll(seconds):
                raise WorkerLost(f"no answer within {seconds:.0f} s")
            answer = json.loads(self._line.recv_bytes())
        except (OSError, EOFError):
            raise WorkerLost("the worker process is dead") from None
        if "ok" in answer:
            return answer["ok"]
        if answer["error"] == "pin":
            raise PinWrong(answer["text"])
        if answer["error"] == "gone":
            raise WorkerLost(answer["text"])
        raise Refused(answer["error"])

    def close(self) -> None:
        """End it."""
        self._line.close()
        self.process.kill()
        self.process.wait()
