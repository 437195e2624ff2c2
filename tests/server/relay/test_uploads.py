"""Uploads that break, go on, are taken over or followed; and the races between them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable

import pytest
from fourseal.v1 import relay_service_pb2 as pb

from server.journal import senders
from server.relay import ledger
from server.relay.content import Content
from server.root.home import Home
from server.root.media import MediaServer
from tests.server.relay.media import FULL, TRAILER, Letter, Member, damaged, make_media_home, members, running_media
from wire.segments import Segment
from wire.status import RemoteError


class Slow:
    """Parts of an upload that a test lets through one by one."""

    def __init__(self, letter: Letter, first: int = 0) -> None:
        self._parts = letter.parts(first)
        self._queue: asyncio.Queue[pb.PostEnvelopeRequest | None] = asyncio.Queue()

    def send(self, count: int = 1) -> None:
        """Let some more through."""
        for _ in range(count):
            self._queue.put_nowait(next(self._parts))

    def end(self) -> None:
        """Nothing more comes."""
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[pb.PostEnvelopeRequest]:
        while (part := await self._queue.get()) is not None:
            yield part


class Gate:
    """Holds a thread up in a method of ``Content``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.entered, self._open = threading.Event(), threading.Event()
        real: Callable[..., object] = getattr(Content, name)

        def held(content: Content, *args: object) -> object:
            self.entered.set()
            assert self._open.wait(30)
            return real(content, *args)

        monkeypatch.setattr(Content, name, held)

    def open(self) -> None:
        """Let everybody through."""
        self._open.set()


async def until(author: Member, letter: Letter, segments: int) -> None:
    """Return when so many segments are there."""
    while (await author.upload(letter.envelope_id))[0] < segments:
        pass


async def reason_of(call: asyncio.Task[pb.PostEnvelopeResponse]) -> str:
    """Why an upload was refused."""
    with pytest.raises(RemoteError) as refused:
        await call
    return refused.value.reason


async def refusal(author: Member, parts: Iterable[pb.PostEnvelopeRequest]) -> str:
    """The same, for one whose parts are all there."""
    return await reason_of(asyncio.create_task(author.post(parts)))


async def test_broken_upload_goes_on_where_it_stopped(people: list[Member]) -> None:
    """As often as it breaks; from no other place."""
    alice, bob, _ = people
    letter = alice.letter([FULL, FULL, FULL, 20], "bob")
    assert await alice.upload(letter.envelope_id) == (0, False)
    for number in range(3):
        assert await refusal(alice, letter.parts(number, number + 1, finish=False)) == "UPLOAD_INCOMPLETE"
        assert await alice.upload(letter.envelope_id) == (number + 1, False)
    for first in (0, 2, 4, -1, 2**62):
        assert await refusal(alice, letter.parts(first, first, finish=False)) == "UPLOAD_ELSEWHERE"
    assert bob.mailbox() == []
    await alice.post(letter.parts(3))
    assert await alice.upload(letter.envelope_id) == (4, True)
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


@pytest.mark.parametrize(
    ("lengths", "reason"),
    [
        ([FULL - 1, 20], "RELAY_SEGMENT_LENGTH_WRONG"),
        ([20, 20], "RELAY_SEGMENT_LENGTH_WRONG"),
        ([FULL + 1], "RELAY_SEGMENT_LENGTH_WRONG"),
        ([FULL, 15], "RELAY_SEGMENT_LENGTH_WRONG"),
        ([0], "RELAY_SEGMENT_LENGTH_WRONG"),
        ([], "UPLOAD_ELSEWHERE"),
    ],
)
async def test_segments_of_wrong_length(people: list[Member], lengths: list[int], reason: str) -> None:
    """Only the last may be shorter, and none is shorter than its tag; an envelope has one at least."""
    alice, _, _ = people
    assert await refusal(alice, alice.letter(lengths, "bob").parts()) == reason


