"""``device run --page``: the signing device on a page for a browser."""

from __future__ import annotations

import asyncio
import signal
import sys

import segno
import structlog

from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.page import open_page
from wire.client.output import OUTPUT


async def run_page(desk: Desk, account: str, port: int, log: structlog.stdlib.BoundLogger) -> None:
    """Show the page until SIGINT or SIGTERM. Arguments as those of ``open_page``.

    Raises:
        ServiceError: PAGE_PORT_TAKEN.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_page(desk, account, port, log) as url:
        OUTPUT.show({"url": url}, [("Page", url)])
        if sys.stdout.isatty() and not OUTPUT.as_json:
            segno.make_qr(url).terminal(sys.stdout, compact=True)
        OUTPUT.note("Whoever has this address confirms as you do, until this ends: Ctrl-C.")
        await stop.wait()
