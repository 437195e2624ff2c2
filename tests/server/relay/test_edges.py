"""What happens between two steps of the relay: a caller goes, another comes, the disk fails, a server stops."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fourseal.v1 import relay_service_pb2 as pb

from server.journal import senders
from server.journal.places import Places
from server.relay.content import Content, ContentFolder
from server.relay.recent import KEPT_SEGMENTS
from server.root.home import Home
from server.root.media import MediaServer
from tests.server.harness import MovableClock, query
from tests.server.relay.media import FULL, TRAILER, Letter, Member, content_files, members, running_media
from tests.server.relay.test_uploads import Gate, Slow, reason_of, refusal, until
from wire.catalogue import ServiceError
from wire.segments import Segment
from wire.status import RemoteError

NOTHING = "envelope-" + "a" * 26


def open_contents(home: Home) -> list[str]:
    """Content files that this process has open."""
    opened = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return [name for name in opened if name.startswith(str(home.folder / "content"))]


def begin_fetching(reader: Member, letter: Letter) -> Any:  # noqa: ANN401  # gRPC's
    """A download that can be cancelled."""
    request = pb.FetchEnvelopeRequest(envelope_id=letter.envelope_id)
    return reader.stub.FetchEnvelope(request, timeout=60, metadata=reader.metadata)


async def settled(author: Member) -> None:
    """Give the server some rounds, by calls that it answers."""
    for _ in range(20):
        await author.upload(NOTHING)


async def until_none(author: Member, found: Callable[[], object]) -> None:
    """Wait until nothing is found any more."""
    async with asyncio.timeout(30):
        while found():
            await author.upload(NOTHING)


async def test_stream_that_was_taken_over_writes_no_more(
    media: MediaServer, people: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even what it had in hand while the other one waited for its write to end."""
    alice, bob, _ = people
    letter = alice.letter([FULL] * (KEPT_SEGMENTS + 1) + [20], "bob")
    gate, slow = Gate(monkeypatch, "append"), Slow(letter)
    first = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(KEPT_SEGMENTS + 2)  # the last segment waits for the write of the first ones
    await asyncio.to_thread(gate.entered.wait, 30)
    await settled(alice)
    relay = media._part.relay
    (entry,) = relay._uploads._entries.values()
    upload = await entry.opening
    assert upload is not None
    await until_none(alice, lambda: upload.segments < KEPT_SEGMENTS)
    sender = upload._sender
    second = asyncio.create_task(alice.post(letter.parts(KEPT_SEGMENTS)))
    await until_none(alice, lambda: upload._sender is sender)
    gate.open()
    await second
    slow.end()
    assert await reason_of(first) == "UPLOAD_TAKEN_OVER"
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


