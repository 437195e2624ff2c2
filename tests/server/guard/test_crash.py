"""A guard that is killed in the middle of an alarm goes on where it was."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from contract.announcements.contents import Block, Check, Unblock
from server.root.fsck import fsck
from tests.server.guard.people import SOURCE, Case, TestGateway, certify
from tests.server.harness import MovableClock, ServerProcess, make_home, query, running_server, silent_log
from tests.server.trusteeship.people import authority_of

STATE = "SELECT state FROM guard_alarms WHERE alarm_id = ?"


async def test_killed_while_gateways_are_asked(tmp_path: Path) -> None:
    """One holds, one was not reached, none has answered: all are told again, and the rest goes its way."""
    home, clock = make_home(tmp_path / "server"), MovableClock()
    async with running_server(home, clock=clock) as server:
        clock.move(-timedelta(hours=1))
        genuine, begun = certify(server, clock, "alice"), clock()
        clock.move(timedelta(hours=1))
        case = Case(genuine, certify(server, clock, "alice"), "bob", begun)
        gateways = [TestGateway(authority_of(server), clock, name) for name in ("gateway-a", "gateway-b")]
    of_alice, of_bob = gateways

    process = ServerProcess(home)
    async with AsyncExitStack() as stack:
        for gateway in gateways:
            (await stack.enter_async_context(gateway.at(process.serving.server))).watch()
            await gateway.all_told()
        assert await of_alice.report(genuine.announce("bob")) == [("", "")]
        assert await of_bob.report(case.forged.announce("bob")) == [("", case.alarm_id)]
        held = await of_bob.hold(case.alarm_id, delivers=True)
        assert (held.claim.source, held.claim.user) == (SOURCE, "alice")
        process.kill()
    assert query(home, STATE, case.alarm_id) == [("checking",)]

    with ServerProcess(home) as again:
        async with AsyncExitStack() as stack:
            for gateway in gateways:
                (await stack.enter_async_context(gateway.at(again.serving.server))).watch()
            assert isinstance((await of_alice.next(Block, case.alarm_id)).content, Block)
            fact = case.fact(genuine, "alice")
            await of_alice.answer(await of_alice.next(Check, case.alarm_id), [fact])
            await of_bob.answer(await of_bob.next(Check, case.alarm_id), [], [fact])
            unblock = await of_bob.next(Unblock, case.alarm_id)
            assert unblock.content == Unblock((genuine.fingerprint,), (case.forged.fingerprint,))
            await of_bob.acknowledge(unblock)
            assert query(home, STATE, case.alarm_id) == [("released",)]
            assert await of_bob.report(case.forged.announce("carol")) == [("KEY_BLACK_LISTED", "")]
    assert fsck(home, silent_log(), (), lambda _: lambda *_: None).findings == []
