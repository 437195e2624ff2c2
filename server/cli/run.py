"""``fourseal-server run``."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final, Protocol

import structlog

from server.config import Settings, load_settings
from server.errors import OperatorError
from server.root.application import start_server
from server.root.home import Home, Serving
from server.root.log import configure_log
from wire.allocation import keep_freed_memory

_LOCK_NAME: Final = "server.lock"


class Running(Protocol):
    """A server that serves."""

    serving: Serving

    async def stop(self) -> None:
        """Finish what is in flight, and close everything."""


Start = Callable[[Home, Settings, structlog.stdlib.BoundLogger], Awaitable[Running]]


def run(home: Home) -> None:
    """Serve until SIGTERM or SIGINT."""
    serve_alone(home, start_server)


def serve_alone(home: Home, start: Start) -> None:
    """Start a server in this process, the only one in its folder, and let it serve until SIGTERM or SIGINT."""
    if not home.folder.is_dir():
        raise OperatorError(f"there is no folder {home.folder}", f"Run fourseal-server init --home {home.folder}.")
    keep_freed_memory()
    settings = load_settings(home.folder)
    log = configure_log(settings.log_level)
    with _alone(home):
        asyncio.run(_serve(home, settings, log, start))


async def _serve(home: Home, settings: Settings, log: structlog.stdlib.BoundLogger, start: Start) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await start(home, settings, log)
    sys.stdout.write(json.dumps(asdict(server.serving)) + "\n")
    sys.stdout.flush()
    gc.collect()
    gc.freeze()  # what is there now stays: the collector need not look through it again and again
    await stop.wait()
    await server.stop()


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Hold the folder for this process: two servers would not know of each other's operations under way."""
    descriptor = os.open(home.folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OperatorError(f"a server runs in {home.folder} already", "Stop it, or use it.") from None
    else:
        yield
    finally:
        os.close(descriptor)
