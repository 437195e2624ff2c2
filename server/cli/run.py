"""``fourseal-server run``, in one process or as a supervisor of several; ``media run`` and ``gateway run``.

What serves is imported where it is used: a supervisor does without.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import structlog

from server.config import Settings, load_settings
from server.errors import OperatorError
from server.root.home import Home, Serving
from server.root.log import configure_log
from server.storage.file_lock import FileLock
from wire.collection import collect_as_usual


class Running(Protocol):
    """A server that serves."""

    serving: Serving

    async def stop(self) -> None:
        """Finish what is in flight, and close everything."""


Start = Callable[[Home, Settings, structlog.stdlib.BoundLogger], Awaitable[Running]]


def run(home: Home, processes: int | None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        home: the folder.
        processes: how many; None: as configured.
    """
    settings = _settings_of(home, **({} if processes is None else {"processes": processes}))
    settings.require_separable()
    log = configure_log(settings.log_level)
    with _alone(home) as lock:
        if settings.processes > 1:
            from server.cli.supervisor import supervise

            supervise(home, settings, lock, log)
        else:
            from server.root.application import start_server

            _serve(home, settings, log, start_server)


def run_process(home: Home) -> None:
    """Serve as one of several, until SIGTERM or SIGINT, or until standard input ends: then there is no supervisor."""
    from server.root.application import start_server

    settings = _settings_of(home)
    settings.require_separable()
    with FileLock(home.server_lock) as lock:
        if settings.processes == 1 or lock.take():  # else what it inherited holds the folder
            raise OperatorError("this is for a supervisor", "Run fourseal-server run --processes.")
    log = configure_log(settings.log_level).bind(process_id=os.getpid())
    _serve(home, settings, log, partial(start_server, alone=False), until_input_ends=True)


def run_media(home: Home) -> None:
    """Relay until SIGTERM or SIGINT."""
    from server.root.media import start_media_server

    settings = _settings_of(home)
    if settings.processes > 1:
        raise OperatorError("a media server is one process", "Take processes out of its configuration.")
    log = configure_log(settings.log_level)
    with _alone(home):
        _serve(home, settings, log, start_media_server)


def run_gateway(home: Home) -> None:
    """Hand calls on until SIGTERM or SIGINT."""
    from server.root.gateway import start_gateway

    settings = _settings_of(home)
    log = configure_log(settings.log_level)
    with _alone(home):
        _serve(home, settings, log, start_gateway)


def _settings_of(home: Home, **chosen: object) -> Settings:
    if not home.folder.is_dir():
        raise OperatorError(f"there is no folder {home.folder}", f"Run fourseal-server init --home {home.folder}.")
    return load_settings(home.folder, **chosen)


def _serve(
    home: Home, settings: Settings, log: structlog.stdlib.BoundLogger, start: Start, *, until_input_ends: bool = False
) -> None:
    from wire.allocation import keep_freed_memory

    keep_freed_memory()
    asyncio.run(_serve_until_told(home, settings, log, start, until_input_ends=until_input_ends))


async def _serve_until_told(
    home: Home, settings: Settings, log: structlog.stdlib.BoundLogger, start: Start, *, until_input_ends: bool
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await start(home, settings, log)
    sys.stdout.write(server.serving.to_line())
    sys.stdout.flush()
    collect_as_usual()
    if until_input_ends:
        loop.add_reader(sys.stdin, stop.set)
    await stop.wait()
    if until_input_ends:
        loop.remove_reader(sys.stdin)
    await server.stop()


@contextmanager
def _alone(home: Home) -> Iterator[FileLock]:
    """Hold the folder: two servers would not know of each other's operations under way."""
    with FileLock(home.server_lock) as lock:
        if not lock.take():
            raise OperatorError(f"a server runs in {home.folder} already", "Stop it, or use it.")
        yield lock
