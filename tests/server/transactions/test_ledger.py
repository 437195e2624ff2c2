"""The ledger: whatever is posted, all adds up, no account is below its limit, and nothing is posted twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from fourseal.v1 import transaction_service_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from contract.log_entry import EntryKind, LogEntry
from contract.transactions.money import MAX_UNITS, Amount
from contract.transactions.posting import OperatorPosting
from contract.transactions.transaction import Transfer
from mpc.errors import MalformedInput
from server.config import load_settings
from server.errors import OperatorError
from server.root.fsck import fsck
from server.root.ground import open_ground
from server.storage import Database, PageCursor
from server.transactions.executors.ledger import (
    check_books,
    find_account,
    list_accounts,
    list_entries,
    open_account,
    post,
    set_overdraft,
)
from server.transactions.executors.ledger.posting import MAX_BALANCE, NotPosted, post_transfers
from tests.server.harness import make_home, query, silent_log
from tests.server.transactions.conftest import make_bank_home, open_bank
from tests.server.transactions.people import Bank
from tests.server.trusteeship.people import reason_of

KIND: Final = "transfer"
NOW: Final = datetime(2026, 11, 29, tzinfo=UTC)
NAMES: Final = ("alice", "bob", "carol")
LIMITS: Final = {"alice": 0, "bob": 50, "carol": 10**12}

transfers = st.builds(
    lambda names, units, currency: Transfer(names[0], names[1], Amount(currency, units)),
    st.permutations(NAMES),
    st.integers(1, 200),
    st.sampled_from(["EUR", "JPY"]),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """An empty ledger."""
    home = make_home(tmp_path_factory.mktemp("ledger") / "server")
    with open_ground(home, load_settings(home.folder), silent_log()) as ground:
        yield ground.database


@pytest.fixture
def books(database: Database) -> Database:
    """With the accounts of Alice, Bob and Carol, in euros and in yen."""

    def unit(connection: Connection) -> None:
        connection.execute(text("DELETE FROM ledger_entries"))
        connection.execute(text("DELETE FROM ledger_accounts"))
        for name, limit in LIMITS.items():
            for currency in ("EUR", "JPY"):
                open_account(connection, name, currency, limit, NOW)

    database.write_now(unit)
    return database


def balances(connection: Connection) -> dict[tuple[str, str], int]:
    """Of every account."""
    return {(each.account, each.currency): each.balance for each in list_accounts(connection, None, 100)}


@given(orders=st.lists(st.lists(transfers, min_size=1, max_size=4), max_size=12))
def test_all_adds_up(database: Database, orders: list[list[Transfer]]) -> None:
    """Whatever is posted: as a plain dictionary would have it, whole or not at all, and never below a limit."""

    def unit(connection: Connection) -> None:
        connection.execute(text("DELETE FROM ledger_entries"))
        connection.execute(text("DELETE FROM ledger_accounts"))
        for name, limit in LIMITS.items():
            for currency in ("EUR", "JPY"):
                open_account(connection, name, currency, limit, NOW)
        expected = balances(connection)
        for number, order in enumerate(orders):
            after = dict(expected)
            fits = True
            for each in order:
                currency, units = each.amount.currency, each.amount.units
                after[each.payer, currency] -= units
                after[each.payee, currency] += units
                fits = fits and after[each.payer, currency] >= -LIMITS[each.payer]
            refused = post_transfers(connection, f"posting-{number}", order, NOW)
            assert refused == (None if fits else NotPosted.BALANCE_TOO_LOW)
            expected = after if fits else expected
            assert balances(connection) == expected
            assert post_transfers(connection, f"posting-{number}", order, NOW) is None or not fits
            assert balances(connection) == expected, "posted twice"
        assert check_books(connection) == []

    database.write_now(unit)


def test_what_does_not_add_up_is_found(books: Database) -> None:
    """A balance, an entry, or a side of a posting that somebody changed in the database."""
    carol = Transfer("carol", "alice", Amount("EUR", 100))
    assert books.write_now(lambda connection: post_transfers(connection, "posting-1", [carol], NOW)) is None
    spoilt = (
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE account = 'alice' AND currency = 'EUR'",
        "UPDATE ledger_entries SET units = units + 1 WHERE number = 1",
        "DELETE FROM ledger_entries WHERE number = 0",
    )
    for change in spoilt:

        def unit(connection: Connection, change: str = change) -> list[str]:
            with connection.begin_nested() as savepoint:
                connection.execute(text(change))
                found = check_books(connection)
                savepoint.rollback()
            return found

        assert books.write_now(unit), change
    assert books.read_now(check_books) == []


def test_limits_of_what_is_counted(books: Database) -> None:
    """No balance leaves the range; what an operator must not do is refused, with nothing done."""
    books.write_now(
        lambda connection: connection.execute(
            text("UPDATE ledger_accounts SET balance = :most WHERE account = 'alice'"), {"most": MAX_BALANCE}
        )
    )
    over = Transfer("carol", "alice", Amount("EUR", 1))
    assert books.write_now(lambda each: post_transfers(each, "posting-1", [over], NOW)) is NotPosted.BALANCE_TOO_HIGH
    nobody = Transfer("carol", "dave", Amount("EUR", 1))
    assert books.write_now(lambda each: post_transfers(each, "posting-1", [nobody], NOW)) is NotPosted.ACCOUNT_NOT_OPEN
    refusals: list[Any] = [
        lambda each: open_account(each, "alice", "EUR", 0, NOW),
        lambda each: open_account(each, "dave", "EUR", -1, NOW),
        lambda each: open_account(each, "dave", "EUR", MAX_UNITS + 1, NOW),
        lambda each: set_overdraft(each, "dave", "EUR", 0),
        lambda each: post(each, OperatorPosting("a" * 16, over, "", NOW)),
    ]
    for refused in refusals:
        with pytest.raises(OperatorError):
            books.write_now(refused)
    with pytest.raises(MalformedInput):
        books.write_now(lambda each: open_account(each, "No Name", "EUR", 0, NOW))


def test_overdraft_is_not_taken_from_under_a_debt(books: Database) -> None:
    """Who owes more than the new limit keeps the old one."""
    debt = Transfer("bob", "alice", Amount("EUR", 40))
    assert books.write_now(lambda each: post_transfers(each, "posting-1", [debt], NOW)) is None
    with pytest.raises(OperatorError):
        books.write_now(lambda each: set_overdraft(each, "bob", "EUR", 39))
    assert books.write_now(lambda each: set_overdraft(each, "bob", "EUR", 40)).overdraft == 40


@given(
    request_id=st.from_regex(r"[A-Za-z0-9_-]{16,64}", fullmatch=True),
    transfer=transfers,
    words=st.sampled_from(["", "Start", "Überweisung", "年初"]),
)
def test_posting_is_read_as_it_was_written(request_id: str, transfer: Transfer, words: str) -> None:
    """Byte by byte; and one that was changed anywhere is another one, or none."""
    posting = OperatorPosting(request_id, transfer, words, NOW)
    encoded = posting.to_der()
    assert OperatorPosting.from_der(encoded) == posting
    for place in range(0, len(encoded), 7):
        changed = bytearray(encoded)
        changed[place] ^= 1
        with contextlib.suppress(MalformedInput):
            assert OperatorPosting.from_der(bytes(changed)) != posting


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bank(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bank]:
    """A bank whose transfers are the ledger's: Alice has 100.00 euros, from a treasury that may owe them."""
    home = make_bank_home(
        tmp_path_factory.mktemp("ledger") / "server", transaction_executors=[f"{KIND}=ledger", "note=book"]
    )
    async with open_bank(home) as opened:

        def unit(connection: Connection) -> None:
            for name, overdraft in (("treasury", 10**12), ("alice", 0), ("bob", 0)):
                open_account(connection, name, "EUR", overdraft, opened.clock())
            start = Transfer("treasury", "alice", Amount("EUR", 10000))
            posting = OperatorPosting("start-of-the-test", start, "Start", opened.clock().replace(microsecond=0))
            assert post(connection, posting)
            assert not post(connection, posting), "posted twice"
            other = replace(posting, transfer=replace(start, amount=Amount("EUR", 10001)))
            with pytest.raises(OperatorError):
                post(connection, other)

        await opened.server._ground.database.write(unit)
        yield opened