@pytest.mark.parametrize("sent", ["while it is finished", "afterwards"])
async def test_nothing_is_added_to_what_was_finished(
    media_home: Home, media: MediaServer, people: list[Member], monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    """A stream that came while another one finished the envelope: its segments would count towards no quota."""
    alice, bob, _ = people
    letter = alice.letter([FULL, FULL], "bob")
    gate = Gate(monkeypatch, "settle")
    first = asyncio.create_task(alice.post(letter.parts()))
    await asyncio.to_thread(gate.entered.wait, 30)
    (entry,) = media._part.relay._uploads._entries.values()
    upload = await entry.opening
    assert upload is not None
    sender = upload._sender
    more = Letter(letter.header, letter.envelope_id, [*letter.segments, b"x" * FULL], letter.sequence)
    slow = Slow(more, 2)
    second = asyncio.create_task(alice.post(aiter(slow)))
    slow.send()
    await until_none(alice, lambda: upload._sender is sender)
    if sent == "afterwards":
        gate.open()
        await first
    slow.send()
    assert await reason_of(second) == "UPLOAD_TAKEN_OVER"
    gate.open()
    await first
    (path,) = content_files(media_home)
    assert path.stat().st_size == FULL + 4080 + FULL + 16
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


async def test_reader_goes_while_its_file_is_opened(
    media_home: Home, people: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is closed all the same: else whoever does that often leaves the server without descriptors."""
    alice, bob, _ = people
    letter = alice.letter([FULL, 20], "bob")
    await alice.post(letter.parts())
    entered, go, opened = threading.Event(), threading.Event(), threading.Event()
    real = ContentFolder.open

    def held(folder: ContentFolder, envelope_id: str, key: bytes, *, create: bool = False) -> Content:
        entered.set()
        assert go.wait(30)
        content = real(folder, envelope_id, key, create=create)
        opened.set()
        return content

    monkeypatch.setattr(ContentFolder, "open", held)
    fetching = asyncio.create_task(bob.fetch(letter.envelope_id))
    await asyncio.to_thread(entered.wait, 30)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    await settled(alice)
    go.set()
    await asyncio.to_thread(opened.wait, 30)
    await until_none(alice, lambda: open_contents(media_home))


async def test_reader_that_does_not_read(media_home: Home, media: MediaServer, people: list[Member]) -> None:
    """What is not read is not loaded; when it goes its place and its file are free."""
    alice, bob, _ = people
    letter = alice.letter([FULL] * 24, "bob")
    await alice.post(letter.parts())
    loaded: list[int] = []
    real = Content.read

    def counted(content: Content, number: int) -> Segment:
        loaded.append(number)
        return real(content, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Content, "read", counted)
        stream = begin_fetching(bob, letter)
        assert (await stream.read()).header_der == letter.header
        await settled(alice)
        assert len(loaded) < 16
        assert media._part.relay._places._taken == {"bob": 1}
        stream.cancel()
    await until_none(alice, lambda: media._part.relay._places._taken)
    await until_none(alice, lambda: open_contents(media_home))


async def test_author_that_is_faster_than_the_disk(
    media: MediaServer, people: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few wait for the disk, and count; the others stay where they are, in the author's memory."""
    alice, _, _ = people
    letter = alice.letter([FULL] * 24, "bob")
    gate = Gate(monkeypatch, "append")
    sent: list[int] = []

    async def parts() -> AsyncIterator[pb.PostEnvelopeRequest]:
        for part in letter.parts():
            yield part
            sent.append(1)

    posting = asyncio.create_task(alice.post(parts()))
    await asyncio.to_thread(gate.entered.wait, 30)
    await settled(alice)
    assert len(sent) < 20
    assert 0 < media._part.relay._uploads.bytes_of(alice.session_id, "alice") <= KEPT_SEGMENTS * FULL
    gate.open()
    await posting


async def test_acknowledged_while_it_is_looked_for(media: MediaServer, people: list[Member]) -> None:
    """That is no damage."""
    alice, bob, _ = people
    letter = alice.letter([20], "bob")
    await alice.post(letter.parts())
    relay = media._part.relay
    seen, _ = await relay.fetch(alice.pass_now(), letter.envelope_id)
    await bob.acknowledge(letter.envelope_id)
    with pytest.raises(ServiceError) as refused:
        _ = [part async for part in relay.parts(alice.pass_now(), seen, 0)]
    assert refused.value.reason == "ENVELOPE_NOT_FOUND"


async def test_file_that_cannot_be_deleted(media_home: Home, people: list[Member]) -> None:
    """Its envelope is acknowledged all the same, and the next ones too, and it is tried again."""
    alice, bob, _ = people
    letters = [alice.letter([20], "bob") for _ in range(2)]
    for letter in letters:
        await alice.post(letter.parts())
    paths = {path.name.partition(".")[0]: path for path in content_files(media_home)}
    stuck, other = (paths[letter.envelope_id] for letter in letters)
    stuck.unlink()
    stuck.mkdir()
    await bob.acknowledge(*(letter.envelope_id for letter in letters))
    assert bob.mailbox() == []
    assert not other.exists()


async def test_recipient_hangs_up_while_it_acknowledges(
    media_home: Home, people: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file stays behind that counts for nobody."""
    alice, bob, _ = people
    letters = [alice.letter([20], "bob") for _ in range(5)]
    for letter in letters:
        await alice.post(letter.parts())
    entered, go = threading.Event(), threading.Event()
    real = ContentFolder.remove

    def held(folder: ContentFolder, name: str) -> None:
        entered.set()
        assert go.wait(30)
        real(folder, name)

    monkeypatch.setattr(ContentFolder, "remove", held)
    acknowledging = asyncio.create_task(bob.acknowledge(*(letter.envelope_id for letter in letters)))
    await asyncio.to_thread(entered.wait, 30)
    acknowledging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await acknowledging
    await settled(alice)
    go.set()
    await until_none(alice, lambda: content_files(media_home))


async def test_author_hangs_up_before_its_finish_is_refused(
    media: MediaServer, people: list[Member], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody hears of it, and the log has no traceback of it."""
    alice, _, _ = people
    await alice.post(alice.letter([20], "bob").parts())
    letter = alice.letter([20], "bob", sequence=1)
    gate = Gate(monkeypatch, "settle")
    posting = asyncio.create_task(alice.post(letter.parts()))
    await asyncio.to_thread(gate.entered.wait, 30)
    posting.cancel()
    await until_none(alice, lambda: media._part.relay._places._taken)
    gate.open()
    await until_none(alice, lambda: media._part.relay._unbroken)
    gc.collect()
    assert caplog.records == []
    assert await alice.upload(letter.envelope_id) == (1, False)


@pytest.mark.parametrize("step", ["asked", "finished"])
async def test_flush_that_fails(people: list[Member], monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The system tells of it once. What may not be on the disk is sent again, from the first segment on."""
    alice, bob, _ = people
    letter = alice.letter([FULL, FULL, 20], "bob")
    assert await refusal(alice, letter.parts(end=2, finish=False)) == "UPLOAD_INCOMPLETE"
    real, failures = os.fdatasync, [OSError(errno.EIO, os.strerror(errno.EIO))]

    def fail_once(descriptor: int) -> None:
        if failures:
            raise failures.pop()
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fail_once)
    if step == "finished":
        assert await refusal(alice, letter.parts(2)) == "CONTENT_UNWRITABLE"
    else:
        with pytest.raises(RemoteError) as refused:
            await alice.upload(letter.envelope_id)
        assert refused.value.reason == "CONTENT_UNWRITABLE"
    assert bob.mailbox() == []
    assert await alice.upload(letter.envelope_id) == (0, False)
    await alice.post(letter.parts())
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


async def test_flush_that_fails_while_it_is_followed(
    media_home: Home, people: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the file stays open nothing more is promised of it."""
    alice, bob, _ = people
    letter = alice.letter([FULL, FULL, 20], "bob")
    assert await refusal(alice, letter.parts(end=1, finish=False)) == "UPLOAD_INCOMPLETE"
    following = begin_fetching(bob, letter)
    assert (await following.read()).header_der == letter.header
    assert (await following.read()).segment == letter.segments[0]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", lambda _: os.close(-1))
        with pytest.raises(RemoteError):
            await alice.upload(letter.envelope_id)
    assert await refusal(alice, letter.parts(1)) == "CONTENT_UNWRITABLE"
    following.cancel()
    await until_none(alice, lambda: open_contents(media_home))
    assert await alice.upload(letter.envelope_id) == (0, False)
    await alice.post(letter.parts())
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


async def test_shutdown_does_not_wait_for_a_start(media_home: Home) -> None:
    """A stream of which nothing has come yet is sent away as the others are."""
    media_home.config.write_text(media_home.config.read_text() + "shutdown_grace_seconds = 600.0\n")
    async with running_media(media_home) as media, members(media_home, "alice", "bob") as (alice, _):
        slow = Slow(alice.letter([20], "bob"))
        posting = asyncio.create_task(alice.post(aiter(slow)))
        await until_none(alice, lambda: not media._part.relay.senders._waiting)
        await asyncio.wait_for(media.stop(), 30)
        assert await reason_of(posting) == "SHUTTING_DOWN"


async def test_stream_without_a_start(people: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for until its deadline."""
    alice, _, _ = people
    monkeypatch.setattr(senders, "IDLE_SECONDS", 0.1)
    assert await reason_of(asyncio.create_task(alice.post(aiter(Slow(alice.letter([20], "bob")))))) == "FIELD_INVALID"


async def test_headers_and_trailers_count_towards_the_quota(media_home: Home, people: list[Member]) -> None:
    """Else thousands of envelopes of nothing but a trailer would fill the database."""
    alice, bob, _ = people
    letter = alice.letter([16], "bob")
    takes = len(letter.header) + 16 + len(TRAILER)
    alice.pass_der = alice.make_pass(quota_bytes=2 * takes - 1)
    await alice.post(letter.parts())
    assert query(media_home, "SELECT waiting_bytes FROM relay_authors") == [(takes,)]
    other = alice.letter([16], "bob")
    assert await refusal(alice, other.parts()) == "QUOTA_EXCEEDED"
    await bob.acknowledge(letter.envelope_id)
    assert query(media_home, "SELECT waiting_bytes FROM relay_authors") == [(0,)]
    await alice.post(other.parts(1))


async def test_places_are_an_accounts_in_all_its_sessions(
    media_home: Home, media: MediaServer, people: list[Member]
) -> None:
    """Who is in many sessions has no more of them, and leaves the others' free."""
    alice, bob, _ = people
    slow = [Slow(alice.letter([FULL, 20], "bob")) for _ in range(16)]
    posting = [asyncio.create_task(alice.post(aiter(each))) for each in slow]
    for each in slow:
        each.send(2)
    await until_none(alice, lambda: media._part.relay._places._taken != {"alice": 16})
    async with members(media_home, "alice", "bob") as (elsewhere, _):
        assert await refusal(elsewhere, elsewhere.letter([20], "bob").parts()) == "OVERLOADED"
    await bob.post(bob.letter([20], "alice").parts())
    for each in slow:
        each.end()
    assert [await reason_of(each) for each in posting] == ["UPLOAD_INCOMPLETE"] * 16


async def test_race_of_sequences(people: list[Member]) -> None:
    """Of many at once those win whose number is higher than of all that won before; each is told, in that order."""
    alice, bob, _ = people
    letters = {letter.envelope_id: letter for letter in (alice.letter([20], "bob") for _ in range(16))}
    results = await asyncio.gather(*(alice.post(each.parts()) for each in letters.values()), return_exceptions=True)
    won = [each for each, result in zip(letters, results, strict=True) if not isinstance(result, BaseException)]
    assert {result.reason for result in results if isinstance(result, RemoteError)} <= {"SEQUENCE_NOT_RISING"}
    notices = await bob.notices(len(won))
    assert [notice.envelope_id for notice in notices] == bob.mailbox()
    assert {notice.envelope_id for notice in notices} == set(won)
    sequences = [notice.sequence for notice in notices]
    assert sequences == sorted(set(sequences))
    assert sequences[-1] == 16


async def test_many_follow_one_upload(people: list[Member]) -> None:
    """From wherever they begin, each has all of it as it comes."""
    alice, bob, carol = people
    letter = alice.letter([FULL, FULL, FULL, 20], "bob", "carol")
    slow = Slow(letter)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(2)
    await until(alice, letter, 1)
    readers = [(reader, first) for reader in (bob, carol, alice) for first in (0, 1, 4)]
    following = [asyncio.create_task(reader.fetch(letter.envelope_id, first)) for reader, first in readers]
    slow.send(4)
    slow.end()
    await posting
    for (_, first), fetched in zip(readers, await asyncio.gather(*following), strict=True):
        assert fetched.segments == letter.segments[first:]
        assert fetched.finish == pb.EnvelopeFinish(segments=4, sequence=1, trailer=TRAILER)


async def test_lost_and_found_is_no_content(media_home: Home) -> None:
    """A content folder that is a file system of its own has more in it."""
    folder = media_home.folder / "content"
    (folder / "lost+found").mkdir(parents=True)
    (folder / "lost+found" / "#12").write_bytes(b"x")
    (folder / "note").write_bytes(b"x")
    async with running_media(media_home):
        assert (folder / "lost+found" / "#12").exists()
        assert (folder / "note").exists()


async def test_quota_has_room_again_when_an_envelope_expires(media_home: Home) -> None:
    """What was dropped waits no longer."""
    clock = MovableClock()
    async with running_media(media_home, clock=clock) as media, members(media_home, "alice", "bob") as (alice, _):
        await alice.post(alice.letter([FULL], "bob").parts())
        clock.move(timedelta(days=40))
        assert await media._part.relay.expire() == 1
    assert query(media_home, "SELECT waiting_envelopes, waiting_bytes FROM relay_authors") == [(0, 0)]


async def test_namesake_in_another_session(people: list[Member]) -> None:
    """A pass for one session opens no mailbox of another one, also to who is a member of both."""
    alice, bob, _ = people
    letter, half = alice.letter([20], "bob"), alice.letter([FULL, 20], "bob")
    await alice.post(letter.parts())
    slow = Slow(half)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(2)
    await until(alice, half, 1)
    async with members(bob.home, "alice", "bob") as (_, elsewhere):
        assert [notice async for notice in elsewhere.watching(seconds=0.3)] == []
        await elsewhere.acknowledge(letter.envelope_id)
    assert bob.mailbox() == [letter.envelope_id]
    slow.end()
    assert await reason_of(posting) == "UPLOAD_INCOMPLETE"


def test_places_are_bounded() -> None:
    """For all together, too; a place that was given back is free."""
    places = Places(capacity=3, capacity_of_account=2)
    with places.take("alice"), places.take("alice"):
        with pytest.raises(ServiceError), places.take("alice"):
            raise AssertionError("taken")
        with places.take("bob"), pytest.raises(ServiceError), places.take("carol"):
            raise AssertionError("taken")
        with places.take("carol"):
            pass


async def test_finish_of_an_upload_that_was_dropped_and_begun_again(
    media_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The id is the same and the file is not: the old finish must not end the new upload."""
    clock = MovableClock()
    async with running_media(media_home, clock=clock) as media, members(media_home, "alice", "bob") as (alice, bob):
        letter = alice.letter([FULL, 20], "bob")
        gate = Gate(monkeypatch, "settle")
        posting = asyncio.create_task(alice.post(letter.parts()))
        await asyncio.to_thread(gate.entered.wait, 30)
        clock.move(timedelta(days=2))
        alice.pass_der, bob.pass_der = (one.make_pass_at(clock()) for one in (alice, bob))
        assert await media._part.relay.expire() == 1
        with pytest.raises(RemoteError):
            await alice.post(letter.parts(end=1, finish=False))
        gate.open()
        assert await reason_of(posting) == "UPLOAD_ABANDONED"
        assert bob.mailbox() == []
        await alice.post(letter.parts(1))
        assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


async def test_follower_that_comes_during_a_shutdown(media: MediaServer, people: list[Member]) -> None:
    """It is sent away as those are who were there before, also from an upload that nobody had open."""
    alice, bob, _ = people
    letter = alice.letter([FULL, 20], "bob")
    with pytest.raises(RemoteError):
        await alice.post(letter.parts(end=1, finish=False))
    await media._part.relay.end_streams()
    with pytest.raises(RemoteError) as refused:
        await bob.fetch(letter.envelope_id)
    assert refused.value.reason == "SHUTTING_DOWN"
