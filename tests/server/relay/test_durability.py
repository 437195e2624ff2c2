"""What the relay says is on the disk is there, and what it counts is right, whenever it is asked or stopped."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from functools import partial

import pytest

from server.relay import store, upload
from server.relay.ledger import Finish
from server.root.home import Home
from server.root.media import MediaServer
from tests.server.harness import query
from tests.server.relay.media import FULL, TRAILER, Member, content_files
from tests.server.relay.test_edges import settled, until_none
from tests.server.relay.test_uploads import Gate, Slow, reason_of

USAGE = "SELECT last_sequence, waiting_envelopes, waiting_bytes FROM relay_authors"


async def test_shutdown_waits_for_a_finish(
    media_home: Home, media: MediaServer, people: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends when the envelope is on the disk and in the mailbox, and its author has the answer."""
    alice, bob, _ = people
    letter = alice.letter([FULL, 20], "bob")
    gate = Gate(monkeypatch, "settle")
    posting = asyncio.create_task(alice.post(letter.parts()))
    await asyncio.to_thread(gate.entered.wait, 30)
    ending = asyncio.create_task(media._part.relay.end_streams())
    await settled(alice)
    assert not ending.done()
    gate.open()
    await ending
    assert query(media_home, "SELECT state FROM relay_envelopes") == [("finished",)]
    assert bob.mailbox() == [letter.envelope_id]
    await posting


async def test_segment_that_comes_while_an_author_asks(
    media: MediaServer, people: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer tells of what was there before the disk was told to keep it."""
    alice, _, _ = people
    letter = alice.letter([FULL, FULL, 20], "bob")
    slow, gate = Slow(letter), Gate(monkeypatch, "flush")
    posting = asyncio.create_task(alice.post(aiter(slow)))
    relay = media._part.relay
    slow.send(2)
    await until_none(alice, lambda: relay._uploads.bytes_of(alice.session_id, "alice") != FULL)
    asking = asyncio.create_task(alice.upload(letter.envelope_id))
    await asyncio.to_thread(gate.entered.wait, 30)
    slow.send()
    await until_none(alice, lambda: relay._uploads.bytes_of(alice.session_id, "alice") != 2 * FULL)
    gate.open()
    assert await asking == (1, False)
    slow.end()
    assert await reason_of(posting) == "UPLOAD_INCOMPLETE"


async def test_long_upload_is_on_the_disk_meanwhile(
    media_home: Home, people: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the end has not to wait for gigabytes."""
    alice, _, _ = people
    monkeypatch.setattr(upload, "_BATCH_SEGMENTS", 1)
    monkeypatch.setattr(upload, "_FLUSH_SEGMENTS", 2)
    sizes: list[int] = []
    real = os.fdatasync

    def noted(descriptor: int) -> None:
        sizes.append(os.fstat(descriptor).st_size // FULL)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", noted)
    await alice.post(alice.letter([FULL] * 5, "bob").parts())
    assert sizes == [2, 4, 5]
    assert len(content_files(media_home)) == 1


async def test_finish_that_was_kept_though_it_seemed_to_fail(
    media_home: Home, media: MediaServer, people: list[Member]
) -> None:
    """A commit may be kept where its answer was an error: the finish once more changes nothing, and says the same."""
    alice, bob, _ = people
    letter = alice.letter([20], "bob")
    await alice.post(letter.parts())
    relay, usage = media._part.relay, query(media_home, USAGE)
    finished = await relay._find(letter.envelope_id)
    assert finished is not None
    finish = Finish(segments=1, sequence=letter.sequence, trailer=TRAILER)
    again = partial(relay._ledger.finish, shown=alice.pass_now(), envelope=finished, content_bytes=20, finish=finish)
    assert await relay._database.write(again) == finished
    assert query(media_home, USAGE) == usage
    assert bob.mailbox() == [letter.envelope_id]


@pytest.mark.parametrize("days", [10, 300])
async def test_author_is_looked_at_when_it_can_go(media: MediaServer, people: list[Member], days: int) -> None:
    """Not before its session and its last envelope are over, so that housekeeping meets none in vain."""
    alice, _, _ = people
    session_end = alice.session_end.replace(microsecond=0) - timedelta(days=300 - days)
    alice.pass_der = alice.make_pass(session_end=session_end)
    letter = alice.letter([20], "bob")
    await alice.post(letter.parts())
    relay = media._part.relay
    envelope = await relay._find(letter.envelope_id)
    usage = await relay._database.read(lambda connection: store.find_usage(connection, alice.session_id, "alice"))
    assert envelope is not None
    assert usage.expire_time == (envelope.expire_time if days == 10 else session_end)
