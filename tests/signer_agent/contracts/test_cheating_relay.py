"""What a media server, or somebody who shares a message, can do to a recipient: nothing that stays unseen."""

from __future__ import annotations

import hashlib
import resource
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio
from fourseal.v1 import relay_service_pb2 as pb

from contract.content_key import ContentKey
from contract.envelope import EnvelopeCore, EnvelopeHeader, RecipientKey
from contract.key_sealing import seal_key
from contract.names import new_envelope_id
from contract.stream import SEGMENT_BYTES, SegmentSealer
from contract.trailer import SignedStatement, seal_trailer
from signer_agent.contracts.messages import BytesSource, Message, Messages, NotReceived
from signer_agent.contracts.sources import TEXT_TYPE
from tests.signer_agent.contracts.cheating_relay import CheatingRelay, Parts, StoredEnvelope, line_to
from tests.signer_agent.contracts.company import Company, Person, gathered
from tests.signer_agent.refusals import refused

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Scene:
    """A session of Alice, Bob and Carol whose media server cheats."""

    company: Company
    session_id: str
    relay: CheatingRelay

    def person(self, name: str) -> Person:
        """One of them."""
        return self.company.people[name]

    async def send(self, author: str, content: bytes, *names: str) -> StoredEnvelope:
        """Send some content; what the relay has of it."""
        sent = await self.person(author).messages.send(self.session_id, BytesSource(content, TEXT_TYPE), names)
        return self.relay.envelopes[sent.envelope_id]

    async def bob_receives(self) -> list[Message | NotReceived]:
        """All that comes to Bob."""
        return await self.person("bob").received(self.session_id)

    def nothing_is_left(self) -> bool:
        """Whether Bob keeps nothing of what was refused."""
        mailbox = self.person("bob").messages._mailbox
        return not mailbox._incoming.names() and not any(mailbox._parts.path.glob("envelope-*"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice, Bob and Carol."""
    async with gathered(tmp_path_factory.mktemp("company")) as company:
        yield company


@pytest_asyncio.fixture(loop_scope="module")
async def scene(company: Company) -> AsyncIterator[Scene]:
    """A session of its own for each test."""
    scene = Scene(company, await company.session(), CheatingRelay())
    async with AsyncExitStack() as stack:
        for person in company.people.values():
            person.messages._lines[scene.session_id] = await stack.enter_async_context(
                line_to(scene.relay, person.name)
            )
        yield scene
        for person in company.people.values():
            del person.messages._lines[scene.session_id]


def reasons(received: list[Message | NotReceived]) -> list[str]:
    """Why things were not received."""
    return [each.error.reason for each in received if isinstance(each, NotReceived)]


async def test_withheld_message_is_missed(scene: Scene) -> None:
    """Its number is named, and the next message says that it lacks one."""
    for text in (b"one", b"two", b"three"):
        await scene.send("alice", text, "bob")
    scene.relay.notices = lambda notices: [notices[0], notices[2]]
    first, third, missing = await scene.bob_receives()
    assert isinstance(first, Message)
    assert isinstance(third, Message)
    assert isinstance(missing, NotReceived)
    assert (first.note, third.note) == ("", "not delivered before it: message 2 of alice")
    assert third.verdict.verified
    assert (missing.error.reason, missing.author, missing.number) == ("MESSAGE_WITHHELD", "alice", 2)


async def test_stream_that_ends_too_early_is_no_withholding(scene: Scene) -> None:
    """Only a media server that says that it has told everything is believed to have no more."""
    await scene.send("alice", b"one", "bob")
    scene.relay.notices = lambda _: []
    scene.relay.tells_all = False
    with refused("SERVER_UNAVAILABLE"):
        await scene.bob_receives()
    scene.relay.tells_all = True
    assert reasons(await scene.bob_receives()) == ["MESSAGE_WITHHELD"]
    scene.relay.notices = lambda notices: notices
    assert len(await scene.person("bob").received_messages(scene.session_id)) == 1


async def test_repeated_envelope_is_shown_once(scene: Scene) -> None:
    """At least once is what the relay promises; the second time it is told again that we have it."""
    envelope_id = scene_id(await scene.send("alice", b"one", "bob"))
    assert len(await scene.bob_receives()) == 1
    await scene.send("alice", b"two", "bob")
    (second,) = await scene.bob_receives()
    assert isinstance(second, Message)
    assert scene.relay.acknowledged.count(envelope_id) == 2


async def test_reordered_messages_are_noted(scene: Scene) -> None:
    """And are verified nevertheless: nobody else's work is held against their author."""
    await scene.send("alice", b"one", "bob")
    await scene.send("alice", b"two", "bob")
    scene.relay.notices = lambda notices: notices[::-1]
    second, first = await scene.bob_receives()
    assert isinstance(first, Message)
    assert isinstance(second, Message)
    assert second.note == "not delivered before it: message 1 of alice"
    assert first.note == "out of order: message 1 of alice came after message 2"
    assert first.verdict.verified


def flip_segment(parts: Parts) -> Parts:
    """One bit of the content."""
    segment = bytearray(parts[2].segment)
    segment[5] ^= 1
    return [*parts[:2], pb.FetchEnvelopeResponse(segment=bytes(segment)), *parts[3:]]


def flip_trailer(parts: Parts) -> Parts:
    """One bit of the trailer."""
    finish = pb.EnvelopeFinish()
    finish.CopyFrom(parts[-1].finish)
    finish.trailer = bytes([finish.trailer[0] ^ 1]) + finish.trailer[1:]
    return [*parts[:-1], pb.FetchEnvelopeResponse(finish=finish)]


def truncate(parts: Parts) -> Parts:
    """The content ends early."""
    finish = pb.EnvelopeFinish()
    finish.CopyFrom(parts[-1].finish)
    finish.segments -= 1
    return [*parts[:-2], pb.FetchEnvelopeResponse(finish=finish)]


CHEATS = {
    "flips a bit of the content": flip_segment,
    "flips a bit of the trailer": flip_trailer,
    "truncates": truncate,
    "swaps two segments": lambda parts: [parts[0], parts[2], parts[1], *parts[3:]],
    "repeats a segment": lambda parts: [*parts[:2], parts[1], *parts[2:]],
    "drops a segment": lambda parts: [parts[0], *parts[2:]],
    "leaves out the header": lambda parts: parts[1:],
    "finishes at once": lambda parts: [parts[0], parts[-1]],
}


@pytest.mark.parametrize("cheat", CHEATS)
async def test_damaged_content_is_refused(scene: Scene, cheat: str) -> None:
    """Nothing of it is kept, the relay is not told that we have it; and when it is honest again it arrives."""
    content = secrets.token_bytes(2 * SEGMENT_BYTES + 7)
    await scene.send("alice", content, "bob")
    scene.relay.cheat = CHEATS[cheat]
    assert reasons(await scene.bob_receives()) == ["CONTENT_DAMAGED", "MESSAGE_WITHHELD"]
    assert scene.nothing_is_left()
    assert not scene.relay.acknowledged
    scene.relay.cheat = lambda parts: parts
    (message,) = await scene.bob_receives()
    assert isinstance(message, Message)
    assert message.verdict.verified
    assert await scene.person("bob").content(message.number) == content


async def test_broken_download_goes_on(scene: Scene) -> None:
    """Where it stopped."""
    content = secrets.token_bytes(20 * SEGMENT_BYTES + 7)
    await scene.send("alice", content, "bob")
    scene.relay.breaks_of_downloads = [1, 12, 3, 1]
    (message,) = await scene.bob_receives()
    assert isinstance(message, Message)
    assert await scene.person("bob").content(message.number) == content


async def test_later_process_goes_on_with_a_download(scene: Scene) -> None:
    """The hash over the content begins at its first byte all the same."""
    content = secrets.token_bytes(20 * SEGMENT_BYTES + 7)
    await scene.send("alice", content, "bob")
    scene.relay.breaks_of_downloads = [15, *[1] * 6]
    assert reasons(await scene.bob_receives()) == ["SERVER_UNAVAILABLE"], "no line, no withholding"
    assert not scene.nothing_is_left()
    scene.relay.breaks_of_downloads = [8]
    (message,) = await scene.bob_receives()
    assert isinstance(message, Message)
    assert message.verdict.verified
    assert message.description.digest == hashlib.sha256(content).digest()
    assert await scene.person("bob").content(message.number) == content
    assert scene.nothing_is_left()


async def test_envelope_of_another_is_refused(scene: Scene) -> None:
    """Delivered under an id that is not its own."""
    one, two = await scene.send("alice", b"one", "bob"), await scene.send("alice", b"two", "bob")
    two.header_der, two.segments, two.finish = one.header_der, one.segments, one.finish
    received = await scene.bob_receives()
    assert reasons(received) == ["ENVELOPE_MISDIRECTED", "MESSAGE_WITHHELD"]


async def test_envelope_of_another_session_is_refused(scene: Scene) -> None:
    """Though it was for the same people."""
    elsewhere = await scene.company.session()
    async with line_to(scene.relay) as line:
        alice = scene.person("alice")
        alice.messages._lines[elsewhere] = line
        await alice.messages.send(elsewhere, BytesSource(b"elsewhere"))
        del alice.messages._lines[elsewhere]
    await scene.send("alice", b"here", "bob")
    received = await scene.bob_receives()
    assert reasons(received) == ["ENVELOPE_MISDIRECTED"]
    assert len(received) == 2


async def test_swapped_recipient_keys_do_not_open(scene: Scene) -> None:
    """Every key ciphertext is bound to its recipient's name."""
    stored = await scene.send("alice", b"for both", "bob", "carol")
    header = EnvelopeHeader.from_der(stored.header_der)
    bob, carol = header.keys
    swapped = (RecipientKey("bob", carol.ciphertext), RecipientKey("carol", bob.ciphertext))
    stored.header_der = EnvelopeHeader(
        header.envelope_id, header.session_id, header.author, header.session_certificate, swapped
    ).to_der()
    assert reasons(await scene.bob_receives()) == ["DECRYPTION_FAILED", "MESSAGE_WITHHELD"]


async def forge(scene: Scene, forger: str, author: str, signed: SignedStatement, content: bytes) -> StoredEnvelope:
    """An envelope to Bob that somebody makes who has a signed statement; the relay helps."""
    session = await scene.company.look(forger, scene.session_id)
    key, certificate = ContentKey.new(secrets.token_bytes), session.encrypt_certificate
    names = tuple(recipient.name for recipient in signed.statement.recipients)
    core = EnvelopeCore(new_envelope_id(secrets.token_bytes), scene.session_id, author, certificate.fingerprint, names)
    keys = tuple(
        RecipientKey(
            name,
            seal_key(key, core.label(name), session.member(name).encrypt_certificate, certificate, secrets.token_bytes),
        )
        for name in names
    )
    header = EnvelopeHeader(core.envelope_id, core.session_id, author, core.session_certificate, keys)
    segment = bytes(SegmentSealer(key.stream_key(core)).seal(content, last=True))
    finish = pb.EnvelopeFinish(segments=1, sequence=99, trailer=seal_trailer(key.trailer_key(core), signed))
    scene.relay.envelopes[core.envelope_id] = StoredEnvelope(header.to_der(), [segment], finish)
    return scene.relay.envelopes[core.envelope_id]


async def carols(scene: Scene) -> SignedStatement:
    """What Carol received last."""
    carol = scene.person("carol")
    await carol.received_messages(scene.session_id)
    return carol.messages._mailbox.entries()[-1].signed


async def test_message_in_a_second_envelope_is_refused(scene: Scene) -> None:
    """Carol replays to Bob what Alice sent both of them."""
    await scene.send("alice", b"pay 100", "bob", "carol")
    signed = await carols(scene)
    assert len(await scene.bob_receives()) == 1
    replayed = await forge(scene, "carol", "alice", signed, b"pay 100")
    await scene.send("alice", b"thank you", "bob")
    received = await scene.bob_receives()
    assert reasons(received) == ["ENVELOPE_REPEATED"]
    assert scene_id(replayed) in scene.relay.acknowledged
    assert scene.nothing_is_left()


async def test_forged_content_does_not_keep_the_genuine_one_out(scene: Scene) -> None:
    """Carol has Alice's signed statement, and gets other content under it to Bob first."""
    genuine = await scene.send("alice", b"pay 100", "bob", "carol")
    signed = await carols(scene)
    await forge(scene, "carol", "alice", signed, b"pay 999")
    scene.relay.notices = lambda notices: notices[::-1]
    forged, real = await scene.bob_receives()
    assert isinstance(forged, Message)
    assert not forged.verdict.verified
    assert forged.verdict.problem == "content: CONTENT_WRONG"
    with refused("MESSAGE_NOT_VERIFIED"):
        await scene.person("bob").messages.accept(forged.number)
    assert isinstance(real, Message)
    assert real.verdict.verified
    assert real.envelope_id == scene_id(genuine)


async def test_own_statement_in_the_name_of_another_is_not_verified(scene: Scene) -> None:
    """Carol signs, and says that it is Alice's envelope."""
    await scene.send("carol", b"I agree", "bob")
    (sent,) = [
        entry for entry in scene.person("carol").messages._outbox.sent() if entry.to_send.session_id == scene.session_id
    ]
    scene.relay.envelopes.clear()
    await forge(scene, "carol", "alice", sent.signed_statement(), b"I agree")
    message, *_ = await scene.bob_receives()
    assert isinstance(message, Message)
    assert message.verdict.problem == "addressed: ENVELOPE_MISMATCHED"


async def test_full_disk_leaves_nothing(scene: Scene) -> None:
    """The relay keeps the message, and it arrives when there is room again."""
    content = secrets.token_bytes(12 * SEGMENT_BYTES)
    await scene.send("alice", content, "bob")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * SEGMENT_BYTES, before[1]))
    try:
        assert reasons(await scene.bob_receives()) == ["STORE_UNUSABLE"], "it is our disk that is full"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert scene.nothing_is_left()
    (message,) = await scene.bob_receives()
    assert isinstance(message, Message)
    assert await scene.person("bob").content(message.number) == content


