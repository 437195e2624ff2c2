"""One greedy agent: it opens as many calls as it can, and others are served all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fourseal.v1 import relay_service_pb2 as pb

from server.relay import rpc
from tests.server.relay.media import Member, make_media_home, members, running_media
from wire.status import RemoteError

SHARE = 6


async def watch(member: Member) -> None:
    """Wait for notices until the stream ends."""
    async for _ in member.watching():
        pass


async def half_open(member: Member) -> None:
    """A stream on which nothing is ever sent."""
    never = asyncio.Event()

    async def nothing() -> AsyncIterator[pb.PostEnvelopeRequest]:
        await never.wait()
        yield pb.PostEnvelopeRequest()

    await member.post(nothing())


async def refusals(tasks: set[asyncio.Task[None]], count: int) -> set[str]:
    """Wait until so many have ended; why they did."""
    while sum(task.done() for task in tasks) < count:
        await asyncio.wait([task for task in tasks if not task.done()], return_when=asyncio.FIRST_COMPLETED)
    errors = [task.exception() for task in tasks if task.done()]
    return {error.reason if isinstance(error, RemoteError) else repr(error) for error in errors}


async def test_one_agent_does_not_crowd_others_out(tmp_path: Path) -> None:
    """Streams that wait, streams that are half open, calls of one answer; places come back when streams break."""
    home = make_media_home(tmp_path / "media", max_calls=2 * SHARE, max_calls_per_caller=SHARE)
    async with running_media(home) as server, members(home, "alice", "mallory") as (alice, mallory):
        letter = alice.letter([20], "mallory")
        await alice.post(letter.parts())
        greedy = {asyncio.create_task(each(mallory)) for each in (watch, half_open) * 20}
        assert await refusals(greedy, len(greedy) - SHARE) == {"OVERLOADED"}
        with pytest.raises(RemoteError) as refused:
            await mallory.upload(letter.envelope_id)
        assert refused.value.reason == "OVERLOADED"
        assert await alice.upload(letter.envelope_id) == (1, True)
        for task in greedy:
            task.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)
        await server._frame.in_flight.wait_idle()
        assert [notice.envelope_id for notice in await mallory.notices(1)] == [letter.envelope_id]


async def test_one_account_does_not_take_all_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever sessions; and a watch that ends makes room for another."""
    monkeypatch.setattr(rpc, "_MAX_WATCHES_OF_ACCOUNT", 3)
    home = make_media_home(tmp_path / "media")
    async with (
        running_media(home) as server,
        members(home, "alice", "mallory") as (alice, mallory),
        members(home, "alice", "mallory") as (_, elsewhere),
    ):
        greedy = {asyncio.create_task(watch(member)) for member in (mallory, elsewhere) * 5}
        assert await refusals(greedy, len(greedy) - 3) == {"OVERLOADED"}
        letter = mallory.letter([20], "alice")
        await mallory.post(letter.parts())
        assert [notice.envelope_id for notice in await alice.notices(1)] == [letter.envelope_id]
        for task in greedy:
            task.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)
        await server._frame.in_flight.wait_idle()
        reply = alice.letter([20], "mallory")
        await alice.post(reply.parts())
        assert [notice.envelope_id for notice in await mallory.notices(1)] == [reply.envelope_id]
