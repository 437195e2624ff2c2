"""Where the page is served: ``wire.local_page`` says to whom."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog

from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.page.asked import MAX_CONTENT, read_asked
from signer_agent.signing_device.page.face import Face
from wire.http import HttpResponse
from wire.local_page import open_local_page, refusal

_STATIC: Final = Path(__file__).with_name("static")


@asynccontextmanager
async def open_page(
    desk: Desk,
    account: str,
    port: int,
    log: structlog.stdlib.BoundLogger,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[str]:
    """While the context lasts, the page can be opened. Yields its address, secret: whoever knows it is the user.

    Args:
        desk: that it shows; of ``SIZE``.
        account: whose device it is.
        port: on 127.0.0.1; 0: a free one.
        log: where failures are told.
        now: the clock, UTC.

    Raises:
        ServiceError: PAGE_PORT_TAKEN.
    """
    face = Face(desk, account, now)

    async def act(action: str, content: dict[str, Any]) -> HttpResponse:
        asked = read_asked(action, content)
        return refusal(400) if asked is None else await face.answer(asked)

    async with open_local_page(_STATIC, act, port, log, max_content=MAX_CONTENT) as url:
        yield url
