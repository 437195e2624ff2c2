"""Several guards on one database, and one that began anew: what one has seen, the other knows when it matters."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
import structlog
from structlog.testing import CapturingLogger

from contract.announcements.contents import Check, Decision, Unblock
from contract.announcements.control import ControlMessage
from contract.announcements.window import Window
from server.guard import decide, upkeep
from server.guard.keys import GUARD_KEYS, GuardKeys
from server.guard.reports import Reported, Reports, Result
from server.guard.store.announcements import count_announcements
from server.guard.store.orders import list_gateways
from server.guard.terms import GuardLog
from server.identity import Gateway
from server.identity.certified_keys import LIFETIME, RENEW_BEFORE
from server.metrics import Metrics
from tests.server.guard.people import SOURCE, Net, Signer, TestGateway, certify
from tests.server.guard.test_flow import state_of
from tests.server.trusteeship.people import authority_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MINUTE = timedelta(minutes=1)


def another_guard(net: Net, log: GuardLog | None = None) -> Reports:
    """As another process has it, on the same database."""
    ground, rules = net.server._ground, net.server._rules
    return Reports(
        ground.database,
        rules.guard.reports._workers,
        ground.log_key.verifier,
        rules.guard.terms,
        Window(rules.guard.terms.window),
        secrets.token_bytes,
        net.clock,
        log or rules.guard.log,
    )


async def tell(guard: Reports, net: Net, signer: Signer, destination: str, change: Signer | None = None) -> Result:
    """Tell one guard of one announcement."""
    gateway = Gateway("gateway-a", b"\x01" * 32, net.alice.key.public_key(), net.clock(), net.clock())
    announced = signer.announce(destination, change=change).to_der()
    (result,) = await guard.report(gateway, [Reported(announced, signer.account)])
    return result


async def test_a_conflict_that_no_guard_has_seen_alone(net: Net) -> None:
    """The genuine announcement came to one, the other to another; also after both began anew."""
    case, one = net.case(), another_guard(net)
    assert await tell(one, net, case.genuine, case.destination) == Result()
    net.clock.move(4 * MINUTE)
    assert await tell(another_guard(net), net, case.genuine, case.destination) == Result()
    net.clock.move(4 * MINUTE)
    assert await tell(another_guard(net), net, case.forged, case.destination) == Result(alarm_id=case.alarm_id)
    first = net.view(case).row.alarm.first
    assert timedelta(0) <= net.clock() - 8 * MINUTE - first < MINUTE  # the first one that any has seen
    assert await tell(one, net, case.forged, case.destination) == Result(alarm_id=case.alarm_id)
    assert state_of(net, case) == "raised"


async def test_what_happens_is_logged_and_counted(net: Net) -> None:
    """An event for an alarm, one for what was passed over, and once in a while how much there was."""
    case, lines = net.case(), CapturingLogger()
    log = GuardLog(structlog.wrap_logger(lines, processors=[]), Metrics())
    guard = another_guard(net, log)
    await tell(guard, net, case.genuine, case.destination)
    await tell(guard, net, case.forged, case.destination)
    stranger = Signer(case.genuine.account, case.forged.key, case.genuine.certificate, net.clock)
    assert (await tell(guard, net, stranger, case.destination)).reason == "ANNOUNCEMENT_OF_OTHER_CERTIFICATE"
    log.tell_counts()
    log.tell_counts()  # nothing since
    told = {call.kwargs["event"]: call.kwargs for call in lines.calls}
    assert [call.kwargs["event"] for call in lines.calls] == [*told]
    claim = {"source": SOURCE, "user": case.genuine.account, "destination": case.destination}
    assert told["alarm_raised"] == {"event": "alarm_raised", "alarm_id": case.alarm_id} | claim
    assert told["announcements_passed_over"]["ANNOUNCEMENT_OF_OTHER_CERTIFICATE"] == 1
    counted = {"announcements_taken": 2, "announcements_refused": 1, "alarm_raised": 1, "announcements_passed_over": 1}
    assert told["guard_counted"] == {"event": "guard_counted"} | counted


async def test_a_key_change_that_another_guard_has_seen(net: Net) -> None:
    """It excuses the new key there as here; a third key it does not."""
    case = net.case()
    account = case.genuine.account
    assert await tell(another_guard(net), net, case.genuine, case.destination) == Result()
    new = certify(net.server, net.clock, account)
    assert await tell(another_guard(net), net, new, case.destination, change=case.genuine) == Result()
    assert await tell(another_guard(net), net, new, case.destination, change=case.genuine) == Result()
    result = await tell(another_guard(net), net, case.forged, case.destination)
    assert result.alarm_id.startswith("alarm-")


async def test_beyond_the_window_nothing_is_known(net: Net) -> None:
    """Nor kept: an hour's announcements are gone."""
    case = net.case()
    assert await tell(another_guard(net), net, case.genuine, case.destination) == Result()
    net.clock.move(13 * MINUTE)
    assert await tell(another_guard(net), net, case.forged, case.destination) == Result()
    net.clock.move(timedelta(hours=1))
    await net.server._rules.guard.upkeep.run()
    assert net.server._ground.database.read_now(count_announcements) == 0