async def test_parts_out_of_order(people: list[Member]) -> None:
    """A start, segments, a finish: each other order is refused, and nothing of it arrives."""
    alice, bob, _ = people
    letter = alice.letter([20], "bob")
    start, segment, finish = letter.parts()
    for parts in ([], [segment, finish], [finish], [pb.PostEnvelopeRequest()], [start, start, segment, finish]):
        assert await refusal(alice, parts) == "FIELD_INVALID"
    assert await refusal(alice, [start, pb.PostEnvelopeRequest(), finish]) == "FIELD_INVALID"
    for segments in (0, 2, -1):
        wrong = pb.EnvelopeFinish(segments=segments, sequence=1, trailer=TRAILER)
        given = (await alice.upload(letter.envelope_id))[0]
        parts = [next(letter.parts(given)), pb.PostEnvelopeRequest(finish=wrong)]
        assert await refusal(alice, parts) == "UPLOAD_ELSEWHERE"
    for trailer in (b"", bytes((512 << 10) + 1)):
        one = alice.letter([20], "bob")
        spoilt = pb.PostEnvelopeRequest(finish=pb.EnvelopeFinish(segments=1, sequence=1, trailer=trailer))
        assert await refusal(alice, [*one.parts(finish=False), spoilt]) == "TRAILER_LENGTH_WRONG"
    assert bob.mailbox() == []


async def test_other_header_for_the_same_id(people: list[Member]) -> None:
    """While it is uploaded, and when it was finished."""
    alice, _, _ = people
    letter = alice.letter([FULL, 20], "bob")
    other = alice.letter([FULL, 20], "bob", envelope_id=letter.envelope_id)
    assert await refusal(alice, letter.parts(end=1, finish=False)) == "UPLOAD_INCOMPLETE"
    assert await refusal(alice, other.parts(1)) == "ENVELOPE_CHANGED"
    await alice.post(letter.parts(1))
    assert await refusal(alice, other.parts()) == "ENVELOPE_CHANGED"


async def test_recipient_follows_an_upload(people: list[Member]) -> None:
    """It hears of it before it is finished, and has each segment as soon as it is there."""
    alice, bob, carol = people
    letter = alice.letter([FULL, FULL, 20], "bob")
    slow = Slow(letter)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(3)
    (early,) = await bob.notices(1)
    assert (early.position, early.sequence, early.envelope_id) == (0, 0, letter.envelope_id)
    fetching = bob.fetching(letter.envelope_id)
    assert (await anext(fetching)).header_der == letter.header
    assert [(await anext(fetching)).segment for _ in range(2)] == letter.segments[:2]
    assert carol.mailbox() == []
    slow.send(2)
    slow.end()
    assert (await anext(fetching)).segment == letter.segments[2]
    assert (await anext(fetching)).finish.trailer == TRAILER
    await posting
    assert bob.mailbox() == [letter.envelope_id]


