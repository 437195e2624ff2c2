"""A server killed between confirming and executing, and at random points under load: nothing is executed twice or lost.

FOURSEAL_KILLS sets how often; a thousand take a quarter of an hour, and `-o faulthandler_timeout=0` to let them.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import grpc
import pytest
from fourseal.v1 import transaction_service_pb2 as pb
from sqlalchemy import Connection

from contract.certificates import BackEndCertificate
from contract.transactions.money import Amount
from contract.transactions.transaction import Transfer
from server.config import load_settings
from server.root.fsck import fsck
from server.root.ground import open_ground
from server.root.home import Home
from server.transactions.executors.ledger import check_books, open_account
from server.transactions.executors.ledger.posting import post_transfers
from tests.server.harness import Client, MovableClock, ServerProcess, query, silent_log
from tests.server.transactions.book import HOLD
from tests.server.transactions.conftest import make_bank_home, open_bank
from tests.server.transactions.people import Bank, Terminal
from tests.server.trusteeship.people import reason_of
from wire.status import RemoteError

KILLS: Final = int(os.environ.get("FOURSEAL_KILLS", "3"))
IN_FLIGHT: Final = 8
SEED: Final = 20261129
START: Final = 1_000_000_00
STATE = "SELECT state, attempts FROM transactions WHERE transaction_id = ?"


class PluggedServer(ServerProcess):
    """A server with the tests' executor."""

    PROGRAM: ClassVar = "tests.server.transactions.plugged"


async def test_killed_between_confirming_and_executing(tmp_path: Path) -> None:
    """Confirmed is durable, so nothing is lost; executed is one commit with what was done, so nothing is done twice."""
    home, hold = make_bank_home(tmp_path / "server"), tmp_path / "hold"
    async with open_bank(home) as bank:  # everybody registers here
        name, binding, code = await bank.signed()
    hold.touch()
    process = PluggedServer(home, **{HOLD: str(hold)})
    async with Client(process.serving, bank.terminal.client.identity) as client:
        asking = asyncio.create_task(Terminal(client, bank.clock).confirm(name, binding, code))
        while query(home, STATE, name) != [("confirmed", 1)]:  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0)
        process.kill()
        with pytest.raises(RemoteError) as lost:
            await asking
        assert lost.value.code is grpc.StatusCode.UNAVAILABLE
    assert bank.executions(name) == 0
    hold.unlink()
    with PluggedServer(home, **{HOLD: str(hold)}) as again:
        async with Client(again.serving, bank.terminal.client.identity) as client:
            terminal = Terminal(client, bank.clock)
            assert await reason_of(terminal.confirm(name, binding, code)) == "CODE_USED"
            while (status := await terminal.get(name)).state != pb.TRANSACTION_STATE_EXECUTED:
                assert status.state == pb.TRANSACTION_STATE_CONFIRMED
    assert bank.executions(name) == 1
    assert query(home, STATE, name) == [("executed", 2)]
    assert fsck(home, silent_log(), (), lambda _: lambda *_: None).findings == []


@dataclass
class Killer:
    """Kills a server with its n-th answer; at 0, never."""

    process: ServerProcess
    answers: int

    def answered(self) -> None:
        """One more."""
        self.answers -= 1
        if self.answers == 0:
            self.process.kill()


class Payment:
    """A payment that is tried until it is executed: one transaction, binding and code, however often they are sent."""

    def __init__(self, bank: Bank, back_end: BackEndCertificate, units: int) -> None:
        transfer = Transfer("alice", "bob", Amount("EUR", units))
        self.units = units
        self.transaction = bank.terminal.transaction(kind="transfer", transfers=(transfer,))
        self.binding, self.code = bank.alice.bind(self.transaction, back_end)
        self.name = ""

    async def go_on(self, terminal: Terminal, answered: Callable[[], None]) -> bool:
        """As far as the server lives; whether it is executed. ``answered`` is called with each answer."""
        try:
            self.name = (await terminal.propose(self.transaction)).transaction_id
            answered()
            await terminal.sign(self.name, self.binding)
            answered()
            try:
                await terminal.confirm(self.name, self.binding, self.code)
            except RemoteError as error:
                if error.reason != "CODE_USED":  # by this very payment, before the kill
                    raise
            answered()
            while (status := await terminal.get(self.name)).state == pb.TRANSACTION_STATE_CONFIRMED:
                pass  # it is taken up within a second
            answered()
        except RemoteError as error:
            assert error.code is grpc.StatusCode.UNAVAILABLE, error  # noqa: PT017  # by a kill
            return False
        assert status.state == pb.TRANSACTION_STATE_EXECUTED
        return True


async def funded(home: Home) -> tuple[Bank, BackEndCertificate]:
    """A bank whose server has stopped, where Alice has money and Bob an account."""
    async with open_bank(home) as bank:
        back_end = await bank.terminal.back_end()

        def unit(connection: Connection) -> None:
            for name, overdraft in (("treasury", START), ("alice", 0), ("bob", 0)):
                open_account(connection, name, "EUR", overdraft, bank.clock())
            start = [Transfer("treasury", "alice", Amount("EUR", START))]
            assert post_transfers(connection, "posting-start-of-the-test", start, bank.clock()) is None

        await bank.server._ground.database.write(unit)
        return bank, back_end


async def test_killed_under_load(tmp_path: Path) -> None:
    """The sum of all accounts is the same after every kill; at the end each payment was executed once."""
    home = make_bank_home(tmp_path / "server", transaction_executors=["transfer=ledger", "note=book"])
    bank, back_end = await funded(home)
    points = random.Random(SEED)  # noqa: S311
    made, waiting, cut_off = list[Payment](), list[Payment](), 0
    for life in range(KILLS + 1):
        new = [Payment(bank, back_end, points.randrange(1, 1000)) for _ in range(IN_FLIGHT)]
        made, waiting = made + new, waiting + new
        process = PluggedServer(home)
        async with AsyncExitStack() as stack:
            stack.callback(process.process.kill)
            client = await stack.enter_async_context(Client(process.serving, bank.terminal.client.identity))
            answers = points.randrange(1, 4 * len(waiting)) if life < KILLS else 0  # each waits for four
            killed, terminal = Killer(process, answers), Terminal(client, MovableClock())
            executed = await asyncio.gather(*(each.go_on(terminal, killed.answered) for each in waiting))
            if life == KILLS:
                process.terminate()
        waiting = [each for each, done in zip(waiting, executed, strict=True) if not done]
        cut_off += len(waiting)
        assert query(home, "SELECT sum(balance) FROM ledger_accounts") == [(0,)]
    assert cut_off > 0, "no kill came in the middle: move the points"
    assert waiting == []

    posted = dict(query(home, "SELECT posting, units FROM ledger_entries WHERE account = 'bob'"))
    assert len(posted) == len(query(home, "SELECT 1 FROM ledger_entries WHERE account = 'bob'"))
    assert posted == {each.name: each.units for each in made}
    paid = sum(each.units for each in made)
    balances = dict(query(home, "SELECT account, balance FROM ledger_accounts"))
    assert balances == {"treasury": -START, "alice": START - paid, "bob": paid}
    with open_ground(home, load_settings(home.folder), silent_log()) as ground:
        assert ground.database.read_now(check_books) == []
    assert fsck(home, silent_log(), (), lambda _: lambda *_: None).findings == []
