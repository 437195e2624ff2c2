"""Several server processes on the same ports, and the one that looks after them.

* The supervisor has the folder's lock, which its processes inherit: it is free when all of them have ended. It has the
  ports too, bound without listening, so that nobody else gets them while a process is started again.
* The first process starts alone, for it brings the database up to date; then the others. One that ends before it has
  served for the first time ends the whole: what is wrong would not go away.
* Later on one that ends is started again: after a second, and after twice as long each further time, a minute at most.
  One that has lived for so long begins anew.
* SIGTERM and SIGINT are passed on as SIGTERM, and waited for. Who goes beyond the grace and some seconds is killed.
* When the supervisor is killed, its processes end as by SIGTERM: their standard input ends.

The kernel gives each new connection to one of the processes, where it stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog
from prometheus_client.multiprocess import mark_process_dead

from server.config import Settings
from server.errors import OperatorError
from server.metrics import SEVERAL_PROCESSES
from server.root.home import Home, Serving
from server.storage.file_lock import FileLock

_COMMAND: Final = (sys.executable, "-P", "-c", "from server.cli import main; main()", "process", "--home")
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_BEYOND_GRACE_SECONDS: Final = 10.0


def supervise(home: Home, settings: Settings, lock: FileLock, log: structlog.stdlib.BoundLogger) -> None:
    """Have ``settings.processes`` processes serve until SIGTERM or SIGINT.

    Args:
        home: the folder.
        settings: its configuration.
        lock: the folder's, taken.
        log: where ends and new beginnings are told.

    Raises:
        OperatorError: nothing can listen on a port; a process did not come to serve.
    """
    with contextlib.ExitStack() as ports:
        environment = os.environ | {
            "FOURSEAL_LISTEN": ports.enter_context(_held_port(settings.listen)),
            "FOURSEAL_ENROLMENT_LISTEN": ports.enter_context(_held_port(settings.enrolment_listen)),
            "FOURSEAL_PROCESSES": str(settings.processes),
        }
        if settings.ocsp_listen:
            environment["FOURSEAL_OCSP_LISTEN"] = ports.enter_context(_held_port(settings.ocsp_listen))
        if settings.metrics_listen:
            environment["FOURSEAL_METRICS_LISTEN"] = ports.enter_context(_held_port(settings.metrics_listen))
            environment[SEVERAL_PROCESSES] = str(_make_counts_folder(home))
        asyncio.run(_supervise(Supervisor(home, settings, environment, lock, log)))


async def _supervise(supervisor: Supervisor) -> None:
    serving = asyncio.create_task(supervisor.serve())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    finally:
        await supervisor.end()


class Supervisor:
    """Starts processes, starts them again, and ends them.

    Args:
        home: the server's folder.
        settings: how many processes, and how long each has to end.
        environment: of the processes.
        lock: what they inherit.
        log: where it tells what it does.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        environment: dict[str, str],
        lock: FileLock,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._home = home
        self._settings = settings
        self._environment = environment
        self._lock = lock
        self._log = log
        self._living: set[Process] = set()
        self._keepers: list[asyncio.Task[None]] = []

    async def serve(self) -> None:
        """Start all, say that they serve, and keep their number. Never returns.

        Raises:
            OperatorError: one has ended before it served.
        """
        served = await self._keep_one()
        await asyncio.gather(*[self._keep_one() for _ in range(self._settings.processes - 1)])
        serving = replace(served, process_id=os.getpid())
        serving.write(self._home.serving)
        self._log.info("supervising", process_id=serving.process_id, processes=self._settings.processes)
        sys.stdout.write(serving.to_line())
        sys.stdout.flush()
        await asyncio.gather(*self._keepers)

    async def end(self) -> None:
        """End all processes, and wait until they have ended."""
        self._home.serving.unlink(missing_ok=True)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for process in self._living:
            process.terminate()
        grace = self._settings.shutdown_grace_seconds + _BEYOND_GRACE_SECONDS
        ending = [asyncio.create_task(process.wait()) for process in self._living]
        if ending:
            await asyncio.wait(ending, timeout=grace)
        for process in self._living:
            if process.returncode is None:
                self._log.error("process_killed", process_id=process.pid)
                process.kill()
        await asyncio.gather(*ending)

    async def _keep_one(self) -> Serving:
        """Keep one process alive from now on; what the first one says when it serves."""
        served: asyncio.Future[Serving] = asyncio.get_running_loop().create_future()
        self._keepers.append(asyncio.create_task(self._keep(served)))
        return await served

    async def _keep(self, served: asyncio.Future[Serving]) -> None:
        pause, clock = _FIRST_PAUSE, asyncio.get_running_loop().time
        while True:
            begin = clock()
            process = await asyncio.create_subprocess_exec(
                *_COMMAND,
                str(self._home.folder),
                stdin=PIPE,
                stdout=PIPE,
                env=self._environment,
                pass_fds=(self._lock.descriptor,),
                process_group=0,  # a terminal's Ctrl-C comes to the supervisor alone
            )
            self._living.add(process)
            line = await process.stdout.readline() if process.stdout is not None else b""
            if line and not served.done():
                served.set_result(Serving.from_line(line))
            status = await process.wait()
            self._living.discard(process)
            if counts := self._environment.get(SEVERAL_PROCESSES):
                mark_process_dead(process.pid, counts)  # type: ignore[no-untyped-call]
            if not served.done():
                text, action = "a server process ended before it served", "See what it has said itself."
                served.set_exception(OperatorError(text, action))
                return
            if clock() - begin >= _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            self._log.error("process_ended", process_id=process.pid, status=status, restart_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _make_counts_folder(home: Home) -> Path:
    """A folder for what the processes count: empty, for counts begin with the supervisor."""
    shutil.rmtree(home.counts, ignore_errors=True)
    home.counts.mkdir(mode=0o700)
    return home.counts


@contextlib.contextmanager
def _held_port(address: str) -> Iterator[str]:
    """Hold "host:port" for all who share the port; the address with the real port."""
    host, _, port = address.rpartition(":")
    with contextlib.ExitStack() as sockets:
        try:
            family, kind, _, _, target = socket.getaddrinfo(
                host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind) as other:  # it does not share: somebody else's server is in its way
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                other.bind(target)
            held = sockets.enter_context(socket.socket(family, kind))
            for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
                held.setsockopt(socket.SOL_SOCKET, option, 1)
            held.bind(target)
        except OSError:
            raise OperatorError(
                f"nothing can listen on {address}",
                "Stop what uses that port, or configure another; 0 finds a free one.",
            ) from None
        yield f"{host}:{held.getsockname()[1]}"
