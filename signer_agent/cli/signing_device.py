"""``device run``: the signing device, on a terminal's screen unless on a page."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from contract.transactions.binding import CodeVariant
from mpc.errors import FoursealError
from signer_agent.cli.device_display import display, size_for_reading
from signer_agent.cli.device_page import run_page
from signer_agent.cli.invocation import Invocation
from signer_agent.cli.screen import ESCAPE, RESIZED, Screen
from signer_agent.daemon.process import harden
from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.model import Stage, View
from signer_agent.signing_device.page import SIZE
from signer_agent.signing_device.serving import open_to_terminals
from wire.catalogue import ServiceError
from wire.client.output import message_of

if TYPE_CHECKING:
    from signer_agent.client.agent import LocalAgent

_REDRAWN_SECONDS: Final = 0.5
"""How often a code is drawn anew: its picture says the time."""
_FORWARD: Final = frozenset({"forward", " ", "n"})
_BACK: Final = frozenset({"back", "b"})
_ENTER: Final = "\r\n"
_ERASE: Final = "\b\x7f"


def run_device(
    invocation: Invocation,
    key: str,
    variant: CodeVariant,
    page_port: int | None,
    *,
    own_key: bool,
    asks_pin: bool,
    refreshing: bool,
) -> None:
    """Run it until its user quits, on the screen or on a page at a port. Arguments as those of ``devices.run``.

    Raises:
        FoursealError: DISPLAY_MISSING, DEVICE_RUNNING, PAGE_PORT_TAKEN, those of ``Contracts.signing_office``.
    """
    if page_port is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ServiceError("DISPLAY_MISSING")
    harden()

    async def ran(agent: LocalAgent) -> None:
        office = await (await agent.contracts()).signing_office(agent, key, own_key=own_key)
        screen = None if page_port is not None else Screen(sys.stdin.fileno(), sys.stdout)
        size = SIZE if screen is None else size_for_reading(screen.size)
        desk = Desk(office, size, variant=variant, asks_pin=asks_pin, refreshing=refreshing)
        async with open_to_terminals(desk, invocation.home) as log:
            if screen is None:
                await run_page(desk, office.account, page_port or 0, log)
                return
            with screen:
                await ScreenDevice(desk, screen, office.account).run()

    invocation.with_store(ran)


class ScreenDevice:
    """One display and its keys.

    Args:
        desk: what it shows.
        screen: where.
        account: whose device it is.
    """

    def __init__(self, desk: Desk, screen: Screen, account: str) -> None:
        self._desk = desk
        self._screen = screen
        self._account = account
        self._notice = ""
        self._pin: str | None = None
        self._doing: asyncio.Task[None] | None = None
        self._seen = b""

    async def run(self) -> None:
        """Until the user quits."""
        key = asyncio.create_task(self._screen.keys.get())
        try:
            while True:
                view = self._draw()
                await self._something_happens(view, key)
                if key.done() and self._doing is None:
                    pressed = key.result()
                    if not pressed or (pressed == "q" and self._pin is None):
                        return
                    self._press(pressed, view)
                    key = asyncio.create_task(self._screen.keys.get())
        finally:
            for task in filter(None, (key, self._doing)):
                task.cancel()

    def _draw(self) -> View:
        self._desk.resize(size_for_reading(self._screen.size))
        view = self._desk.view
        if view.transaction and view.transaction != self._seen:
            self._seen, self._notice, self._pin = view.transaction, "", None
            self._screen.forget_keys()
        asked = "" if self._pin is None else f"PIN or passphrase (Escape cancels): {'*' * len(self._pin)}"
        notice = asked or self._notice
        self._screen.draw(display(self._desk, self._account, self._screen.size, notice, datetime.now(UTC)))
        return view

    async def _something_happens(self, view: View, key: asyncio.Task[str]) -> None:
        changed = asyncio.create_task(self._desk.changed(view.revision))
        awaited: set[asyncio.Task[Any]] = {changed, key if self._doing is None else self._doing}  # keys wait for it
        timeout = _REDRAWN_SECONDS if view.stage is Stage.SHOWING else None
        await asyncio.wait(awaited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
        if self._doing is not None and self._doing.done():
            self._doing = None

    def _press(self, key: str, view: View) -> None:
        if key == RESIZED:
            return
        self._notice = ""
        if self._pin is not None:
            self._type_pin(key, view)
        elif view.stage is Stage.READING:
            self._while_reading(key, view)
        elif view.stage is Stage.SHOWING:
            self._while_showing(key, view)

    def _while_reading(self, key: str, view: View) -> None:
        if key in _FORWARD:
            self._now(self._desk.forward, view)
        elif key in _BACK:
            self._now(self._desk.back, view)
        elif key == "r":
            self._begin(self._desk.refuse(view.revision))
        elif key == "c" and view.asks_pin and view.may_confirm:
            self._pin = ""
        elif key == "c":
            self._begin(self._desk.confirm(view.revision))

    def _while_showing(self, key: str, view: View) -> None:
        if key == "h":
            self._now(self._desk.hand_over, view)
        elif key == "d":
            self._now(self._desk.put_away, view)
        elif key == "r":
            self._begin(self._desk.refuse(view.revision))

    def _type_pin(self, key: str, view: View) -> None:
        pin = self._pin or ""
        if key == ESCAPE or view.stage is not Stage.READING:
            self._pin = None
        elif key and key in _ENTER:
            self._pin = None
            self._begin(self._desk.confirm(view.revision, pin))
        elif key and key in _ERASE:
            self._pin = pin[:-1]
        elif len(key) == 1 and key.isprintable():
            self._pin = pin + key

    def _now(self, act: Callable[[int], None], view: View) -> None:
        try:
            act(view.revision)
        except FoursealError as error:
            self._notice = message_of(error)

    def _begin(self, act: Coroutine[Any, Any, None]) -> None:
        async def done() -> None:
            try:
                await act
            except FoursealError as error:
                self._notice = message_of(error)

        self._doing = asyncio.create_task(done())
