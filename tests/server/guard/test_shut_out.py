"""Gateways that lied are shut out by an operator: nobody waits for one or hears it, and it is told nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace

import grpc
import pytest

from contract.announcements.contents import Block, Check, Unblock
from contract.announcements.standing import GatewayStanding
from contract.log_entry import EntryKind, LogEntry
from server.errors import OperatorError
from server.guard.store.entries import GuardEntryKind, list_about
from server.journal.log import LogReader
from tests.server.guard.people import Case, Net, TestGateway, certify
from tests.server.guard.test_flow import MINUTE, listed_keys, state_of
from tests.server.guard.test_operator import answer, findings, run, tamper
from tests.server.trusteeship.people import authority_of, reason_of
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def fourth(net: Net, name: str) -> AsyncIterator[TestGateway]:
    """Another gateway, that watches; it is not waited for afterwards."""
    async with TestGateway(authority_of(net.server), net.clock, name).at(net.server.serving.server) as gateway:
        await gateway.watch().all_told()
        yield gateway
    await run(net, "gateways", "shut-out", name, "--cause", "the test is over")


async def shut_out(net: Net, gateway: TestGateway) -> None:
    """As the operator, and the guard hears of it."""
    said = await answer(net, "gateways", "shut-out", gateway.name, "--cause", "it saw keys before there were any")
    assert said == {"gateway": gateway.name, "shut_out_before": False}
    await net.server._rules.guard.outbox.work()


async def told_the_truth(net: Net, case: Case) -> None:
    """Alice's and Bob's gateways answer; Mallory's knows nothing."""
    fact = case.fact(case.genuine, "alice")
    await net.alice.answer(await net.alice.next(Check, case.alarm_id), [fact])
    await net.bob.answer(await net.bob.next(Check, case.alarm_id), [], [fact])
    await net.mallory.answer(await net.mallory.next(Check, case.alarm_id))


async def test_nothing_is_taken_from_it(net: Net) -> None:
    """Neither reports nor acknowledgements nor messages; its stream ends, and none begins."""
    case = net.case()
    async with fourth(net, "gateway-w") as liar:
        await net.held(case)
        block = await liar.next(Block, case.alarm_id)
        await liar.tell_held((case.alarm_id, 4))
        await shut_out(net, liar)
        assert net.view(case).held == {}
        with pytest.raises(RemoteError) as refused:
            await liar.report(case.forged.announce("carol"))
        assert (refused.value.reason, refused.value.metadata["gateway"]) == ("GATEWAY_SHUT_OUT", "gateway-w")
        calls: list[Awaitable[object]] = [
            liar.acknowledge(block, delivers=True),
            liar.answer(block, []),
            liar.tell_held((case.alarm_id, 4)),
        ]
        assert [await reason_of(each) for each in calls] == 3 * ["GATEWAY_SHUT_OUT"]
        assert liar._stream is not None
        while await liar._stream.read() is not grpc.aio.EOF:
            pass  # what was under way
        await reads_nothing(liar)
    await told_the_truth(net, case)
    assert state_of(net, case) == "named"


async def reads_nothing(gateway: TestGateway) -> None:
    """A stream that begins is refused."""
    gateway.watch()
    assert gateway._stream is not None
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await gateway._stream.read()
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_its_lies_are_not_heard(net: Net) -> None:
    """It called itself the receiver's, and aged the forged key, before it was shut out; the judgement is without it."""
    case = net.case()
    forged = certify(net.server, net.clock, case.genuine.account)
    net.clock.move(30 * MINUTE)
    case = replace(case, forged=forged)
    async with fourth(net, "gateway-x") as liar:
        await net.held(case)
        await liar.hold(case.alarm_id, delivers=True)
        false = case.fact(forged, "mallory", net.clock() - 20 * MINUTE)
        await liar.answer(await liar.next(Check, case.alarm_id), [false], [false])
        await shut_out(net, liar)
    await told_the_truth(net, case)
    assert state_of(net, case) == "named"
    judgement = net.view(case).row.alarm.judgement
    assert judgement is not None
    assert judgement.impostors == (forged.fingerprint,)


