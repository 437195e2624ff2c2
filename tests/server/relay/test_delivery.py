"""Envelopes go from their authors to their recipients: whole, in order, at least once, and no longer than needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from fourseal.v1 import relay_service_pb2 as pb

from server.root.home import Home
from server.root.media import MediaServer
from tests.server.harness import MovableClock, query
from tests.server.relay.media import FULL, TRAILER, Letter, Member, content_files, damaged, members, running_media
from tests.server.relay.test_uploads import Slow
from wire.status import RemoteError

NOTHING = "envelope-" + "a" * 26

SHAPES = {
    "empty": [16],
    "short": [17],
    "one full": [FULL],
    "full and short": [FULL, 20],
    "three full": [FULL, FULL, FULL],
}


async def post(author: Member, lengths: list[int], *to: str) -> Letter:
    """Post a new envelope."""
    letter = author.letter(lengths, *to)
    await author.post(letter.parts())
    return letter


async def refusal(author: Member, letter: Letter, first: int = 0) -> str:
    """Why an envelope is not taken."""
    with pytest.raises(RemoteError) as refused:
        await author.post(letter.parts(first))
    return refused.value.reason


@pytest.mark.parametrize("shape", SHAPES)
async def test_envelope_arrives_as_it_was_sent(people: list[Member], shape: str) -> None:
    """Header, segments, trailer and sequence; for every recipient, and for its author."""
    alice, bob, carol = people
    letter = await post(alice, SHAPES[shape], "bob", "carol")
    for reader in (bob, carol, alice):
        fetched = await reader.fetch(letter.envelope_id)
        assert fetched.header == letter.header
        assert fetched.segments == letter.segments
        assert fetched.finish == pb.EnvelopeFinish(segments=len(letter.segments), sequence=1, trailer=TRAILER)
    rest = await bob.fetch(letter.envelope_id, 1)
    assert rest.segments == letter.segments[1:]
    (notice,) = await bob.notices(1)
    total = sum(map(len, letter.segments))
    assert (notice.envelope_id, notice.author, notice.sequence, notice.content_bytes) == (
        letter.envelope_id,
        "alice",
        1,
        total,
    )
    assert notice.position > 0


async def test_segment_that_is_not_there(people: list[Member]) -> None:
    """Behind the last one there is the end; further on there is nothing."""
    alice, bob, _ = people
    letter = await post(alice, [FULL, 20], "bob")
    assert (await bob.fetch(letter.envelope_id, 2)).segments == []
    for first in (3, 2**62, -1):
        with pytest.raises(RemoteError) as refused:
            await bob.fetch(letter.envelope_id, first)
        assert refused.value.reason == "FIELD_INVALID"


async def test_order_is_that_of_finishing(people: list[Member]) -> None:
    """Positions rise; a watcher goes on after the last one that it saw."""
    alice, bob, carol = people
    sent = [await post(author, [20], "bob") for author in (alice, carol, alice, alice, carol)]
    notices = await bob.notices(5)
    assert [notice.envelope_id for notice in notices] == [letter.envelope_id for letter in sent]
    positions = [notice.position for notice in notices]
    assert positions == sorted(set(positions))
    rest = await bob.notices(2, after=positions[2])
    assert [notice.position for notice in rest] == positions[3:]


async def test_long_mailbox_is_told_whole(people: list[Member]) -> None:
    """More than what is read at a time."""
    alice, bob, _ = people
    sent = [await post(alice, [16], "bob") for _ in range(130)]
    assert [notice.envelope_id for notice in await bob.notices(130)] == [letter.envelope_id for letter in sent]


async def _finished(stream: AsyncGenerator[pb.WatchMailboxResponse, None], count: int) -> list[str]:
    """The first envelopes that stand in the mailbox. Who watches may also hear of an upload, which has no position."""
    async with contextlib.aclosing(stream):
        places = (notice.envelope_id async for notice in stream if notice.position)
        return [await anext(places) for _ in range(count)]


async def test_watcher_hears_of_what_comes(people: list[Member]) -> None:
    """Every watcher of the mailbox; others do not."""
    alice, bob, carol = people
    watching = [bob.watching() for _ in range(3)]
    heard = [asyncio.create_task(_finished(stream, 2)) for stream in watching]
    sent = [await post(alice, [20], "bob") for _ in range(2)]
    for envelope_ids in await asyncio.wait_for(asyncio.gather(*heard), 20):
        assert envelope_ids == [letter.envelope_id for letter in sent]
    assert carol.mailbox() == []


async def test_watcher_hears_when_all_was_told(people: list[Member]) -> None:
    """Once, after all that waited and before what comes: who lacks something then knows that it is not there."""
    alice, bob, _ = people
    waiting = [(await post(alice, [20], "bob")).envelope_id for _ in range(2)]
    stream = bob.stub.WatchMailbox(pb.WatchMailboxRequest(), timeout=20, metadata=bob.metadata)
    notices = aiter(stream)
    assert [(await anext(notices)).envelope_id for _ in waiting] == waiting
    assert await anext(notices) == pb.WatchMailboxResponse(all_told=True)
    later = await post(alice, [20], "bob")
    assert (await anext(notices)).envelope_id == later.envelope_id
    stream.cancel()
    empty = bob.stub.WatchMailbox(pb.WatchMailboxRequest(after_position=2**40), timeout=0.5, metadata=bob.metadata)
    assert [notice.all_told async for notice in empty] == [True]


async def test_watcher_hears_of_an_upload_once(media: MediaServer, people: list[Member]) -> None:
    """However often its bell rings; of one that has no segment yet not at all."""
    alice, bob, _ = people
    silent, begun = (Slow(alice.letter([FULL, FULL, 20], "bob")) for _ in range(2))
    posting = [asyncio.create_task(alice.post(aiter(slow))) for slow in (silent, begun)]
    silent.send()
    while len(media._part.relay._uploads._entries) < 1:
        await alice.acknowledge(NOTHING)
    watching = bob.watching()
    begun.send(3)
    assert (await anext(watching)).position == 0
    for _ in range(3):
        letter = await post(alice, [20], "bob")
        assert (await anext(watching)).envelope_id == letter.envelope_id
    for slow in (silent, begun):
        slow.end()
    await asyncio.gather(*posting, return_exceptions=True)


async def test_stream_of_notices_ends_cleanly(people: list[Member]) -> None:
    """Before the caller's deadline, without an error."""
    _, bob, _ = people
    assert [notice async for notice in bob.watching(seconds=0.4)] == []


