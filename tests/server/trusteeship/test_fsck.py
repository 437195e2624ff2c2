"""What an operator edits or takes away shows: the log says what was granted, ordered and used."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from contract.trusteeship.grants import GrantAction
from server.root.fsck import fsck
from server.root.home import Home
from tests.server.harness import silent_log
from tests.server.trusteeship.conftest import Company, change

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAMPERINGS = {
    "DELETE FROM trust_uses WHERE number = 2": (
        "the row of its use was deleted",
        "have a gap",
        "counts 3 uses, and there are 2",
    ),
    "DELETE FROM trust_uses WHERE number = 3": ("the row of its use was deleted",),
    "UPDATE trust_uses SET refusal = '' WHERE number = 3": ("counts 0 uses, and there are 1",),
    "UPDATE trust_uses SET user = 'alice' WHERE number = 1": ("its row is not what entry",),
    "UPDATE trust_grants SET used = 0": ("counts 0 uses, and there are 3",),
    "UPDATE trust_grants SET state = 'active' WHERE state = 'revoked'": ("its orders do not say so",),
    "UPDATE trust_grants SET state = 'active' WHERE state = 'requested'": ("its orders do not say so",),
    "UPDATE trust_grants SET state = 'active' WHERE state = 'suspended'": ("its orders do not say so",),
    "DELETE FROM trust_orders WHERE action = 'revoke'": (
        "the row of its order was deleted",
        "its orders do not say so",
    ),
    "UPDATE trust_orders SET administrator = 'mallory' WHERE number = 1": ("its row is not what entry",),
    "DELETE FROM trust_grants WHERE state = 'requested'": ("the row of its grant was deleted",),
    "UPDATE trust_grants SET user = 'mallory' WHERE state = 'requested'": ("its row is not what entry",),
}


def findings(home: Home) -> list[str]:
    """What fsck finds."""
    return [
        f"{each.where}: {each.problem}" for each in fsck(home, silent_log(), (), lambda _: lambda *_: None).findings
    ]


async def test_edited_rows_are_found(company: Company, tmp_path: Path) -> None:
    """Each edit alone, in a copy; where nobody edited anything there is nothing to find."""
    alice, bob = company.alice, company.bob
    grant = await company.granted()
    for _ in range(2):
        await bob.use(bob.using(grant))
    for action in (GrantAction.REVOKE, GrantAction.SUSPEND):
        other = await company.granted()
        await alice.order(alice.ordering(other, action))
    waiting = await bob.ask(bob.asking(company.signs))
    with pytest.raises(Exception, match="does not allow"):
        await bob.use(bob.using(waiting))
    await bob.begin_use(bob.using(grant))  # under way: no fault

    def tampered(sql: str) -> list[str]:
        copy = tmp_path / "copy"
        shutil.copytree(company.home.folder, copy)
        change(Home(copy), sql)
        found = findings(Home(copy))
        shutil.rmtree(copy)
        return found

    assert await asyncio.to_thread(findings, company.home) == []
    for sql, told in TAMPERINGS.items():
        found = await asyncio.to_thread(tampered, sql)
        for problem in told:
            assert [each for each in found if problem in each], (sql, found)
