"""Whoever has no right to something at the media server does not get it, and learns nothing by asking."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from contract.names import new_envelope_id, new_session_id
from contract.relay_pass import RelayPass
from server.clock import system_clock
from server.relay import passes
from server.root.home import Home
from server.root.media import MediaServer
from tests.server.harness import MovableClock, query
from tests.server.relay.media import (
    FULL,
    Letter,
    Member,
    authority,
    content_files,
    fingerprint_of,
    header_of,
    identity_of,
    members,
    new_authority,
    pass_key,
    running_media,
)
from wire.status import RemoteError

HOUR = timedelta(hours=1)


async def reason_of(author: Member, letter: Letter) -> str:
    """Why an envelope is refused."""
    with pytest.raises(RemoteError) as refused:
        await author.post(letter.parts())
    return refused.value.reason


def _signed_by_itself(alice: Member) -> bytes:
    key, certificate = pass_key()
    del key
    return alice.pass_now().sign(ec.generate_private_key(ec.SECP256R1()), certificate)


def _of_an_agents_certificate(alice: Member) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = authority().issue_for_agent(key.public_key(), "mallory", system_clock())
    return alice.pass_now().sign(key, certificate.public_bytes(Encoding.DER))


def _of_an_expired_certificate(alice: Member) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    ended = authority().issue_relay_pass_certificate(key.public_key(), system_clock() - 3 * HOUR, HOUR)
    return alice.pass_now().sign(key, ended.public_bytes(Encoding.DER))


def _changed(alice: Member) -> bytes:
    return alice.pass_der.replace(b"alice", b"carol")


PASSES: dict[str, Callable[[Member], bytes]] = {
    "none": lambda _: b"",
    "noise": lambda _: secrets.token_bytes(300),
    "cut": lambda alice: alice.pass_der[:-1],
    "longer": lambda alice: alice.pass_der + b"\0",
    "changed": _changed,
    "expired": lambda alice: alice.make_pass_at(system_clock() - HOUR),
    "not yet valid": lambda alice: alice.make_pass_at(system_clock() + HOUR),
    "another agent's": lambda alice: alice.make_pass(agent_certificate=fingerprint_of(identity_of("mallory"))),
    "of another key": _signed_by_itself,
    "of a certificate for something else": _of_an_agents_certificate,
    "of a certificate that has expired": _of_an_expired_certificate,
}


@pytest.mark.parametrize("name", PASSES)
async def test_pass_that_does_not_hold(people: list[Member], name: str) -> None:
    """No method takes it, and one answer tells nothing of what was wrong."""
    alice, bob, _ = people
    letter = bob.letter([20], "alice")
    await bob.post(letter.parts())
    good, mine = alice.pass_der, alice.letter([20], "bob")
    alice.pass_der = PASSES[name](alice)
    for call in (
        alice.post(mine.parts()),
        alice.upload(letter.envelope_id),
        alice.fetch(letter.envelope_id),
        alice.notices(1),
        alice.acknowledge(letter.envelope_id),
    ):
        with pytest.raises(RemoteError) as refused:
            await call
        assert refused.value.reason == "PASS_INVALID"
    alice.pass_der = good
    assert alice.mailbox() == [letter.envelope_id]


async def test_pass_of_another_authority(people: list[Member], tmp_path: Path) -> None:
    """Somebody else's evidence server gives no passes here."""
    other = new_authority(tmp_path / "other")
    alice, _, _ = people
    alice.pass_der = alice.make_pass(other)
    assert await reason_of(alice, alice.letter([20], "bob")) == "PASS_INVALID"


@pytest.mark.parametrize("minutes", [11, -11])
async def test_pass_is_remembered_beyond_its_time(media_home: Home, minutes: int) -> None:
    """Checked once, it is still looked at for its time: it has ended, or the clock was set back."""
    clock = MovableClock()
    async with running_media(media_home, clock=clock), members(media_home, "alice", "bob") as (alice, _):
        clock.move(HOUR)
        alice.pass_der = alice.make_pass_at(clock())
        await alice.upload(new_envelope_id(secrets.token_bytes))
        clock.move(timedelta(minutes=minutes))
        with pytest.raises(RemoteError) as refused:
            await alice.upload(new_envelope_id(secrets.token_bytes))
        assert refused.value.reason == "PASS_INVALID"


