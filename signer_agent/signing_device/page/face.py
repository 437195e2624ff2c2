"""What the page shows, and what can be done there: the desk's side for displays, in JSON.

The code is in the answer to "code" alone, which the page asks for again and again while it shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import segno

from mpc.errors import FoursealError
from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.model import Stage, View
from signer_agent.signing_device.page.asked import Asked
from signer_agent.signing_device.wording import tell_ending, visible
from wire.client.output import message_of
from wire.http import HttpResponse
from wire.local_page import refusal, told

SIZE: Final = (26, 12)
"""Cells and lines of the page, whatever the phone: its letters are as large as it is wide. A simple transfer takes two
pages. Where less is in sight, the page lets its user scroll to the end of it before it turns."""
LONGEST_WAIT_SECONDS: Final = 5.0
"""So long "view" waits for another one. Less than ``wire.http.REQUEST_SECONDS``."""
_KINDS: Final = {"  ": "value", "> ": "text", "! ": "caution"}
"""Of lines, by what they begin with: contract.transactions.display."""


class Face:
    """Does what the page asks.

    Args:
        desk: that is shown.
        account: whose device it is.
        now: the clock, UTC.
    """

    def __init__(self, desk: Desk, account: str, now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._account = account
        self._now = now
        self._doing: set[asyncio.Task[None]] = set()
        self._at_once: Mapping[str, Callable[[int], None]] = {
            "forward": desk.forward,
            "back": desk.back,
            "hand-over": desk.hand_over,
            "put-away": desk.put_away,
        }

    async def answer(self, asked: Asked) -> HttpResponse:
        """What is shown then (200), why the desk refuses (409), or nothing where there is no such action (404)."""
        try:
            match asked.action:
                case "view":
                    await self._wait(asked.revision)
                case "code":
                    return told(200, self._secret(asked.revision))
                case "confirm":
                    await self._finish(self._desk.confirm(asked.revision, asked.pin))
                case "refuse":
                    await self._finish(self._desk.refuse(asked.revision))
                case action if action in self._at_once:
                    self._at_once[action](asked.revision)
                case _:
                    return refusal(404)
        except FoursealError as error:
            return told(409, {"problem": visible(message_of(error))})
        return told(200, self._show(self._desk.view))

    async def _wait(self, revision: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._desk.changed(revision)

    async def _finish(self, act: Awaitable[None]) -> None:
        """Do it to its end, also when whoever asked for it goes away meanwhile."""
        task = asyncio.ensure_future(act)
        self._doing.add(task)
        task.add_done_callback(self._done)
        await asyncio.shield(task)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._doing.discard(task)
        if not task.cancelled():
            task.exception()  # looked at here, should nobody wait for it any more

    def _secret(self, revision: int) -> dict[str, Any]:
        code = self._desk.code(revision)
        path, modules = _draw(self._desk.picture(revision))
        return {"code": code.to_secret_groups(), "path": path, "modules": modules}

    def _show(self, view: View) -> dict[str, Any]:
        left = None if view.end is None else max(round((view.end - self._now()).total_seconds(), 1), 0.0)
        reads, ended = view.stage is Stage.READING, view.ended
        return {
            "revision": view.revision,
            "stage": view.stage,
            "account": visible(self._account),
            "transaction": view.transaction.hex(),
            "lines": [[_KINDS.get(line[:2], "label"), visible(line)] for line in view.page if reads],
            "number": view.number,
            "count": view.count,
            "may_confirm": view.may_confirm,
            "asks_pin": view.asks_pin,
            "seconds_left": left,
            "handed_over": view.handed_over,
            "ending": "" if ended is None else ended.ending,
            "ended": [] if ended is None else [visible(each) for each in tell_ending(ended)],
        }


def _draw(content: str) -> tuple[str, int]:
    """A QR code with its margin, as the path of an SVG with one unit a module; and its width."""
    code = segno.make_qr(content, error="m")
    rows = list(code.matrix_iter(border=code.default_border_size))
    runs = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return "".join(runs), len(rows)
