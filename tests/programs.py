"""Our programs for shells and demos, by files that have ``tests.forked`` start them instead of importing it all anew.

What lies in the folder is a small program of the standard library. It hands its arguments, its environment, its folder
and its streams to the process of the tests, which forks the program, and passes signals on. It ends as the program
does, and the program with it. Servers make no key shares that nobody has asked for.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import socket
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator
from multiprocessing import connection
from pathlib import Path
from typing import Final

from tests.forked import NAMES, Forked

NONE_AHEAD: Final = {"FOURSEAL_SHARES_AHEAD": "0"}
"""A server's setting: it makes no key shares that nobody has asked for, each up to half a second of a core."""

INSTALLED: Final = Path(sysconfig.get_path("scripts"))
_FILE: Final = """#!{interpreter} -IS
import marshal, os, signal, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({address!r})
def pass_on(number, _):
    line.sendall(bytes([number]))
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, pass_on)
order = marshal.dumps(({module!r}, sys.argv[1:], dict(os.environ), os.getcwd()))
socket.send_fds(line, [len(order).to_bytes(4, "big")], [0, 1, 2])
line.sendall(order)
for number in range(3):
    os.close(number)
status = int.from_bytes(line.recv(4), "big", signed=True)
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""


@contextlib.contextmanager
def quick_programs(*, cheap: bool) -> Iterator[Path]:
    """A folder with our programs; what they run ends with the context at the latest. ``cheap``: see ``Forked``."""
    with tempfile.TemporaryDirectory(prefix="programs-") as folder, socket.socket(socket.AF_UNIX) as listener:
        made = Path(folder)
        address = str(made / "socket")
        for module, name in NAMES.items():
            text = _FILE.format(interpreter=os.path.realpath(sys.executable), address=address, module=module)
            (made / name).write_text(text, encoding="utf-8")
            (made / name).chmod(0o700)
        listener.bind(address)
        listener.listen()
        accepting = threading.Thread(target=_accept, args=(listener, cheap), daemon=True)
        accepting.start()
        try:
            yield made
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()


def _accept(listener: socket.socket, cheap: bool) -> None:  # noqa: FBT001  # a thread's
    lines: list[tuple[socket.socket, threading.Thread]] = []
    while True:
        try:
            line, _ = listener.accept()
        except OSError:  # the context was left
            break
        thread = threading.Thread(target=_serve, args=(line, cheap), daemon=True)
        thread.start()
        lines.append((line, thread))
    for line, thread in lines:
        with contextlib.suppress(OSError):  # it has ended already
            line.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(line: socket.socket, cheap: bool) -> None:  # noqa: FBT001  # a thread's
    """One program, from its order to its status. Signals come on the line; where it breaks, the program is killed."""
    with line:
        length, streams, _, _ = socket.recv_fds(line, 4, 3)
        if len(streams) != 3:  # whoever asked was killed
            return
        with line.makefile("rb") as file:
            order = file.read(int.from_bytes(length, "big"))
        try:
            module, arguments, environment, folder = marshal.loads(order)  # noqa: S302  # from a file of ours
            three = streams[0], streams[1], streams[2]
            process = Forked(module, arguments, environment | NONE_AHEAD, three, Path(folder), cheap=cheap)
        finally:
            for stream in streams:
                os.close(stream)
        while True:
            if process.sentinel in connection.wait([process.sentinel, line]):
                line.sendall(process.wait(60).to_bytes(4, "big", signed=True))
                return
            number = line.recv(1)
            if not number:
                process.kill()
                return
            process.send_signal(number[0])
