"""What a gateway does at its bounds: streams stop, nothing that is held is lost, and the oldest evidence goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import pytest_asyncio

from server.gateway.store.notices import count_waiting
from tests.server.gateway.watched import Net, open_net, reading
from tests.server.harness import query
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def net(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Net]:
    """All that runs, for all tests of this module."""
    async with open_net(tmp_path_factory.mktemp("bounds"), gateway_held_notices_per_mailbox=3) as opened:
        yield opened


@contextmanager
def with_room_for(net: Net, more: int) -> Iterator[None]:
    """Bob's gateway has room for so many more notices, of whatever mailbox."""
    traffic = net.of_bob._watch.traffic
    terms = traffic._terms
    waiting = net.of_bob._frame.database.read_now(count_waiting)
    traffic._terms = replace(terms, held=waiting + more)
    yield
    traffic._terms = terms


async def test_mailbox_is_full(net: Net) -> None:
    """Where there is no room the stream stops, and nothing is lost; Carol's comes when it goes on."""
    async with net.case(known=False) as case, reading(case.bob) as bob:
        to = case.bob.name
        sent = [await case.alice.post(to, announced=True)]
        assert await bob.take(1) == sent
        await case.mallory.post(to, announced=True)
        await case.until("undetermined")
        genuine = [await case.alice.post(to) for _ in range(6)]
        carols = await case.carols()
        await case.until_kept(3, "held")
        assert bob.is_empty()
        await case.decide([case.alice.key], [case.mallory.key])
        assert await bob.take(7) == [*genuine, carols]


async def test_gateway_is_full(net: Net) -> None:
    """A mailbox stops for what others hold, and goes on with each that is given free; all others go on."""
    async with net.case(known=False) as first, net.case(known=False) as second, net.case(known=False) as third:
        cases = first, second
        with with_room_for(net, 2):
            async with reading(first.bob) as bob, reading(second.bob) as other, reading(third.bob) as unconcerned:
                for case, reader in zip(cases, (bob, other), strict=True):
                    sent = await case.alice.post(case.bob.name, announced=True)
                    assert await reader.next() == sent
                await first.mallory.post(first.bob.name, announced=True)
                await first.until("undetermined")
                held = await first.alice.post(first.bob.name)
                await first.until_kept(2, "held")
                forged = await second.mallory.post(second.bob.name, announced=True)
                await second.until("undetermined")
                stopped = [await second.alice.post(second.bob.name), await second.carols()]
                passes = await third.carols()
                assert await unconcerned.next() == passes
                assert other.is_empty()
                assert second.kept() == []

                await first.decide([first.alice.key], [first.mallory.key])  # the forged one takes no room any more
                assert await bob.next() == held
                await second.until_kept(1, "held")
                assert [row.envelope_id for row in second.kept()] == [forged]
                assert other.is_empty()
                await first.bob.acknowledge(held)
                await second.until_kept(2, "held")
                assert await other.next() == stopped[1]
                await second.decide([second.alice.key], [second.mallory.key])
                assert await other.next() == stopped[0]


async def test_oldest_evidence_goes(net: Net) -> None:
    """When there is more of it than is to be kept; its envelopes stay refused."""
    traffic = net.of_bob._watch.traffic
    async with net.case(known=False) as case, reading(case.bob) as bob:
        to = case.bob.name
        first = await case.alice.post(to, announced=True)
        assert await bob.next() == first
        forged = [await case.mallory.post(to, announced=True)]
        await case.until("undetermined")
        forged += [await case.mallory.post(to) for _ in range(2)]
        await case.until_kept(3, "held")
        traffic._terms = replace(traffic._terms, quarantined=2)
        await case.decide([case.alice.key], [case.mallory.key])
        await case.until_kept(2, "quarantined")
        evidence = "SELECT envelope_id FROM gateway_notices WHERE state = 'quarantined' ORDER BY position"
        assert query(net.of_bob._frame.home, evidence) == [(forged[1],), (forged[2],)]
        traffic._terms = replace(traffic._terms, quarantined=1)
        await net.of_bob._keep_house_once()
        assert query(net.of_bob._frame.home, evidence) == [(forged[2],)]
        for envelope_id in forged:
            with pytest.raises(RemoteError) as refused:
                await case.bob.fetch(envelope_id)
            assert refused.value.reason == "ENVELOPE_QUARANTINED"
