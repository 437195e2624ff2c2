"""Whoever edits the ledger's tables is found out by ``transactions verify``: it compares them with the log."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from contract.transactions.money import Amount
from contract.transactions.transaction import Transaction, Transfer
from server.config import load_settings
from server.journal.log import LogReader
from server.root.ground import open_ground
from server.root.home import Home
from server.transactions import Inspection
from server.transactions.executors import ExecutorMeans, make_executors
from server.transactions.executors.ledger import Ledger, open_account
from tests.server.harness import query, silent_log
from tests.server.transactions.conftest import make_bank_home, open_bank
from tests.server.transactions.people import Bank
from tests.server.trusteeship.conftest import change

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRANSFERS: Final = (Transfer("alice", "bob", Amount("EUR", 700)), Transfer("alice", "carol", Amount("JPY", 20)))
SET: Final = "UPDATE ledger_entries SET "
THIRD: Final = " WHERE posting = '{executed}' AND number = 2"
INTO: Final = "INSERT INTO ledger_entries SELECT "
REST: Final = ", account, currency, units, balance, time FROM ledger_entries"

TAMPERINGS: Final = {
    SET + "units = units - 1" + THIRD: ("executed", "entry 2 of the ledger is not"),
    SET + "account = 'bob'" + THIRD: ("executed", "entry 2 of the ledger is not"),
    SET + "currency = 'EUR'" + THIRD: ("executed", "entry 2 of the ledger is not"),
    SET + "number = 7" + THIRD: ("executed", "needs 4 entries"),
    "DELETE FROM ledger_entries WHERE posting = '{executed}'": ("executed", "needs 4 entries, and the ledger has 0"),
    INTO + "posting, number + 4" + REST: ("executed", "the ledger has 8"),
    INTO + "'{failed}', number" + REST: ("failed", "it is not executed"),
    INTO + "'{refused}', number" + REST: ("refused", "it is not executed"),
    INTO + "'{proposed}', number" + REST: ("proposed", "it is not executed"),
}
"""What is done to the tables; which transaction does not verify any more, and why."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bank(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bank]:
    """A bank where Alice may owe some."""
    home = make_bank_home(tmp_path_factory.mktemp("ledger") / "server", transaction_executors=["note=ledger"])
    async with open_bank(home) as opened:

        def unit(connection: Connection) -> None:
            for name, currency in (("alice", "EUR"), ("alice", "JPY"), ("bob", "EUR"), ("carol", "JPY")):
                open_account(connection, name, currency, 1000, opened.clock())

        await opened.server._ground.database.write(unit)
        yield opened


def problems(home: Home, transaction_id: str) -> list[tuple[str, str]]:
    """What does not hold."""
    settings = load_settings(home.folder)
    with open_ground(home, settings, silent_log()) as ground:
        executors = make_executors(ExecutorMeans(settings, ground.clock, secrets.token_bytes, silent_log()))
        reader = LogReader(ground.log_key.verifier)
        made = Inspection(ground.database, ground.custody.keys, reader, executors).verify(transaction_id)
    assert made is not None
    assert made[-1].what == "execution"
    return [(each.what, each.problem) for each in made if each.problem]


async def test_entries_are_compared(bank: Bank, tmp_path: Path) -> None:
    """Of what was executed: all, each once, as the transfers say. Of what was not: none."""
    names = {"proposed": (await bank.terminal.propose(bank.terminal.transaction())).transaction_id}
    names["refused"], _, _ = await bank.signed()
    await bank.terminal.refuse(names["refused"])
    for state, transfers in (("executed", TRANSFERS), ("failed", TRANSFERS * 2)):
        names[state], binding, code = await bank.signed(transfers=transfers)
        await bank.terminal.confirm(names[state], binding, code)
    for name in names.values():
        assert problems(bank.home, name) == []
    (row,) = query(bank.home, "SELECT transaction_der FROM transactions WHERE state = 'executed'")
    asked = partial(Ledger(bank.clock).verify, transaction=Transaction.from_der(row[0]), key=names["executed"])
    told = bank.server._ground.database.read_now(lambda connection: asked(connection, reference="booking-1"))
    assert told == ["its reference is not its posting"]
    for number, (sql, (state, problem)) in enumerate(TAMPERINGS.items()):
        copied = Home(tmp_path / str(number))
        shutil.copytree(bank.home.folder, copied.folder)
        change(copied, sql.format(**names))
        found = {name: problems(copied, each) for name, each in names.items()}
        ((what, why),) = found.pop(state)
        assert what == "execution"
        assert problem in why
        assert not any(found.values())
