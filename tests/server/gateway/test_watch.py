"""Two keys for one claim: held, judged, released in order; the impostor's never arrive."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fourseal.v1 import relay_service_pb2 as pb

from contract.announcements.control import SignedControl
from server.cli.gateway import held
from tests.server.gateway.watched import Net, open_net, reading, until
from tests.server.harness import query
from tests.server.relay.media import under_way
from tests.server.scraping import scrape
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def net(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Net]:
    """All that runs, for all tests of this module."""
    async with open_net(tmp_path_factory.mktemp("watched"), metrics_listen="127.0.0.1:0") as opened:
        yield opened


async def test_the_impostor_is_named(net: Net) -> None:
    """Of what both have sent Bob gets Alice's alone, and hears nothing of Mallory's; she cannot send any more."""
    async with net.case() as case, reading(case.bob, after=1) as bob:
        to = case.bob.name
        before = await case.alice.post(to, announced=True)
        assert await bob.next() == before
        forged = await case.mallory.post(to, announced=True)
        await case.until("released")
        after = [await case.alice.post(to), await case.carols()]
        assert await bob.take(2) == after
        assert bob.is_empty()
        assert [(row.state.value, row.envelope_id, row.key) for row in case.kept()] == [
            ("quarantined", forged, case.mallory.key)
        ]
        with pytest.raises(RemoteError) as refused:
            await case.bob.fetch(forged)
        assert refused.value.reason == "ENVELOPE_QUARANTINED"
        for announced in (False, True):
            with pytest.raises(RemoteError) as refused:
                await case.mallory.post(to, announced=announced)
            assert refused.value.reason == "CHANNEL_BLACK_LISTED"
        (decision,) = query(
            net.of_bob._frame.home, "SELECT decision FROM gateway_alarms WHERE alarm_id = ?", case.alarm_id
        )
        assert SignedControl.from_der(decision[0]).message.alarm == case.alarm_id


async def test_the_impostor_is_named_while_its_first_envelope_is_under_way(net: Net) -> None:
    """The guard asks at once. Her channel is known by then: with another key, too, she sends nothing more."""
    async with net.case() as case, reading(case.bob) as bob:
        to = case.bob.name
        before = await case.alice.post(to, announced=True)
        assert (await bob.take(2))[-1] == before
        first, *rest = case.mallory.letter(to, announced=True).parts()

        async def slowly() -> AsyncIterator[pb.PostEnvelopeRequest]:
            yield first
            await until(lambda: net.of_alice._watch.traffic.refuses(key=case.mallory.key))
            for each in rest:
                yield each

        await case.mallory.member.post(slowly())
        with pytest.raises(RemoteError) as refused:
            await case.mallory.post(to)
        assert refused.value.reason == "CHANNEL_BLACK_LISTED"


async def test_held_until_a_person_decides(net: Net, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither was known: all of Alice's account is held, Carol's goes on; then Alice's comes, in its order."""
    async with net.case(known=False) as case, reading(case.bob) as bob:
        to = case.bob.name
        await case.until_bob_is_here()
        first = await case.alice.post(to, announced=True)
        assert await bob.next() == first
        forged = [await case.mallory.post(to, announced=True)]
        await case.until("undetermined")
        genuine = []
        for _ in range(3):
            genuine.append(await case.alice.post(to))
            forged.append(await case.mallory.post(to))
        carols = await case.carols()
        assert await bob.next() == carols
        await case.until_kept(7, "held")
        for envelope_id in (*genuine, *forged):
            with pytest.raises(RemoteError) as refused:
                await case.bob.fetch(envelope_id)
            assert refused.value.reason == "ENVELOPE_HELD"
        held(net.of_bob._frame.home, as_json=True)
        shown = [row for row in json.loads(capsys.readouterr().out) if row["recipient"] == to]
        assert [row["envelope_id"] for row in shown] == [row.envelope_id for row in case.kept()]
        assert {row["state"] for row in shown} == {"held"}

        await case.decide([case.alice.key], [case.mallory.key])
        assert await bob.take(3) == genuine
        last = await case.alice.post(to)
        assert await bob.next() == last
        assert [row.envelope_id for row in case.kept()] == forged
        held(net.of_bob._frame.home, as_json=False)
        assert "Held and put aside" in capsys.readouterr().out
        for envelope_id in (first, *genuine, last):
            assert (await case.bob.fetch(envelope_id)).finish is not None


async def test_released_is_told_until_it_is_acknowledged(net: Net) -> None:
    """Bob had dealt with what came later, and began anew: what was held before comes all the same, and first."""
    async with net.case(known=False) as case:
        to = case.bob.name
        async with reading(case.bob) as bob:
            first = await case.alice.post(to, announced=True)
            assert await bob.next() == first
            forged = await case.mallory.post(to, announced=True)
            await case.until("undetermined")
            held_one, carols = await case.alice.post(to), await case.carols()
            assert await bob.next() == carols
            (position,) = bob.positions[-1:]
        await case.decide([case.alice.key], [case.mallory.key])
        await case.until("released")
        last = await case.alice.post(to)
        for _ in range(2):
            async with reading(case.bob, after=position) as bob:
                assert await bob.take(2) == [held_one, last]
        async with reading(case.bob) as bob:  # from the begin, each stands in its place
            assert await bob.take(4) == [first, held_one, carols, last]
        await case.bob.acknowledge(held_one)
        async with reading(case.bob, after=position) as bob:
            assert await bob.next() == last
        assert [row.envelope_id for row in case.kept()] == [forged]


async def test_all_was_told_only_when_nothing_is_held(net: Net) -> None:
    """Who counts what it was sent must not take for lost what is held."""
    async with net.case(known=False) as case, reading(case.bob) as bob:
        to = case.bob.name
        await bob.take(1 if await case.alice.post(to, announced=True) else 0)
        await case.mallory.post(to, announced=True)
        await case.until("undetermined")
        held_one = await case.alice.post(to)
        await case.until_kept(2, "held")
        request = pb.WatchMailboxRequest(after_position=bob.positions[-1])
        async with under_way(case.bob.stub.WatchMailbox(request, timeout=60, metadata=case.bob.metadata)) as call:
            assert await call.read() == pb.WatchMailboxResponse(held_authors=[case.alice.member.name])
            await case.decide([case.alice.key], [case.mallory.key])
            told = [await call.read(), await call.read()]
        assert [(each.envelope_id, each.all_told) for each in told] == [(held_one, False), ("", True)]


async def test_metrics(net: Net) -> None:
    """What a gateway holds and puts aside is shown, and that the guard is there."""
    address = net.of_bob.serving.metrics_server
    async with net.case(known=False) as case, reading(case.bob) as bob:
        await case.until_bob_is_here()
        await case.alice.post(case.bob.name, announced=True)
        await bob.next()
        before = await scrape(address)
        await case.mallory.post(case.bob.name, announced=True)
        await case.until("undetermined")
        await case.until_kept(1, "held")
        held = await scrape(address)
        assert held[("fourseal_gateway_guard_there",)] == 1
        await until(lambda: case.told_held() == {"127.0.0.4": 1})
        await case.decide([case.alice.key], [case.mallory.key])
        await case.until("released")
        await until(lambda: case.told_held() == {})
        after = await scrape(address)
    events, notices = "fourseal_events_total", "fourseal_gateway_notices"
    assert (held - before)[notices, "held"] == (after - held)[notices, "quarantined"] == 1
    happened = {name[2] for name in after - before if name[0] == events}
    assert {"traffic_blocked", "notice_held", "traffic_released"} <= happened
    assert (after - before)[events, "receiver", "feedback_sent", "gateway"] == 1
