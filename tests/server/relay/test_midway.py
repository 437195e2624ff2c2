"""Something changes while a recipient is in the middle of a fetch: what it reads goes, or it is removed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from server.root.home import Home
from server.root.media import MediaServer
from tests.server.harness import MovableClock, query
from tests.server.relay.media import FULL, TRAILER, Letter, Member, content_files, members, running_media
from tests.server.relay.test_edges import begin_fetching, open_contents, until_none
from tests.server.relay.test_uploads import Slow, reason_of, refusal, until
from wire.status import RemoteError

LONG = [FULL] * 24 + [20]
"""More than what gRPC takes while nobody reads."""


async def refusal_of_fetch(reader: Member, letter: Letter, first: int = 0) -> str:
    """Why an envelope is not given."""
    with pytest.raises(RemoteError) as refused:
        await reader.fetch(letter.envelope_id, first)
    return refused.value.reason


@pytest.mark.parametrize("change", ["it expires", "everybody has it"])
async def test_envelope_goes_while_it_is_fetched(media_home: Home, change: str) -> None:
    """Who has begun gets the whole of it, also when its pass has ended; who begins or goes on later is told."""
    clock = MovableClock()
    async with running_media(media_home, clock=clock) as media, members(media_home, "alice", "bob") as (alice, bob):
        letter = alice.letter(LONG, "bob")
        await alice.post(letter.parts())
        stream = begin_fetching(bob, letter)
        assert (await stream.read()).header_der == letter.header
        assert (await stream.read()).segment == letter.segments[0]
        if change == "it expires":
            clock.move(timedelta(days=40))
            assert await media._part.relay.expire() == 1
            alice.pass_der, bob.pass_der = (one.make_pass_at(clock()) for one in (alice, bob))
        else:
            await bob.acknowledge(letter.envelope_id)
        assert (bob.mailbox(), content_files(media_home)) == ([], [])
        assert query(media_home, "SELECT waiting_envelopes, waiting_bytes FROM relay_authors") == [(0, 0)]
        for first in (0, 1):
            assert await refusal_of_fetch(bob, letter, first) == "ENVELOPE_NOT_FOUND"
        for segment in letter.segments[1:]:
            assert (await stream.read()).segment == segment
        assert (await stream.read()).finish.trailer == TRAILER
        await until_none(alice, lambda: open_contents(media_home))


async def test_upload_expires_while_it_is_followed(media_home: Home) -> None:
    """Who follows and who sends hears of it, and nothing stays."""
    clock = MovableClock()
    async with running_media(media_home, clock=clock) as media, members(media_home, "alice", "bob") as (alice, bob):
        letter = alice.letter([FULL, FULL, 20], "bob")
        slow = Slow(letter)
        posting = asyncio.create_task(alice.post(aiter(slow)))
        slow.send(2)
        await until(alice, letter, 1)
        stream = bob.fetching(letter.envelope_id)
        assert (await anext(stream)).header_der == letter.header
        assert (await anext(stream)).segment == letter.segments[0]
        clock.move(timedelta(days=2))
        assert await media._part.relay.expire() == 1
        with pytest.raises(RemoteError) as refused:
            await anext(stream)
        assert refused.value.reason == "UPLOAD_ABANDONED"
        slow.send()
        assert await reason_of(posting) == "UPLOAD_ABANDONED"
        alice.pass_der, bob.pass_der = (one.make_pass_at(clock()) for one in (alice, bob))
        assert await alice.upload(letter.envelope_id) == (0, False)
        assert await refusal_of_fetch(bob, letter) == "ENVELOPE_NOT_FOUND"
        assert (bob.mailbox(), content_files(media_home)) == ([], [])
        assert query(media_home, "SELECT count(*) FROM relay_envelopes") == [(0,)]
        assert media._part.relay._uploads._progress == {}


async def test_recipient_is_removed_while_it_fetches(people: list[Member]) -> None:
    """What was signed for it comes, to the end and once more from the middle; it is sent nothing new, nor sends it."""
    alice, bob, carol = people
    finished, begun = alice.letter(LONG, "bob"), alice.letter([FULL, FULL, 20], "bob", "carol", sequence=30)
    await alice.post(finished.parts())
    slow = Slow(begun)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(2)
    await until(alice, begun, 1)
    streams = {letter.envelope_id: bob.fetching(letter.envelope_id) for letter in (finished, begun)}
    for letter in (finished, begun):
        assert (await anext(streams[letter.envelope_id])).header_der == letter.header
        assert (await anext(streams[letter.envelope_id])).segment == letter.segments[0]
    for one in (alice, carol):
        one.pass_der = one.make_pass(members=("alice", "carol"))
    bob.pass_der = bob.make_pass(members=("bob",), may_post=False)
    slow.send(3)
    await posting
    for letter in (finished, begun):
        rest = [part.segment async for part in streams[letter.envelope_id] if part.WhichOneof("part") == "segment"]
        assert rest == letter.segments[1:]
        assert (await bob.fetch(letter.envelope_id, 2)).segments == letter.segments[2:]
    assert bob.mailbox() == [finished.envelope_id, begun.envelope_id]
    for author in (alice, carol):
        assert await refusal(author, author.letter([20], "bob").parts()) == "RELAY_RECIPIENT_UNKNOWN"
    assert await refusal(bob, bob.letter([20], "alice").parts()) == "POSTING_NOT_ALLOWED"
    await bob.acknowledge(finished.envelope_id, begun.envelope_id)
    assert bob.mailbox() == []
    assert (await carol.fetch(begun.envelope_id)).segments == begun.segments


async def test_follower_of_segments_that_never_come(media: MediaServer, people: list[Member]) -> None:
    """At the end it hears that there is no such segment, as who asks afterwards does; not that it has all."""
    alice, bob, _ = people
    letter = alice.letter([FULL, 20], "bob")
    slow = Slow(letter)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(2)
    await until(alice, letter, 1)
    following = asyncio.create_task(refusal_of_fetch(bob, letter, 3))
    await until_none(alice, lambda: media._part.relay._places._taken["bob"] != 1)
    slow.send(2)
    await posting
    assert await following == await refusal_of_fetch(bob, letter, 3) == "FIELD_INVALID"
