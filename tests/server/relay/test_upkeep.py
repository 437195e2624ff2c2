"""What the relay does when nobody calls: authors are forgotten after their session, files that nobody needs go."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
import structlog
from structlog.testing import capture_logs

from server.relay import ContentReport, ledger
from server.root.home import Home
from server.root.media import MediaServer
from tests.server.harness import MovableClock, query
from tests.server.relay.media import FULL, Member, look_over, members, running_media
from tests.server.relay.test_attacks import reason_of
from wire.status import RemoteError

AUTHORS = "SELECT author, last_sequence FROM relay_authors ORDER BY author"
SESSION = timedelta(days=60)
DAY = timedelta(days=1)


async def later(media: MediaServer, clock: MovableClock, by: timedelta, *people: Member) -> None:
    """Let time pass, with housekeeping, and give everybody a fresh pass that may even post."""
    clock.move(by)
    await media._part.relay.expire()
    for one in people:
        one.pass_der = one.make_pass_at(clock())


async def test_authors_are_forgotten_after_their_session(media_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before, for their numbers refuse what was here already; afterwards nothing begins any more."""
    monkeypatch.setattr(ledger, "_AT_A_TIME", 1)
    clock = MovableClock()
    async with running_media(media_home, clock=clock) as media, members(media_home, "alice", "bob") as (alice, bob):
        for one in (alice, bob):
            one.session_end = clock().replace(microsecond=0) + SESSION
            one.pass_der = one.make_pass()
        old, other = alice.letter([20], "bob"), bob.letter([20], "alice")
        await alice.post(old.parts())
        await bob.post(other.parts())
        await later(media, clock, 35 * DAY, alice, bob)
        assert query(media_home, "SELECT count(*) FROM relay_envelopes") == [(0,)]
        assert query(media_home, AUTHORS) == [("alice", 1), ("bob", 1)]
        assert await reason_of(alice, old) == "SEQUENCE_NOT_RISING"
        await later(media, clock, 24 * DAY, alice, bob)
        await alice.post(alice.letter([20], "bob").parts())
        await later(media, clock, 2 * DAY, alice, bob)
        assert query(media_home, AUTHORS) == [("alice", 2)]  # what it has there waits beyond the session's end
        assert await reason_of(bob, other) == "POSTING_NOT_ALLOWED"
        await later(media, clock, 30 * DAY, alice)
        assert query(media_home, AUTHORS) == []
        assert await reason_of(alice, old) == "POSTING_NOT_ALLOWED"
        assert query(media_home, "SELECT count(*) FROM relay_envelopes") == [(0,)]


async def test_upload_that_is_kept_open_brings_nothing_back(media_home: Home) -> None:
    """An author begins an old envelope again, and keeps it open beyond the session's end: its number is remembered."""
    clock = MovableClock()
    async with running_media(media_home, clock=clock) as media, members(media_home, "alice", "bob") as (alice, bob):
        alice.session_end = clock().replace(microsecond=0) + SESSION
        alice.pass_der = alice.make_pass()
        old = alice.letter([FULL, 20], "bob")
        await alice.post(old.parts())
        await later(media, clock, SESSION - DAY / 2, alice, bob)
        for first in (0, 1):
            with pytest.raises(RemoteError) as refused:
                await alice.post(old.parts(first, first + 1, finish=False))
            assert refused.value.reason == "UPLOAD_INCOMPLETE"
            await later(media, clock, DAY * 0.9, alice, bob)
            assert query(media_home, AUTHORS) == [("alice", 1)]
        with pytest.raises(RemoteError) as refused:
            await alice.post(old.parts(2))
        assert refused.value.reason == "SEQUENCE_NOT_RISING"
        await later(media, clock, 2 * DAY)
        assert query(media_home, AUTHORS) == []
        assert bob.mailbox() == []


async def test_orphan_that_cannot_be_deleted(media_home: Home) -> None:
    """The server starts and serves all the same; it is told of once, shown to the operator, and tried again."""
    orphan = media_home.folder / "content" / "00" / f"envelope-{'a' * 26}.{'0' * 16}"
    (orphan / "in the way").mkdir(parents=True)
    with capture_logs() as events:
        async with (
            running_media(media_home, log=structlog.get_logger()) as media,
            members(media_home, "alice", "bob") as (alice, _),
        ):
            letter = alice.letter([20], "bob")
            await alice.post(letter.parts())
            for _ in range(2):
                await media._part.relay.expire()
            assert look_over(media_home) == ContentReport(1, [], [orphan.name])
            shutil.rmtree(orphan)
            orphan.write_bytes(b"left over")
            await media._part.relay.expire()
            assert look_over(media_home) == ContentReport(1, [], [])
            assert not orphan.exists()
    told = [event for event in events if event["event"] == "content_not_deleted"]
    assert [(event["file"], event["log_level"]) for event in told] == [(orphan.name, "error")]


async def test_look_over_deletes_nothing(media_home: Home, people: list[Member]) -> None:
    """Beside a server an upload may begin at any moment, and its file is no orphan."""
    alice, bob, _ = people
    begun = alice.letter([FULL, 20], "bob")
    with pytest.raises(RemoteError):
        await alice.post(begun.parts(end=1, finish=False))
    orphan = media_home.folder / "content" / "00" / f"envelope-{'a' * 26}.{'0' * 16}"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left over")
    assert look_over(media_home) == ContentReport(0, [], [orphan.name])
    assert orphan.exists()
    await alice.post(begun.parts(1))
    assert (await bob.fetch(begun.envelope_id)).segments == begun.segments