async def test_nobody_waits_for_it(net: Net) -> None:
    """Alarms go on when it is shut out: in the check, and when all others have released."""
    checked, named = net.case(), net.case()
    async with fourth(net, "gateway-y") as mute:
        await net.held(named)
        await mute.hold(named.alarm_id, delivers=True)
        await mute.answer(await mute.next(Check, named.alarm_id), [], [named.fact(named.genuine, "alice")])
        await told_the_truth(net, named)
        assert state_of(net, named) == "named"
        await net.bob.acknowledge(await net.bob.next(Unblock, named.alarm_id))
        assert state_of(net, named) == "named"
        await net.held(checked)
        await told_the_truth(net, checked)
        assert state_of(net, checked) == "checking"
        await shut_out(net, mute)
        assert [state_of(net, each) for each in (checked, named)] == ["named", "released"]


async def test_one_that_is_readmitted_hears_what_it_missed(net: Net) -> None:
    """It holds what it held, and is told the release."""
    case = net.case()
    async with fourth(net, "gateway-z") as gateway:
        await net.held(case)
        await gateway.hold(case.alarm_id)
        await shut_out(net, gateway)
        await told_the_truth(net, case)
        assert listed_keys(net, case)
        await net.server._rules.guard.outbox.work()
        await answer(net, "gateways", "readmit", gateway.name)
        gateway.watch()
        unblock = await gateway.next(Unblock, case.alarm_id)
        assert unblock.content == Unblock((case.genuine.fingerprint,), (case.forged.fingerprint,))
        assert await gateway.report(case.forged.announce("carol")) == [("KEY_BLACK_LISTED", "")]


async def test_the_commands(net: Net) -> None:
    """Who is not known can be shut out too; twice is once; all stands in the log, and is compared with it."""
    for wrong in (["shut-out", "No Name", "--cause", "x"], ["shut-out", "gateway-n", "--cause", ""]):
        assert isinstance((await run(net, "gateways", *wrong)).exception, OperatorError)
    assert isinstance((await run(net, "gateways", "readmit", "gateway-n")).exception, OperatorError)
    for before in (False, True):
        said = await answer(net, "gateways", "shut-out", "gateway-n", "--cause", "a test")
        assert said["shut_out_before"] is before
    shown = {each["gateway"]: each["shut_out"] for each in (await answer(net, "gateways", "list"))["gateways"]}
    assert (shown["gateway-n"], shown["gateway-a"]) == (True, False)
    assert "shut out" in (await run(net, "gateways", "list")).stdout
    listed = (await answer(net, "blacklist", "list"))["listed"]
    assert ("gateway", "gateway-n", "a test") in [(each["kind"], each["value"], each["cause"]) for each in listed]

    assert findings(net) == "[]"
    renamed = "UPDATE black_list SET value = iif(value = 'gateway-n', 'x', 'gateway-n') WHERE value IN ('x', ?)"
    tamper(net, renamed, "gateway-n")
    assert "gateway-n" in findings(net)
    tamper(net, renamed, "gateway-n")
    await answer(net, "gateways", "readmit", "gateway-n")
    assert findings(net) == "[]"
    read, reader = net.server._ground.database.read_now, LogReader(net.server._ground.log_key.verifier)
    kept = read(lambda each: list_about(each, GuardEntryKind.GATEWAY, ["gateway-n"]))
    logged = map(LogEntry.from_der, read(lambda each: reader.entries(each, [entry.log_index for entry in kept])))
    said = [(entry.kind, GatewayStanding.from_der(entry.body)) for entry in logged]
    assert [(kind, each.shut_out, each.cause, each.decider) for kind, each in said] == [
        (EntryKind.GUARD, True, "a test", "operator"),
        (EntryKind.GUARD, False, "", "operator"),
    ]
