"""``fourseal-terminal``: what a person types and sees, and what a program gets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final, TextIO

import pytest
from typer.exceptions import TyperException

from contract.transactions.progress import TransactionState
from signer_agent.signing_device.model import Stage
from terminal import Terminal
from terminal.cli import main
from tests import forked
from tests.signer_agent.refusals import refused
from tests.terminal.shop import RENT, Shop, User, made_up, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS: Final = 40  # more than there are
PAYMENT: Final = ("pay", "bob", "1.25", "EUR", "--from", "alice")


@dataclass
class KeyPad:
    """Standard input of a command; what is typed is a line."""

    keys: TextIO

    def type(self, line: str) -> None:
        """Type a line."""
        self.keys.write(f"{line}\n")
        self.keys.flush()


@pytest.fixture
def key_pad(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyPad]:
    """In the place of this process's standard input."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as read, os.fdopen(writing, "w") as keys:
        monkeypatch.setattr("sys.stdin", read)
        yield KeyPad(keys)


async def test_a_payment_typed(shop: Shop, key_pad: KeyPad, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped code and a wrong one are told, and it is asked again."""
    before = shop.bobs_balance()
    async with shop.device() as user:
        paying = asyncio.create_task(shop.command(*PAYMENT, "--text", "Rent for May", "--device", shop.socket))
        code = await user.confirm()
        for typed in ("", "12-34", made_up(), code.lower()):
            key_pad.type(typed)
        assert await paying == 0
        assert user.desk.view.stage is not Stage.READING
    told = capsys.readouterr()
    assert [line for line in told.err.splitlines() if line.startswith("Reason")] == [
        "Reason: CODE_MISTYPED",
        "Reason: CODE_MISTYPED",
        "Reason: CODE_WRONG",
    ]
    assert "executed" in told.out
    assert "1.25 EUR from alice to bob" in told.out
    assert "Rent for May" in told.out
    assert shop.bobs_balance() == before + RENT.amount.units


async def test_the_third_wrong_code_is_the_end(shop: Shop, key_pad: KeyPad, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is asked a fourth time; and how it stands says so."""
    async with shop.device() as user:
        paying = asyncio.create_task(shop.command(*PAYMENT, "--device", shop.socket))
        await user.confirm()
        for _ in range(3):
            key_pad.type(made_up())
        with refused("CODE_WRONG", left="0"):
            await paying
    name = _named(capsys.readouterr().err)
    assert await shop.command("show", name, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["state"], shown["cause"], shown["wrong_codes"]) == ("rejected", "WRONG_CODES", 3)
    assert await shop.command("pay", "--resume", name) == 1
    assert "Nothing of it was done" in capsys.readouterr().err


async def test_a_payment_in_parts(
    shop: Shop, key_pad: KeyPad, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As programs do it: begun without a device, then without a code, ended by a code, a picture, the channel."""
    key_pad.keys.close()
    for way in ("--code", "--picture", "--channel"):
        capsys.readouterr()
        with refused("DEVICE_NOT_NAMED"):
            await shop.command(*PAYMENT)
        name = _named(capsys.readouterr().err)
        assert await shop.command("show", name) == 0
        assert f"pay --resume {name}" in capsys.readouterr().err
        async with shop.device() as user:
            with refused("CONFIRMATION_CODE_MISSING", transaction_id=name):
                await shop.command("pay", "--resume", name, "--device", shop.socket)
            code = await user.confirm()
            (tmp_path / "display.jpg").write_bytes(user.photograph())
            user.desk.hand_over(user.desk.view.revision)
            brought = {
                "--code": ["--code", code],
                "--picture": ["--picture", str(tmp_path / "display.jpg")],
                "--channel": ["--channel", "--device", str(shop.socket)],
            }[way]
            capsys.readouterr()
            assert await shop.command("pay", "--resume", name, *brought, "--json") == 0
            told = capsys.readouterr()
            assert json.loads(told.out)["state"] == TransactionState.EXECUTED
            assert told.err == ""
            assert await shop.command("pay", "--resume", name) == 0, "it is done: nothing is asked"


async def test_a_picture_is_waited_for(shop: Shop, key_pad: KeyPad, tmp_path: Path) -> None:
    """A new payment's picture cannot be there before a person says so."""
    async with shop.device(refreshing=True, now=lambda: datetime.now(UTC) - timedelta(seconds=10)) as user:
        options = ("--device", shop.socket, "--picture", tmp_path / "display.jpg")
        paying = asyncio.create_task(shop.command(*PAYMENT, *options))
        await user.confirm()
        (tmp_path / "display.jpg").write_bytes(user.photograph())
        key_pad.type("")
        assert await paying == 0
        name = await _signed_anew(shop, user)
        with refused("FILE_UNUSABLE"):
            await shop.command("pay", "--resume", name, "--picture", tmp_path / "missing.jpg")
        (tmp_path / "display.jpg").write_bytes(user.photograph())
        with refused("PICTURE_TOO_OLD", seconds="3"):
            await shop.command("pay", "--resume", name, *options, "--refreshing")


async def test_a_code_that_was_used(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer was lost: how it stands is looked up, and that is no refusal."""
    async with shop.device() as user:
        name = await _signed_anew(shop, user)
        code = user.desk.code(user.desk.view.revision).to_secret_groups()
        confirm = Terminal.confirm

        async def confirmed_twice(terminal: Terminal, transaction_id: str, typed: str) -> object:
            await confirm(terminal, transaction_id, typed)
            return await confirm(terminal, transaction_id, typed)

        monkeypatch.setattr(Terminal, "confirm", confirmed_twice)
        assert await shop.command("pay", "--resume", name, "--code", code) == 0


async def test_refuse_and_list(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """A payment that is taken back; and all of them."""
    async with shop.device(), Terminal.open(shop.home) as terminal:
        name = (await signed(terminal, shop.socket)).transaction_id
    assert await shop.command("refuse", name) == 0
    assert "rejected: REFUSED_BY_USER" in capsys.readouterr().out
    assert await shop.command("list", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["transaction_id"] == name
    assert await shop.command("list") == 0
    assert name in capsys.readouterr().out


async def test_a_refusal_meanwhile_is_shown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a user who was faster than this terminal: how it stands is looked up."""
    sign = Terminal.sign

    async def sign_too_late(terminal: Terminal, transaction_id: str) -> object:
        await terminal.refuse(transaction_id)
        return await sign(terminal, transaction_id)

    monkeypatch.setattr(Terminal, "sign", sign_too_late)
    async with shop.device():
        assert await shop.command(*PAYMENT, "--device", shop.socket) == 1
    told = capsys.readouterr()
    assert "rejected: REFUSED_BY_USER" in told.out
    assert "Nothing of it was done" in told.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("pay",),
        ("pay", "bob", "1.25", "EUR"),
        (*PAYMENT, "--code", "123-456-789"),
        (*PAYMENT, "--picture", "a.png", "--channel"),
        (*PAYMENT, "--refreshing"),
        (*PAYMENT, "--minutes", "0"),
        (*PAYMENT, "--minutes", "1441"),
        ("pay", "--resume", "transaction-" + "0" * 32, "bob"),
        ("pay", "--resume", "transaction-" + "0" * 32, "--text", "Rent"),
        ("pay", "--resume", "transaction-" + "0" * 32, "--code", "1", "--channel"),
        ("show",),
        ("enrol",),
    ],
)
async def test_wrong_commands(shop: Shop, arguments: tuple[str, ...]) -> None:
    """Said before anything is done."""
    with pytest.raises(TyperException):
        await shop.command(*arguments)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("pay", "bob", "1,25", "EUR", "--from", "alice"), "AMOUNT_MALFORMED"),
        (("pay", "bob", "-1", "EUR", "--from", "alice"), None),
        (("pay", "bob", "0", "EUR", "--from", "alice"), "AMOUNT_MALFORMED"),
        (("pay", "bob", "1.25", "Euro", "--from", "alice"), "AMOUNT_MALFORMED"),
        (("pay", "alice", "1.25", "EUR", "--from", "alice"), "TRANSACTION_MALFORMED"),
        (("pay", "B\u202eob", "1.25", "EUR", "--from", "alice"), "ACCOUNT_NAME_MALFORMED"),
        ((*PAYMENT, "--text", "Rent\u202efor"), "TRANSACTION_TEXT_MALFORMED"),
        ((*PAYMENT, "--text", "x" * 501), "TRANSACTION_TEXT_MALFORMED"),
        ((*PAYMENT, "--kind", "Transfer!"), "TRANSACTION_MALFORMED"),
        ((*PAYMENT, "--kind", "loan"), "TRANSACTION_KIND_UNKNOWN"),
        ((*PAYMENT, "--request-id", "short"), "REQUEST_ID_MALFORMED"),
        (("pay", "nobody", "1.25", "EUR", "--from", "alice"), "LEDGER_ACCOUNT_NOT_OPEN"),
        (("pay", "--resume", "transaction-1"), "TRANSACTION_NOT_FOUND"),
        (("show", "transaction-1"), "TRANSACTION_NOT_FOUND"),
        (("refuse", "transaction-1"), "TRANSACTION_NOT_FOUND"),
        (("enrol", "--ticket", "missing.json"), "FILE_UNUSABLE"),
        (("enrol", "--ticket", "/dev/null"), "TICKET_INVALID"),
    ],
)
async def test_bad_input(shop: Shop, arguments: tuple[str, ...], reason: str | None) -> None:
    """Each has its reason; and its words are those of the catalogue."""
    if reason is None:
        with pytest.raises(TyperException):
            await shop.command(*arguments)
        return
    with refused(reason):
        await shop.command(*arguments)