async def test_many_passes(media: MediaServer, people: list[Member], monkeypatch: pytest.MonkeyPatch) -> None:
    """Some are remembered, and no number of them fills the memory."""
    monkeypatch.setattr(passes, "_CAPACITY", 2)
    remembered: OrderedDict[bytes, RelayPass] = media._part.passes._known
    for _ in range(2):
        for one in people:
            await one.upload(new_envelope_id(secrets.token_bytes))
            assert len(remembered) <= 2
    assert [each.account for each in remembered.values()] == ["bob", "carol"]


async def test_pass_of_another_agent_that_is_remembered(people: list[Member]) -> None:
    """Checked once, it is still looked at for its agent: a thief's connection cannot use it."""
    alice, bob, _ = people
    await alice.upload(new_envelope_id(secrets.token_bytes))
    thief = replace(bob, pass_der=alice.pass_der)
    async with thief:
        with pytest.raises(RemoteError) as refused:
            await thief.upload(new_envelope_id(secrets.token_bytes))
    assert refused.value.reason == "PASS_INVALID"


async def test_posting_for_another(people: list[Member]) -> None:
    """As another author, or into another session."""
    alice, bob, _ = people
    forged = header_of(new_envelope_id(secrets.token_bytes), alice.session_id, "bob", ["carol"])
    assert await reason_of(alice, replace(alice.letter([20], "bob"), header=forged)) == "POSTED_FOR_ANOTHER"
    assert (
        await reason_of(alice, alice.letter([20], "bob", session_id=new_session_id(secrets.token_bytes)))
        == "POSTED_FOR_ANOTHER"
    )
    assert bob.mailbox() == []


async def test_posting_to_who_is_no_member(people: list[Member]) -> None:
    """The session's members stand in the pass."""
    alice, bob, _ = people
    assert await reason_of(alice, alice.letter([20], "bob", "mallory")) == "RELAY_RECIPIENT_UNKNOWN"
    assert bob.mailbox() == []


async def test_pass_that_only_fetches(people: list[Member]) -> None:
    """Nothing new is taken with it; what waits is still given."""
    alice, bob, _ = people
    letter = alice.letter([20], "bob")
    await alice.post(letter.parts())
    for one in (alice, bob):
        one.pass_der = one.make_pass(may_post=False)
    assert await reason_of(alice, alice.letter([20], "bob")) == "POSTING_NOT_ALLOWED"
    assert bob.mailbox() == [letter.envelope_id]
    await bob.acknowledge(letter.envelope_id)


@pytest.mark.parametrize("state", ["finished", "uploading"])
async def test_fetching_what_is_anothers(people: list[Member], state: str) -> None:
    """A member who is no recipient, and a member of another session, are told what everybody is told of nothing."""
    alice, _, carol = people
    letter = alice.letter([FULL, 20], "bob")
    if state == "finished":
        await alice.post(letter.parts())
    else:
        with pytest.raises(RemoteError):
            await alice.post(letter.parts(end=1, finish=False))
    async with members(alice.home, "alice", "bob", session_id=new_session_id(secrets.token_bytes)) as strangers:
        told = set()
        for reader, envelope_id in [
            (carol, letter.envelope_id),
            *((stranger, letter.envelope_id) for stranger in strangers),
            (carol, new_envelope_id(secrets.token_bytes)),
        ]:
            with pytest.raises(RemoteError) as refused:
                await reader.fetch(envelope_id)
            told.add((refused.value.reason, str(refused.value).replace(envelope_id, "ID")))
            assert await reader.upload(envelope_id) == (0, False)
            await reader.acknowledge(envelope_id)
            assert reader.mailbox() == []
    assert len(told) == 1
    assert told.pop()[0] == "ENVELOPE_NOT_FOUND"
    assert (await alice.upload(letter.envelope_id))[0] > 0


