"""A terminal with a folder of its own, beside Alice's device and Bob's account, at a back end with a ledger."""

from __future__ import annotations

import asyncio
import io
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import segno
from PIL import Image
from typer.main import get_command

from contract.transactions.code import ConfirmationCode
from contract.transactions.money import Amount
from contract.transactions.transaction import Transfer
from server.root.home import Home as ServerHome
from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.model import Stage
from signer_agent.signing_device.serving import open_to_terminals
from terminal import Home, Kept, Terminal
from terminal.cli.main import app
from terminal.terminal import enrol_terminal
from tests.server.harness import make_ticket, query
from tests.signer_agent.signing_device.people import SIZE, Scene, scene_in
from wire.client.ticket import Ticket

RENT: Final = Transfer("alice", "bob", Amount("EUR", 125))


@dataclass
class Shop:
    """All of it. ``Terminal.open(shop.home)`` is its terminal."""

    scene: Scene
    server_home: ServerHome
    home: Home

    @property
    def socket(self) -> Path:
        """Of Alice's device, when it runs."""
        return self.scene.alice.home.device_socket

    @asynccontextmanager
    async def device(self, **options: Any) -> AsyncIterator[User]:  # noqa: ANN401  # of a desk
        """Alice at her device, to which terminals come by its socket."""
        office = await self.scene.alice.contracts.signing_office(self.scene.alice.agent, own_key=True)
        desk = Desk(office, SIZE, **options)
        async with open_to_terminals(desk, self.scene.alice.home):
            yield User(desk)

    def ticket(self, name: str) -> Ticket:
        """For a terminal."""
        made = make_ticket(self.server_home, name, self.scene.server.serving)
        return Ticket.parse(made.to_json().encode(), "ticket", datetime.now(UTC))

    def bobs_balance(self) -> int:
        """In cents, by the ledger."""
        return int(query(self.server_home, "SELECT balance FROM ledger_accounts WHERE account = 'bob'")[0][0])

    async def command(self, *arguments: str | Path) -> int:
        """A command of the terminal's, in this process; its exit status. Raises FoursealError."""
        called = [*map(str, arguments), "--home", str(self.home.folder)]
        status = await asyncio.to_thread(get_command(app), called, standalone_mode=False)
        return int(status or 0)


@dataclass
class User:
    """Alice, at her device."""

    desk: Desk
    seen: list[str] = field(default_factory=list)

    async def confirm(self) -> str:
        """Wait for a transaction, read and confirm it; returns the code that is shown."""
        while self.desk.view.stage is not Stage.READING:
            await self.desk.changed(self.desk.view.revision)
        while (view := self.desk.view).number < view.count:
            self.seen += view.page
            self.desk.forward(view.revision)
        self.seen += self.desk.view.page
        self.desk.look_at_clock()
        await self.desk.confirm(self.desk.view.revision)
        return self.desk.code(self.desk.view.revision).to_secret_groups()

    async def confirm_and_hand_over(self) -> None:
        """Confirm, and let terminals have the code."""
        await self.confirm()
        self.desk.hand_over(self.desk.view.revision)

    def photograph(self) -> bytes:
        """The display, as a camera sees it: grey, turned a little, with a margin of noise's colour."""
        drawn = io.BytesIO()
        segno.make_qr(self.desk.picture(self.desk.view.revision), error="l").save(drawn, kind="png", scale=5, border=4)
        return photograph(drawn.getvalue())


def photograph(png: bytes) -> bytes:
    """A picture on a desk, photographed."""
    taken = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        display = picture.convert("L").rotate(7, expand=True, fillcolor=255)
        table = Image.new("L", (display.width + 200, display.height + 120), 90)
        table.paste(display, (90, 60))
        table.save(taken, "JPEG", quality=70)
    return taken.getvalue()


@asynccontextmanager
async def shop_in(folder: Path) -> AsyncIterator[Shop]:
    """A server, everybody there, and the terminal enrolled."""
    async with scene_in(folder) as scene:
        shop = Shop(scene, ServerHome(folder / "server"), Home(folder / "till"))
        await enrol_terminal(shop.home, await asyncio.to_thread(shop.ticket, "shop-till"))
        yield shop


def made_up() -> str:
    """A code of no transaction; by chance once in 2^39 of some."""
    return ConfirmationCode.new(secrets.token_bytes).to_secret_groups()


async def signed(terminal: Terminal, socket: Path, **changed: Any) -> Kept:  # noqa: ANN401  # of ``prepare``
    """A payment, signed by the device."""
    kept = await terminal.prepare("alice", [RENT], **changed)
    await terminal.propose(kept.transaction_id)
    await terminal.present(kept.transaction_id, socket)
    await terminal.sign(kept.transaction_id)
    return kept
