"""Announcements go with their envelope, each to its recipient alone, and with who posted it; others are refused."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.announcements.announcement import MAX_ANNOUNCEMENT_BYTES, Announcement, SignedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.keys import write_signer_key
from contract.names import new_session_id
from server.clock import system_clock
from server.root.home import Home
from tests.server.harness import database_path, query
from tests.server.relay.media import FULL, QUOTA, Letter, Member, fingerprint_of, identity_of
from tests.server.relay.test_delivery import refusal
from tests.server.relay.test_uploads import Slow, reason_of, until

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
COUNT = "SELECT count(*) FROM relay_announcements"


def announcement_of(letter: Letter, to: str, session_id: str) -> Announcement:
    """Alice's to somebody, as it goes with a letter of hers."""
    return Announcement(
        claim=Claim("192.0.2.7", "alice", to),
        certificate=b"\x02" * 32,
        public_key=write_signer_key(KEY.public_key()),
        session_id=session_id,
        document=sha256(letter.header).digest(),
        time=system_clock().replace(microsecond=0),
    )


def announced(author: Member, letter: Letter, *to: str) -> Letter:
    """A letter with announcements to these."""
    made = [SignedAnnouncement.sign(announcement_of(letter, name, author.session_id), KEY).to_der() for name in to]
    return replace(letter, announcements=made)


async def test_recipients_are_told_who_posted(people: list[Member]) -> None:
    """The agent, not a gateway before it; in the notice and with the header; and each what was announced to it."""
    alice, bob, carol = people
    letter = announced(alice, alice.letter([17], "bob", "carol"), "bob")
    before = system_clock()
    await alice.post(letter.parts())
    for reader, expected in ((bob, letter.announcements[0]), (carol, b"")):
        (notice,) = await reader.notices(1)
        posting = notice.posting
        assert (posting.agent, posting.agent_certificate_sha256) == (
            alice.identity.agent_id,
            fingerprint_of(alice.identity),
        )
        assert posting.announcement_der == expected
        assert before <= posting.post_time.ToDatetime(before.tzinfo) <= system_clock()
        first = await anext(reader.fetching(letter.envelope_id))
        assert first.header_der == letter.header
        assert first.posting == posting


async def test_upload_under_way_is_told_with_its_announcement(people: list[Member]) -> None:
    """So a gateway knows before the recipient fetches; and the last stream's announcements count."""
    alice, bob, _ = people
    letter = alice.letter([FULL, FULL, 20], "bob")
    begun = announced(alice, letter, "bob")
    slow = Slow(begun)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(3)
    await until(alice, letter, 2)
    (notice,) = await bob.notices(1)
    assert (notice.position, notice.posting.announcement_der) == (0, begun.announcements[0])
    await alice.post(letter.parts(2))
    slow.send(1)
    assert await reason_of(posting) == "UPLOAD_TAKEN_OVER"
    (notice,) = await bob.notices(1)
    assert (notice.position > 0, notice.posting.announcement_der) == (True, b"")


async def test_another_agent_of_the_author_posts_nothing_of_it(people: list[Member], media_home: Home) -> None:
    """Whoever has the login, and saw the header, would be the poster, and its announcement the envelope's."""
    alice, bob, _ = people
    letter = announced(alice, alice.letter([FULL, 20], "bob"), "bob")
    slow = Slow(letter)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(2)
    await until(alice, letter, 1)
    identity = identity_of("mallory")
    async with Member(media_home, "alice", alice.session_id, alice.members, identity) as thief:
        assert await reason_of(asyncio.ensure_future(thief.post(letter.parts()))) == "ENVELOPE_OF_OTHER_AGENT"
    slow.send(2)
    await posting
    (notice,) = await bob.notices(1)
    assert (notice.posting.agent, notice.posting.announcement_der) == (alice.identity.agent_id, letter.announcements[0])


