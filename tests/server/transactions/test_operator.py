"""What an operator sees of transactions, and what is found that somebody edited."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from server.root.fsck import fsck
from server.root.home import Home
from server.transactions.inspection import _code
from tests.forked import run
from tests.server.harness import silent_log
from tests.server.transactions.people import Bank, wrong_code
from tests.server.trusteeship.conftest import change

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAMPERINGS = {
    "UPDATE transactions SET execution = 'book-another' WHERE state = 'executed'": "is not what",
    "UPDATE transactions SET cause = 'WRONG_CODES', wrong_codes = 3 WHERE state = 'rejected'": "is not what",
    "UPDATE transactions SET binding_der = (SELECT binding_der FROM transactions WHERE state = 'rejected')"
    " WHERE state = 'executed'": "is not what",
    "UPDATE transactions SET state = 'confirmed' WHERE state = 'executed'": "steps do not say so",
    "DELETE FROM transaction_steps WHERE state = 'confirmed'": "was deleted",
    "UPDATE transaction_steps SET time = time + 1000000 WHERE state = 'confirmed'": "is not what",
    "DELETE FROM transactions WHERE state = 'proposed'": "was deleted",
    "INSERT INTO transaction_steps SELECT transaction_id, 2, 'signed', 0, 0 FROM transactions"
    " WHERE state = 'proposed'": "steps: there are",
}


async def command(home: Home, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the operator's command line, with the book built in."""
    return await asyncio.to_thread(
        run, "tests.server.transactions.plugged", [*arguments, "--home", str(home.folder)], os.environ
    )


async def answer(home: Home, *arguments: str) -> Any:  # noqa: ANN401  # JSON
    """What it says, for programs."""
    done = await command(home, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def findings(home: Home) -> str:
    """What fsck finds."""
    found = fsck(home, silent_log(), (), lambda _: lambda *_: None).findings
    return "\n".join(f"{each.where}: {each.problem}" for each in found)


async def test_list_show_verify(bank: Bank, tmp_path: Path) -> None:
    """For programs and people; what was edited does not verify, and is found by fsck."""
    await bank.terminal.propose(bank.terminal.transaction())
    refused, _, _ = await bank.signed()
    await bank.terminal.refuse(refused)
    name, binding, code = await bank.signed()
    done = await bank.terminal.confirm(name, binding, code)

    listed = await answer(bank.home, "transactions", "list", "--page-size", "2")
    assert [(each["transaction_id"], each["state"]) for each in listed["transactions"]] == [
        (name, "executed"),
        (refused, "rejected"),
    ]
    more = await answer(bank.home, "transactions", "list", "--page-token", listed["next_page_token"])
    assert [each["state"] for each in more["transactions"]] == ["proposed"]
    shown = await answer(bank.home, "transactions", "show", name)
    assert shown["transfers"] == [{"payer": "alice", "payee": "bob", "amount": "1 234.50 EUR"}]
    assert [(step["state"], step["log_index"]) for step in shown["steps"]] == [
        (state, step.log_index)
        for state, step in zip(("proposed", "signed", "confirmed", "executed"), done.steps, strict=True)
    ]
    verified = await answer(bank.home, "transactions", "verify", name)
    assert verified["holds"]
    assert [each["what"] for each in verified["checks"]] == [
        *("step 1: proposed", "step 2: signed", "step 3: confirmed", "step 4: executed"),
        *("order of the steps", "binding and signature", "signer's certificate", "confirmation code"),
    ]
    assert (await answer(bank.home, "transactions", "verify", refused))["holds"]
    for arguments in (["transactions"], ["transactions", "show", name], ["transactions", "verify", name]):
        assert (await command(bank.home, *arguments)).returncode == 0
    unknown = await command(bank.home, "transactions", "show", "transaction-0")
    assert (unknown.returncode, b"there is no transaction transaction-0" in unknown.stderr) == (1, True)
    assert (await answer(bank.home, "custody", "test"))["sound_keys"] == 2
    assert len((await answer(bank.home, "custody", "list"))["named_keys"]) == 2

    assert await asyncio.to_thread(findings, bank.home) == ""
    for number, (sql, problem) in enumerate(TAMPERINGS.items()):
        copied = Home(tmp_path / str(number))
        await asyncio.to_thread(shutil.copytree, bank.home.folder, copied.folder)
        change(copied, sql)
        assert problem in await asyncio.to_thread(findings, copied), sql

    edited = Home(tmp_path / "edited")
    await asyncio.to_thread(shutil.copytree, bank.home.folder, edited.folder)
    change(edited, "UPDATE transactions SET execution = 'book-another' WHERE state = 'executed'")
    change(edited, "UPDATE signer_certificates SET revoke_time = create_time, revocation_reason = 'superseded'")
    refuted = await command(edited, "transactions", "verify", name, "--json")
    assert refuted.returncode == 1
    assert [each["what"] for each in json.loads(refuted.stdout)["checks"] if each["problem"]] == [
        "step 4: executed",
        "signer's certificate",
    ]


async def test_a_record_with_another_code_does_not_verify(bank: Bank) -> None:
    """What is in the log is compared with what the device sealed."""
    _, binding, code = await bank.signed()
    keys, database = bank.server._rules.transactions.keys, bank.server._ground.database
    opener = database.read_now(lambda each: keys.opener(each, binding.core.back_end_certificate))
    assert _code(binding, code.replace("-", "").encode(), opener) == ""
    assert "another code" in _code(binding, wrong_code().replace("-", "").encode(), opener)