def balance(bank: Bank, name: str) -> int:
    """In cents."""
    return int(query(bank.home, "SELECT balance FROM ledger_accounts WHERE account = ?", name)[0][0])


@pytest.mark.asyncio(loop_scope="module")
async def test_confirmed_transfers_are_posted_once(bank: Bank) -> None:
    """Many at a time, for more than there is: what fits is executed, the rest fails, and nothing is lost."""

    async def pay(units: int) -> tuple[str, pb.TransactionStatus]:
        transfer = Transfer("alice", "bob", Amount("EUR", units))
        name, binding, code = await bank.signed(kind=KIND, transfers=(transfer,))
        return name, await bank.terminal.confirm(name, binding, code)

    before = balance(bank, "alice")
    paid = await asyncio.gather(*(pay(900) for _ in range(before // 900 + 5)))
    done = [status for _, status in paid if status.state == pb.TRANSACTION_STATE_EXECUTED]
    failed = [status for _, status in paid if status.state == pb.TRANSACTION_STATE_FAILED]
    assert (len(done), len(failed)) == (before // 900, 5)
    assert {status.cause for status in failed} == {"BALANCE_TOO_LOW"}
    assert all(status.execution == status.transaction_id for status in done)
    assert balance(bank, "alice") == before % 900
    assert await bank.server._ground.database.read(check_books) == []
    found = await bank.server._ground.database.read(lambda each: list_entries(each, "bob", "EUR", None, 100))
    assert sorted(each.posting for each in found) == sorted(status.transaction_id for status in done)
    assert fsck(bank.home, silent_log(), (), lambda _: lambda *_: None).findings == []


@pytest.mark.asyncio(loop_scope="module")
async def test_nobody_pays_with_anothers_money(bank: Bank) -> None:
    """Not in the first transfer, not in a later one; and not to an account that is not open."""
    own, others = (Transfer(*pair, Amount("EUR", 1)) for pair in (("alice", "bob"), ("bob", "alice")))
    for transfers_, reason in (
        ((others,), "PAYER_NOT_SIGNER"),
        ((own, others), "PAYER_NOT_SIGNER"),
        ((Transfer("alice", "nobody", Amount("EUR", 1)),), "LEDGER_ACCOUNT_NOT_OPEN"),
        ((Transfer("alice", "bob", Amount("JPY", 1)),), "LEDGER_ACCOUNT_NOT_OPEN"),
    ):
        made = bank.terminal.transaction(kind=KIND, transfers=transfers_)
        assert await reason_of(bank.terminal.propose(made)) == reason


@pytest.mark.asyncio(loop_scope="module")
async def test_operators_postings_stand_in_the_log(bank: Bank) -> None:
    """Each once: money does not come from nowhere unseen."""
    entries = [LogEntry.from_der(row[0]) for row in query(bank.home, "SELECT entry FROM log_entries")]
    postings = [OperatorPosting.from_der(each.body) for each in entries if each.kind is EntryKind.POSTING]
    assert [each.request_id for each in postings] == ["start-of-the-test"]
    assert postings[0].transfer == Transfer("treasury", "alice", Amount("EUR", 10000))


def test_command_line(tmp_path: Path) -> None:
    """An operator opens accounts, posts once by one request id, lists and checks; what is wrong is told."""
    home = make_bank_home(tmp_path / "server")

    def run(*words: str, status: int = 0) -> Any:  # noqa: ANN401  # JSON
        command = [str(Path(sys.executable).parent / "fourseal-server"), "ledger", *words, "--home", str(home.folder)]
        found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert found.returncode == status, found.stderr
        return json.loads(found.stdout) if "--json" in words else found.stdout + found.stderr

    assert run("open", "treasury", "EUR", "--overdraft", "1000.00", "--json")["overdraft_units"] == 100000
    assert "balance 0.00 EUR" in run("open", "alice", "EUR")
    posting = ("post", "treasury", "alice", "12.50", "EUR", "--text", "Start", "--request-id", "start-of-the-year")
    assert "Posted: 12.50 EUR" in run(*posting)
    assert run(*posting, "--json") == {"posting": "posting-start-of-the-year", "posted_before": True}
    assert "balance is too low" in run("post", "alice", "treasury", "12.51", "EUR", status=1)
    assert "no number with none or 2 digits" in run("post", "alice", "treasury", "1.5", "EUR", status=1)
    listed = run("list", "--json")["accounts"]
    assert {each["account"]: each["balance_units"] for each in listed} == {"treasury": -1250, "alice": 1250}
    assert "-12.50 EUR" in run("entries", "treasury", "EUR")
    assert run("check", "--json") == {"well": True, "findings": []}


def test_lists_go_on_where_they_stopped(books: Database) -> None:
    """Page by page, each once."""
    first = books.read_now(lambda each: list_accounts(each, None, 4))
    last = PageCursor(first[-1].create_time, f"{first[-1].account}:{first[-1].currency}")
    rest = books.read_now(lambda each: list_accounts(each, last, 100))
    assert [(each.account, each.currency) for each in (*first, *rest)] == sorted(
        (name, currency) for name in NAMES for currency in ("EUR", "JPY")
    )
    order = [Transfer("carol", "alice", Amount("EUR", units)) for units in (1, 2, 3)]
    for number, each in enumerate(order):
        time = NOW + timedelta(seconds=number)
        posted = partial(post_transfers, posting=f"posting-{number}", transfers=[each], now=time)
        assert books.write_now(posted) is None
    seen = books.read_now(lambda each: list_entries(each, "alice", "EUR", None, 2))
    after = PageCursor(seen[-1].time, f"{seen[-1].posting}:{seen[-1].number}")
    seen += books.read_now(lambda each: list_entries(each, "alice", "EUR", after, 100))
    assert [(each.units, each.balance) for each in seen] == [(1, 1), (2, 3), (3, 6)]
    assert books.read_now(lambda each: find_account(each, "alice", "EUR")) is not None
