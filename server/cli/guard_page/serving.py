"""Serves the page until Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import structlog

from server.cli.database import opened, settings_of
from server.cli.guard_page.face import Face
from server.cli.output import show_json, show_line
from server.guard import GuardTerms
from server.root.guard_terms import guard_terms
from server.root.home import Home
from server.root.log import configure_log
from server.storage import Database
from wire.local_page import open_local_page

MAX_CONTENT: Final = 8 * 1024
"""Bytes of what comes with an action: a hundred keys."""
_STATIC: Final = Path(__file__).with_name("static")


@asynccontextmanager
async def open_page(
    database: Database, terms: GuardTerms, port: int, log: structlog.stdlib.BoundLogger
) -> AsyncIterator[str]:
    """While the context lasts, the page can be opened. Yields its address, secret: whoever knows it is the operator.

    Args:
        database: of the guard.
        terms: of the guard.
        port: on 127.0.0.1; 0: a free one.
        log: where failures are told.

    Raises:
        ServiceError: PAGE_PORT_TAKEN.
    """
    face = Face(database, terms)
    async with open_local_page(_STATIC, face.answer, port, log, max_content=MAX_CONTENT) as url:
        yield url


def run_page(home: Home, port: int, *, as_json: bool) -> None:
    """Show the page until SIGINT or SIGTERM.

    Raises:
        OperatorError: no database, or one of another version.
        ServiceError: PAGE_PORT_TAKEN.
    """
    terms = guard_terms(settings_of(home))
    with opened(home) as database:
        asyncio.run(_run(database, terms, port, as_json=as_json))


async def _run(database: Database, terms: GuardTerms, port: int, *, as_json: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_page(database, terms, port, configure_log("error")) as url:
        if as_json:
            show_json({"url": url})
        else:
            show_line(url)
            show_line("Whoever has this address decides as you do, until this ends: Ctrl-C.")
        sys.stdout.flush()
        await stop.wait()