async def test_second_receiver_is_told(scene: Scene) -> None:
    """Two programs do not store one message twice."""
    bob = scene.person("bob")
    with bob.messages._mailbox.receiving(scene.session_id), refused("MAILBOX_BUSY"):
        await scene.bob_receives()


async def test_what_was_signed_is_finished_before_the_next(scene: Scene) -> None:
    """The relay vanished when it had the trailer of one message; its number is used up, so it must not be lost."""
    scene.relay.lost_answers = 20
    with refused("SERVER_UNAVAILABLE"):
        await scene.send("alice", b"one", "bob")
    scene.relay.lost_answers = 0
    alice = scene.person("alice")
    async with Messages.of(alice.signer, alice.store) as later, line_to(scene.relay) as line:
        later._lines[scene.session_id] = line
        await later.send(scene.session_id, BytesSource(b"two", TEXT_TYPE), ["bob"])
        later._lines.clear()
    received = await scene.person("bob").received_messages(scene.session_id)
    assert [(await scene.person("bob").content(each.number), each.note) for each in received] == [
        (b"one", ""),
        (b"two", ""),
    ]
    assert not alice.messages._outbox.open_entries()


async def test_what_was_signed_is_finished_when_its_author_looks(scene: Scene) -> None:
    """Nobody has to send it again."""
    scene.relay.lost_answers = 20
    with refused("SERVER_UNAVAILABLE"):
        await scene.send("alice", b"one", "bob")
    (stored,) = scene.relay.envelopes.values()
    stored.finish = None
    scene.relay.lost_answers = 0
    assert await scene.person("alice").received(scene.session_id) == []
    assert len(await scene.person("bob").received_messages(scene.session_id)) == 1


def scene_id(stored: StoredEnvelope) -> str:
    """The id of an envelope."""
    return EnvelopeHeader.from_der(stored.header_der).envelope_id