async def test_id_of_anothers_envelope(people: list[Member]) -> None:
    """An author cannot go on with, replace or finish what another began, by using its id."""
    alice, bob, carol = people
    letter = alice.letter([FULL, 20], "bob")
    with pytest.raises(RemoteError):
        await alice.post(letter.parts(end=1, finish=False))
    mine = carol.letter([FULL, 20], "bob", envelope_id=letter.envelope_id)
    assert await reason_of(carol, mine) == "ENVELOPE_CHANGED"
    assert await reason_of(carol, letter) == "POSTED_FOR_ANOTHER"
    await alice.post(letter.parts(1))
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


@pytest.mark.parametrize(
    "envelope_id",
    ["", "../../fourseal.db", "envelope-" + "a" * 25, "envelope-" + "a" * 26 + "\0", "envelope-/" + "a" * 25, "é" * 35],
)
async def test_ids_that_are_paths(media_home: Home, people: list[Member], envelope_id: str) -> None:
    """None reaches the file system."""
    alice, _, _ = people
    for call in (alice.upload(envelope_id), alice.fetch(envelope_id), alice.acknowledge(envelope_id)):
        with pytest.raises(RemoteError) as refused:
            await call
        assert refused.value.reason == "ENVELOPE_ID_MALFORMED"
    good = alice.letter([20], "bob")
    name = envelope_id.encode().ljust(35, b"/")[:35].replace(b"envelope-aaa", b"envelope-../")
    spoilt = replace(good, header=good.header.replace(good.envelope_id.encode(), name))
    assert await reason_of(alice, spoilt) in {"ENVELOPE_ID_MALFORMED", "ENVELOPE_MALFORMED"}
    assert content_files(media_home) == []
    assert query(media_home, "SELECT count(*) FROM relay_envelopes") == [(0,)]


@pytest.mark.parametrize("header", [b"", b"\x30\x00", secrets.token_bytes(200), bytes(1 << 20)])
async def test_header_that_is_none(people: list[Member], header: bytes) -> None:
    """Refused as what it is."""
    alice, _, _ = people
    assert await reason_of(alice, replace(alice.letter([20], "bob"), header=header)) == "ENVELOPE_MALFORMED"


async def test_batch_of_acknowledgements(people: list[Member]) -> None:
    """Bounded, and not empty."""
    alice, _, _ = people
    for count in (0, 1001):
        with pytest.raises(RemoteError) as refused:
            await alice.acknowledge(*(new_envelope_id(secrets.token_bytes) for _ in range(count)))
        assert refused.value.reason == "BATCH_SIZE_WRONG"
    await alice.acknowledge(*(new_envelope_id(secrets.token_bytes) for _ in range(200)))


@pytest.mark.parametrize("change", ["bob is removed", "the session closes"])
async def test_what_began_before_a_change_of_members_arrives(people: list[Member], change: str) -> None:
    """It may be signed by then. A repeat is answered as before, the rest is taken; only what is new is refused."""
    alice, bob, carol = people
    finished, begun = alice.letter([FULL, 20], "bob", "carol"), alice.letter([FULL, 20], "bob", "carol")
    answer = await alice.post(finished.parts())
    with pytest.raises(RemoteError):
        await alice.post(begun.parts(end=1, finish=False))
    members_now, may_post = (("alice", "carol"), True) if change == "bob is removed" else (("alice",), False)
    alice.pass_der = alice.make_pass(members=members_now, may_post=may_post)
    assert await alice.post(finished.parts()) == answer
    await alice.post(begun.parts(1))
    for reader in (bob, carol):
        assert reader.mailbox() == [finished.envelope_id, begun.envelope_id]
        assert (await reader.fetch(begun.envelope_id)).segments == begun.segments
    new = alice.letter([20], "bob", "carol")
    assert await reason_of(alice, new) == ("RELAY_RECIPIENT_UNKNOWN" if may_post else "POSTING_NOT_ALLOWED")
    assert await alice.upload(new.envelope_id) == (0, False)
    assert len(carol.mailbox()) == 2