async def test_acknowledged_by_all(media_home: Home, people: list[Member]) -> None:
    """Kept until the last recipient has it; then gone, and a repeat of the upload is still answered the same."""
    alice, bob, carol = people
    letter = alice.letter([FULL, 20], "bob", "carol")
    answer = await alice.post(letter.parts())
    await bob.acknowledge(letter.envelope_id, letter.envelope_id)
    assert bob.mailbox() == []
    assert (await carol.fetch(letter.envelope_id)).segments == letter.segments
    assert len(content_files(media_home)) == 1
    await carol.acknowledge(letter.envelope_id)
    assert content_files(media_home) == []
    with pytest.raises(RemoteError) as refused:
        await carol.fetch(letter.envelope_id)
    assert refused.value.reason == "ENVELOPE_NOT_FOUND"
    assert await alice.post(letter.parts()) == answer
    assert await alice.upload(letter.envelope_id) == (2, True)
    assert query(media_home, "SELECT header, trailer FROM relay_envelopes") == [(None, None)]
    assert query(media_home, "SELECT waiting_envelopes, waiting_bytes FROM relay_authors") == [(0, 0)]


async def test_expired(media_home: Home) -> None:
    """What nobody fetched in time is dropped with its content; so is an upload that nobody went on with."""
    clock = MovableClock()
    async with running_media(media_home, clock=clock) as media, members(media_home, "alice", "bob") as (alice, bob):
        letter, half = await post(alice, [20], "bob"), alice.letter([FULL, 20], "bob")
        with pytest.raises(RemoteError):
            await alice.post(half.parts(end=1, finish=False))
        clock.move(timedelta(days=2))
        alice.pass_der, bob.pass_der = (one.make_pass_at(clock()) for one in (alice, bob))
        assert await media._part.relay.expire() == 1
        assert await alice.upload(half.envelope_id) == (0, False)
        assert bob.mailbox() == [letter.envelope_id]
        takes = len(letter.header) + 20 + len(TRAILER)
        assert query(media_home, "SELECT waiting_envelopes, waiting_bytes FROM relay_authors") == [(1, takes)]
        clock.move(timedelta(days=29))
        alice.pass_der, bob.pass_der = (one.make_pass_at(clock()) for one in (alice, bob))
        assert await media._part.relay.expire() == 1
        assert bob.mailbox() == []
    assert content_files(media_home) == []
    assert query(media_home, "SELECT count(*) FROM relay_mail") == [(0,)]