async def test_announcements_go_when_they_are_not_needed(people: list[Member], media_home: Home) -> None:
    """Each with its mail."""
    alice, bob, carol = people
    letter = announced(alice, alice.letter([17], "bob", "carol"), "bob", "carol")
    await alice.post(letter.parts())
    assert query(media_home, COUNT) == [(2,)]
    for reader, left in ((bob, 1), (carol, 0)):
        await reader.acknowledge(letter.envelope_id)
        assert query(media_home, COUNT) == [(left,)]
    with closing(sqlite3.connect(database_path(media_home))) as database:
        assert database.execute("SELECT waiting_bytes FROM relay_authors").fetchall() == [(0,)]


async def test_announcements_count_as_what_waits(people: list[Member], media_home: Home) -> None:
    """Else who has no room left could fill the disk with them."""
    alice, _, _ = people
    plain = alice.letter([17], "bob")
    await alice.post(plain.parts())
    letter = announced(alice, alice.letter([17], "bob"), "bob")
    await alice.post(letter.parts())
    ((waiting,),) = query(media_home, "SELECT waiting_bytes FROM relay_authors")
    bare = len(plain.header) + 17 + len(plain.trailer)
    assert waiting == 2 * bare + len(letter.header) - len(plain.header) + len(letter.announcements[0])
    assert waiting < QUOTA


async def test_envelope_of_before(people: list[Member], media_home: Home) -> None:
    """What was posted before anybody kept who posted it is delivered all the same, and says nothing of it."""
    alice, bob, _ = people
    letter = alice.letter([17], "bob")
    await alice.post(letter.parts())
    with closing(sqlite3.connect(database_path(media_home))) as database, database:
        database.execute("UPDATE relay_envelopes SET agent = NULL, agent_certificate = NULL, post_time = NULL")
    (notice,) = await bob.notices(1)
    assert not notice.HasField("posting")
    assert (await bob.fetch(letter.envelope_id)).header == letter.header


Change = Callable[[Announcement], Announcement]

WRONG: dict[str, tuple[Change, str]] = {
    "another envelope's": (lambda made: replace(made, document=b"\x03" * 32), "ANNOUNCEMENT_MISPLACED"),
    "another session's": (
        lambda made: replace(made, session_id=new_session_id(lambda count: b"\x04" * count)),
        "ANNOUNCEMENT_MISPLACED",
    ),
    "another user's": (lambda made: replace(made, claim=Claim("192.0.2.7", "carol", "bob")), "ANNOUNCEMENT_MISPLACED"),
    "for nobody of them": (
        lambda made: replace(made, claim=Claim("192.0.2.7", "alice", "carol")),
        "ANNOUNCEMENT_MISPLACED",
    ),
    "too old": (lambda made: replace(made, time=made.time - timedelta(minutes=6)), "ANNOUNCEMENT_TIME_WRONG"),
    "from later": (lambda made: replace(made, time=made.time + timedelta(minutes=3)), "ANNOUNCEMENT_TIME_WRONG"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_announcement_of_something_else(people: list[Member], media_home: Home, wrong: str) -> None:
    """Is refused before anything is kept."""
    alice, _, _ = people
    letter = alice.letter([17], "bob")
    change, reason = WRONG[wrong]
    made = SignedAnnouncement.sign(change(announcement_of(letter, "bob", alice.session_id)), KEY).to_der()
    assert await refusal(alice, replace(letter, announcements=[made])) == reason
    assert query(media_home, "SELECT count(*) FROM relay_envelopes") == [(0,)]


async def test_announcements_that_are_none(people: list[Member], media_home: Home) -> None:
    """Neither other bytes, nor too many, nor two for one recipient."""
    alice, _, _ = people
    letter = announced(alice, alice.letter([17], "bob"), "bob")
    (good,) = letter.announcements
    for wrong in ([b""], [b"x" * (MAX_ANNOUNCEMENT_BYTES + 1)], [good[:-1]], [good, good]):
        assert await refusal(alice, replace(letter, announcements=wrong)) == "ANNOUNCEMENT_MALFORMED"
    assert query(media_home, "SELECT count(*) FROM relay_envelopes") == [(0,)]
    await alice.post(letter.parts())
    assert query(media_home, COUNT) == [(1,)]