async def test_errors_become_text_and_status(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the whole program; also where it was never enrolled."""
    empty = str(shop.home.folder.with_name("nobody"))
    for called, status in (
        (("list", "--home", empty), 1),
        (("list", "--home", empty, "--json"), 1),
        (("--version",), 0),
        (("pay", "--minutes", "x"), 2),
    ):
        monkeypatch.setattr("sys.argv", ["fourseal-terminal", *called])
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main)
        assert ended.value.code == status
        told = capsys.readouterr()
        if status == 1:
            assert "NOT_ENROLLED" in told.err
            assert ("json" in "".join(called)) == told.err.startswith("{")


async def test_a_payment_killed_at_any_step_goes_on(shop: Shop) -> None:
    """By the same command again, which has the same request id; every step in turn, until the process lives."""
    before = shop.bobs_balance()
    async with shop.device() as user:
        handing_over = asyncio.create_task(_hand_over(user))
        for step in range(1, STEPS):
            payment = ("bob", "1.25", "EUR", "--from", "alice", "--request-id", f"killed-at-step-{step:02}")
            ran = await _killed(shop, step, *payment)
            if ran.returncode == 0:
                break
            assert ran.returncode == -signal.SIGKILL, ran.stderr
            again = await _killed(shop, 0, *payment)
            assert again.returncode == 0, again.stderr
            assert json.loads(again.stdout)["state"] == TransactionState.EXECUTED
            await user.desk.look_at_back_end()  # as it does each second: it is free for the next one
        else:
            pytest.fail("the process never lived")
        assert step > 14, "the steps were not seen"
        assert handing_over.cancel()
    assert shop.bobs_balance() == before + step * RENT.amount.units
    async with Terminal.open(shop.home) as terminal:
        found = [each for each in await terminal.all() if each.transaction.request_id.startswith("killed-at-step-")]
    assert sorted(each.transaction.request_id[-2:] for each in found) == [f"{each:02}" for each in range(1, step + 1)]
    assert {each.state for each in found} == {TransactionState.EXECUTED}


async def _killed(shop: Shop, step: int, *arguments: str) -> CompletedProcess[bytes]:
    """A payment by the channel in a process that dies at that step."""
    called = (str(step), "pay", *arguments, "--channel", "--json")
    where = {"FOURSEAL_TERMINAL_HOME": str(shop.home.folder), "FOURSEAL_DEVICE": str(shop.socket)}
    return await asyncio.to_thread(forked.run, "tests.terminal.killed", called, os.environ | where)


async def _hand_over(user: User) -> None:
    """Alice confirms whatever is shown, again and again, and hands it over."""
    while True:
        await user.confirm_and_hand_over()


def _named(told: str) -> str:
    (line,) = [line for line in told.splitlines() if line.startswith("Transaction: ")]
    return line.removeprefix("Transaction: ")


async def _signed_anew(shop: Shop, user: User) -> str:
    await user.desk.look_at_back_end()
    async with Terminal.open(shop.home) as terminal:
        kept = await signed(terminal, shop.socket)
    await user.confirm()
    return kept.transaction_id