async def test_what_came_again_is_kept(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is kept is looked at, some at a time, and what a round does not come to, the next one does."""
    monkeypatch.setattr(upkeep, "_LOOKED_AT_AT_A_TIME", 2)
    net.clock.move(timedelta(hours=1))
    await net.server._rules.guard.upkeep.run()
    guard, cases = another_guard(net), [net.case() for _ in range(6)]
    for case in cases:
        assert await tell(guard, net, case.genuine, case.destination) == Result()
    net.clock.move(8 * MINUTE)
    for case in cases[::2]:
        assert await tell(guard, net, case.genuine, case.destination) == Result()
    net.clock.move(5 * MINUTE)
    monkeypatch.setattr(upkeep, "_MOST", 4)
    left = []
    for passed in (timedelta(0), timedelta(0), timedelta(hours=1)):
        net.clock.move(passed)
        await net.server._rules.guard.upkeep.run()
        left.append(net.server._ground.database.read_now(count_announcements))
    assert left == [4, 3, 0]


async def test_a_gateway_that_died_between_block_and_unblock(net: Net) -> None:
    """It is told what came meanwhile, in its order; one that is new is told of what is held."""
    case = net.case()
    await net.held(case)
    await net.pass_time(timedelta(seconds=11))  # nobody answers
    assert state_of(net, case) == "undetermined"
    newcomer = TestGateway(authority_of(net.server), net.clock, "gateway-n")
    async with newcomer.at(net.server.serving.server) as new:
        await new.watch().hold(case.alarm_id)

    ground, terms = net.server._ground, net.server._rules.guard.terms
    genuine, impostors = [case.genuine.fingerprint], [case.forged.fingerprint]
    ground.database.write_now(lambda each: decide(each, terms, case.alarm_id, genuine, impostors, net.clock()))
    net.clock.move(MINUTE)
    net.bob.watch()  # as after a start
    told = list[ControlMessage]()
    while not told or not isinstance(told[-1].content, Unblock):
        message = await net.bob.read()
        if message is not None and message.alarm == case.alarm_id:
            told.append(message)
    assert [type(each.content) for each in told] == [Check, Decision, Decision, Unblock]
    assert [each.number for each in told] == sorted({each.number for each in told})
    for message in told:
        await net.bob.acknowledge(message)
    assert state_of(net, case) == "released"


async def test_the_key_is_renewed(net: Net) -> None:
    """Sixty days before its end; what the earlier one signed can be checked until that ends."""
    ground = net.server._ground
    keys = GuardKeys(
        ground.database, ground.custody.keys, authority_of(net.server), secrets.token_bytes, net.clock, name="guard"
    )
    nobody = GuardKeys(
        ground.database, ground.custody.keys, authority_of(net.server), secrets.token_bytes, net.clock, name="guard-2"
    )
    assert not await nobody.renew()  # no gateway has asked for it
    (first,) = await keys.certificates()
    assert not await keys.renew()
    net.clock.move(LIFETIME - RENEW_BEFORE)
    assert await keys.renew()
    newest, earlier = await keys.certificates()
    assert earlier == first != newest
    assert GUARD_KEYS.find_broken_keys(ground.database, ground.custody.keys) == (2, [])
    net.clock.move(RENEW_BEFORE)
    assert await keys.certificates() == [newest]


async def test_gateways_that_never_come_back_are_forgotten(net: Net) -> None:
    """After thirty days; then nobody waits for them."""
    await net.server._rules.guard.upkeep.run()
    assert net.server._ground.database.read_now(list_gateways) == []