async def test_repeat_of_a_finished_upload(people: list[Member]) -> None:
    """The same answer, and one envelope."""
    alice, bob, _ = people
    letter = alice.letter([FULL, 20], "bob")
    answers = [await alice.post(letter.parts(first)) for first in (0, 0, 1, 2)]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].finish_time.seconds < answers[0].expire_time.seconds
    assert bob.mailbox() == [letter.envelope_id]


async def test_sequence_must_rise(people: list[Member]) -> None:
    """For each author and session; a refused envelope can be finished with a number that does."""
    alice, bob, _ = people
    await post(alice, [20], "bob")
    await post(bob, [20], "alice")
    letters = [alice.letter([20], "bob", sequence=sequence) for sequence in (1, 0, -5)]
    for letter in letters:
        assert await refusal(alice, letter) == "SEQUENCE_NOT_RISING"
    assert len(bob.mailbox()) == 1
    letter = letters[0]
    again = Letter(letter.header, letter.envelope_id, letter.segments, 9)
    await alice.post(again.parts(1))
    assert (await bob.fetch(letter.envelope_id)).finish == pb.EnvelopeFinish(segments=1, sequence=9, trailer=TRAILER)


async def test_restart(media_home: Home) -> None:
    """All that was answered is there, at its position; an upload goes on."""
    async with running_media(media_home), members(media_home, "alice", "bob") as (alice, bob):
        letter, half = await post(alice, [FULL, 20], "bob"), alice.letter([FULL, FULL, 20], "bob")
        with pytest.raises(RemoteError):
            await alice.post(half.parts(end=2, finish=False))
        before = await bob.notices(1)
    session_id = alice.session_id
    async with (
        running_media(media_home),
        members(media_home, "alice", "bob", session_id=session_id) as (alice, bob),
    ):
        assert await bob.notices(1) == before
        assert (await bob.fetch(letter.envelope_id)).segments == letter.segments
        assert await alice.upload(half.envelope_id) == (2, False)
        await alice.post(half.parts(2))
        assert (await bob.fetch(half.envelope_id)).segments == half.segments
        assert damaged(media_home) == []


async def test_orphans_are_swept(media_home: Home) -> None:
    """Files that no row needs, as a crash between row and file leaves them."""
    async with running_media(media_home), members(media_home, "alice", "bob") as (alice, bob):
        delivered = await post(alice, [20], "bob")
        (left,) = content_files(media_home)
        await bob.acknowledge(delivered.envelope_id)
        letter = await post(alice, [20], "bob")
        (kept,) = content_files(media_home)
        left.write_bytes(b"not deleted")
        orphan = kept.parents[1] / "00" / ("envelope-" + "a" * 26 + "." + "0" * 16)
        orphan.parent.mkdir(exist_ok=True)
        orphan.write_bytes(b"left over")
    async with running_media(media_home):
        assert content_files(media_home) == [kept]
    assert letter.envelope_id in kept.name