async def test_who_follows_does_not_wait_for_the_disk(people: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    """What has come is passed on; the end, which promises that it is kept, comes after the disk has it."""
    alice, bob, _ = people
    letter = alice.letter([FULL, FULL, 20], "bob")
    gate = Gate(monkeypatch, "append")
    posting = asyncio.create_task(alice.post(letter.parts()))
    await asyncio.to_thread(gate.entered.wait, 30)
    fetching = bob.fetching(letter.envelope_id)
    assert (await anext(fetching)).header_der == letter.header
    assert [(await anext(fetching)).segment for _ in range(3)] == letter.segments
    assert bob.mailbox() == []
    gate.open()
    assert (await anext(fetching)).finish.trailer == TRAILER
    await posting


async def test_later_stream_takes_an_upload_over(people: list[Member]) -> None:
    """The first one may hang in a dead connection."""
    alice, bob, _ = people
    letter = alice.letter([FULL, FULL, 20], "bob")
    slow = Slow(letter)
    first = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(2)
    await until(alice, letter, 1)
    await alice.post(letter.parts(1))
    slow.send(2)
    assert await reason_of(first) == "UPLOAD_TAKEN_OVER"
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


async def test_many_streams_for_one_envelope(people: list[Member]) -> None:
    """Whoever wins, there is one envelope, and it is whole."""
    alice, bob, _ = people
    letter = alice.letter([FULL, 20], "bob")
    results = await asyncio.gather(*(alice.post(letter.parts()) for _ in range(12)), return_exceptions=True)
    refused = {result.reason for result in results if isinstance(result, RemoteError)}
    assert refused <= {"UPLOAD_TAKEN_OVER", "UPLOAD_ELSEWHERE"}
    first = (await alice.upload(letter.envelope_id))[0]
    await alice.post(letter.parts(first))
    assert bob.mailbox() == [letter.envelope_id]
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


async def test_finish_between_looking_up_and_reading(
    media_home: Home, media: MediaServer, people: list[Member]
) -> None:
    """Who saw an upload reads the finished envelope; its file is not taken for a broken upload and cut."""
    alice, bob, _ = people
    relay = media._part.relay
    letter = alice.letter([FULL, 20], "bob")
    assert await refusal(alice, letter.parts(end=1, finish=False)) == "UPLOAD_INCOMPLETE"
    seen, _ = await relay.fetch(bob.pass_now(), letter.envelope_id)
    await alice.post(letter.parts(1))
    parts = [part async for part in relay.parts(bob.pass_now(), seen, 0)]
    assert [bytes(part.data) for part in parts if isinstance(part, Segment)] == letter.segments
    assert damaged(media_home) == []


async def test_stream_cut_off_while_a_thread_writes(
    media_home: Home, media: MediaServer, people: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write is waited for before anybody else touches the file; its segment counts."""
    alice, bob, _ = people
    letter = alice.letter([FULL, 20], "bob")
    gate, slow = Gate(monkeypatch, "append"), Slow(letter)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(2)
    await asyncio.to_thread(gate.entered.wait, 30)
    posting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await posting
    while media._part.relay.senders._waiting:  # until the server has noticed
        await alice.acknowledge(letter.envelope_id)
    await alice.acknowledge(letter.envelope_id)  # a call later, gRPC has cancelled as often as it does
    gate.open()
    await until(alice, letter, 1)
    await alice.post(letter.parts(1))
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments
    assert damaged(media_home) == []


async def test_author_hangs_up_while_its_envelope_is_finished(
    people: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is finished all the same, and those who wait for it hear of it."""
    alice, bob, _ = people
    letter = alice.letter([FULL, 20], "bob")
    gate = Gate(monkeypatch, "settle")
    posting = asyncio.create_task(alice.post(letter.parts()))
    await asyncio.to_thread(gate.entered.wait, 30)
    following, watching = bob.fetching(letter.envelope_id, seconds=20), bob.watching(seconds=20)
    assert (await anext(following)).header_der == letter.header
    assert (await anext(watching)).position == 0
    posting.cancel()
    gate.open()
    assert [part.WhichOneof("part") async for part in following] == ["segment", "segment", "finish"]
    assert (await anext(watching)).position > 0
    await watching.aclose()
    assert await alice.upload(letter.envelope_id) == (2, True)


async def test_upload_that_stands_still(people: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended, and can be gone on with."""
    alice, _, _ = people
    monkeypatch.setattr(senders, "IDLE_SECONDS", 0.2)
    letter = alice.letter([FULL, 20], "bob")
    slow = Slow(letter)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(2)
    assert await reason_of(posting) == "UPLOAD_IDLE"
    assert await alice.upload(letter.envelope_id) == (1, False)


async def test_abandoned_while_followed(media: MediaServer, people: list[Member]) -> None:
    """Who follows and who sends hears of it."""
    alice, bob, _ = people
    letter = alice.letter([FULL, FULL, 20], "bob")
    slow = Slow(letter)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(2)
    await until(alice, letter, 1)
    fetching = bob.fetching(letter.envelope_id)
    assert (await anext(fetching)).header_der == letter.header
    assert (await anext(fetching)).segment == letter.segments[0]
    relay = media._part.relay
    row = await relay._find(letter.envelope_id)
    assert row is not None
    relay._uploads.end(row, None)
    with pytest.raises(RemoteError) as refused:
        await anext(fetching)
    assert refused.value.reason == "UPLOAD_ABANDONED"
    slow.send(2)
    assert await reason_of(posting) == "UPLOAD_ABANDONED"


async def test_shutdown_ends_streams_that_wait(media_home: Home) -> None:
    """Watchers cleanly, followers and senders with SHUTTING_DOWN: none holds the end up for the grace of minutes."""
    media_home.config.write_text(media_home.config.read_text() + "shutdown_grace_seconds = 600.0\n")
    async with running_media(media_home) as media, members(media_home, "alice", "bob") as (alice, bob):
        letter = alice.letter([FULL, FULL, 20], "bob")
        slow = Slow(letter)
        posting = asyncio.create_task(alice.post(aiter(slow)))
        slow.send(2)
        await until(alice, letter, 1)
        fetching = bob.fetching(letter.envelope_id)
        assert (await anext(fetching)).header_der == letter.header
        assert (await anext(fetching)).segment == letter.segments[0]
        watching = bob.watching()
        assert (await anext(watching)).envelope_id == letter.envelope_id
        await asyncio.wait_for(media.stop(), 30)
        assert await reason_of(posting) == "SHUTTING_DOWN"
        with pytest.raises(RemoteError) as refused:
            await anext(fetching)
        assert refused.value.reason == "SHUTTING_DOWN"
        with pytest.raises(StopAsyncIteration):
            await anext(watching)


async def test_unfinished_uploads_count_after_a_restart(media_home: Home) -> None:
    """Before anybody has asked for them."""
    async with running_media(media_home), members(media_home, "alice", "bob") as (alice, _):
        half, other = (alice.letter([FULL, FULL, FULL], "bob") for _ in range(2))
        assert await refusal(alice, half.parts(end=2, finish=False)) == "UPLOAD_INCOMPLETE"
    session_id = alice.session_id
    async with running_media(media_home), members(media_home, "alice", "bob", session_id=session_id) as (alice, _):
        alice.pass_der = alice.make_pass(quota_bytes=3 * FULL + 1000)
        assert await refusal(alice, other.parts(end=2, finish=False)) == "QUOTA_EXCEEDED"
        assert await alice.upload(other.envelope_id) == (1, False)


async def test_unfinished_uploads_count_towards_the_quota(media: MediaServer, people: list[Member]) -> None:
    """An author cannot fill the disk with what it never finishes."""
    alice, _, _ = people
    alice.pass_der = alice.make_pass(quota_bytes=3 * FULL)
    halves = [alice.letter([FULL, FULL, FULL], "bob") for _ in range(2)]
    assert await refusal(alice, halves[0].parts(end=2, finish=False)) == "UPLOAD_INCOMPLETE"
    assert await refusal(alice, halves[1].parts()) == "QUOTA_EXCEEDED"
    assert await alice.upload(halves[1].envelope_id) == (1, False)
    assert media._part.relay._uploads.bytes_of(alice.session_id, "alice") == 3 * FULL


async def test_quota_of_what_waits(people: list[Member]) -> None:
    """It is full, and has room again when a recipient has fetched."""
    alice, bob, _ = people
    alice.pass_der = alice.make_pass(quota_bytes=FULL + 2000)  # headers and trailers count, too
    letter = alice.letter([FULL], "bob")
    await alice.post(letter.parts())
    assert await refusal(alice, alice.letter([1990], "bob").parts()) == "QUOTA_EXCEEDED"
    await alice.post(alice.letter([100], "bob").parts())
    await bob.acknowledge(letter.envelope_id)
    await alice.post(alice.letter([FULL], "bob").parts())


async def test_number_of_what_waits(people: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is bounded as its bytes are, and has room again."""
    alice, bob, _ = people
    monkeypatch.setattr(ledger, "MAX_WAITING", 2)
    letters = [alice.letter([20], "bob") for _ in range(3)]
    for letter in letters[:2]:
        await alice.post(letter.parts())
    assert await refusal(alice, letters[2].parts()) == "TOO_MANY_WAITING"
    assert len(bob.mailbox()) == 2
    await bob.acknowledge(letters[0].envelope_id)
    await alice.post(letters[2].parts(1))


async def test_envelope_that_is_too_long(tmp_path_factory: pytest.TempPathFactory) -> None:
    """By the operator's limit, whatever the pass says."""
    home = make_media_home(tmp_path_factory.mktemp("small") / "media", relay_envelope_mebibytes=2)
    async with running_media(home), members(home, "alice", "bob") as (alice, _):
        assert await refusal(alice, alice.letter([FULL - 16 - 16, 0], "bob").parts()) == "RELAY_SEGMENT_LENGTH_WRONG"
        assert await refusal(alice, alice.letter([FULL], "bob").parts()) == "QUOTA_EXCEEDED"


async def test_too_many_uploads(people: list[Member]) -> None:
    """Unfinished ones of an author are bounded, others' are not touched by it."""
    alice, bob, _ = people
    for _ in range(16):
        assert await refusal(alice, alice.letter([FULL], "bob").parts(end=0, finish=False)) == "UPLOAD_INCOMPLETE"
    assert await refusal(alice, alice.letter([20], "bob").parts()) == "TOO_MANY_UPLOADS"
    await bob.post(bob.letter([20], "alice").parts())


async def test_too_many_transfers(people: list[Member]) -> None:
    """At a time, of one account: refused at once, with the others served."""
    alice, bob, _ = people
    slow = [Slow(alice.letter([FULL, 20], "bob")) for _ in range(17)]
    posting = [asyncio.create_task(alice.post(aiter(each))) for each in slow]
    for each in slow:
        each.send(2)
    done, _ = await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)
    assert [await reason_of(each) for each in done] == ["OVERLOADED"]
    await bob.post(bob.letter([20], "alice").parts())
    for each in slow:
        each.end()
    await asyncio.gather(*posting, return_exceptions=True)
