"""Agents announce the key that signs without anybody asking; and hold what others announce to their envelopes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract.announcements.announcement import MAX_EARLIER_CHANGES, Announcement, SignedAnnouncement
from contract.announcements.claim import Claim
from contract.announcements.key_change import ChangeByOldKey, proof_from_der, proof_to_der
from contract.announcements.keys import write_signer_key
from contract.announcements.window import are_in_conflict
from signer_agent.contracts.announced import NOT_ANNOUNCED
from signer_agent.contracts.announced_keys import MAX_REMEMBERED, AnnouncedKey, AnnouncementMemory
from signer_agent.contracts.announcing import REPEAT_PERIOD, Announcer, source_towards
from signer_agent.contracts.entries import Drawers
from signer_agent.contracts.login import LoginLine, Logins
from signer_agent.contracts.messages import Message
from signer_agent.contracts.possession import alone
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.signer_keys import EncryptKind, KeyChoice, RevocationReason, SignerKeyring, SignKind
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource
from signer_agent.contracts.way import GATEWAY_VARIABLE, SOURCE_VARIABLE
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.contract.disclosure import LOG_KEY
from tests.signer_agent.contracts.cheating_relay import CheatingRelay, StoredEnvelope, line_to
from tests.signer_agent.contracts.company import Company, Person, gathered
from tests.signer_agent.contracts.parts import Sealed
from tests.signer_agent.contracts.test_cheating_relay import Scene, reasons
from tests.signer_agent.stores import PASSPHRASE
from wire.catalogue import ServiceError

SESSION_ID = "a" * 26

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice, Bob and Carol."""
    async with gathered(tmp_path_factory.mktemp("company")) as company:
        yield company


@pytest_asyncio.fixture(loop_scope="module")
async def scene(company: Company) -> AsyncIterator[Scene]:
    """A session of its own for each test, in which nobody has heard of any key."""
    scene = Scene(company, await company.session(), CheatingRelay())
    async with AsyncExitStack() as stack:
        for person in company.people.values():
            memory = person.messages._announcements
            memory._drawer.remove("heard")
            line = await stack.enter_async_context(line_to(scene.relay, person.name))
            person.messages._lines[scene.session_id] = line
        yield scene
        for person in company.people.values():
            del person.messages._lines[scene.session_id]


def announced(stored: StoredEnvelope) -> dict[str, Announcement]:
    """What came with an envelope, checked as a gateway does, by recipient."""
    found = [SignedAnnouncement.from_der(each) for each in stored.announcements]
    checked = [each.check(datetime.now(UTC), LOG_KEY).announcement for each in found]
    return {each.claim.destination: each for each in checked}


async def test_first_envelope_announces_the_key(scene: Scene) -> None:
    """To each recipient, of this envelope, from the address that the agent has on its way; and Bob takes it."""
    stored = await scene.send("alice", b"one", "bob", "carol")
    found = announced(stored)
    assert set(found) == {"bob", "carol"}
    signer = scene.person("alice").signer
    for name, announcement in found.items():
        assert announcement.claim == Claim("127.0.0.1", "alice", name)
        assert announcement.document == sha256(stored.header_der).digest()
        assert announcement.session_id == scene.session_id
        announcement.require_certificate(signer.sign_certificate)
    (message,) = await scene.person("bob").received_messages(scene.session_id)
    assert [(each.name, each.outcome) for each in message.verdict.checks][-1] == ("announcement", "passed")
    assert message.note == ""


async def test_who_was_told_is_not_told_again(scene: Scene) -> None:
    """But whoever was not; and everybody once half a window has passed, also in another process."""
    await scene.send("alice", b"one", "bob")
    assert set(announced(await scene.send("alice", b"two", "bob", "carol"))) == {"carol"}
    assert announced(await scene.send("alice", b"three", "bob", "carol")) == {}
    assert [each.note for each in await scene.person("bob").received_messages(scene.session_id)] == ["", "", ""]
    alice = scene.person("alice")
    memory = AnnouncementMemory(alice.store, "alice")
    told = memory.told(scene.session_id)["bob"]
    for changed in (
        replace(told, time=told.time - REPEAT_PERIOD),
        replace(told, time=told.time + timedelta(days=1)),  # by a clock that was wrong
        replace(told, source="192.0.2.7"),
        replace(told, certificate=b"\x01" * 32),
    ):
        memory.tell(scene.session_id, ["bob"], changed)
        assert set(announced(await scene.send("alice", b"again", "bob", "carol"))) == {"bob"}


async def test_memory_is_durable_and_bounded(company: Company) -> None:
    """Another process with the same store knows; the oldest are forgotten, and told once more."""
    alice = company.people["alice"]
    now = datetime.now(UTC).replace(microsecond=0)
    key = AnnouncedKey(b"\x07" * 32, "2001:db8::1", now)
    memory = AnnouncementMemory(alice.store, "alice")
    memory.tell(SESSION_ID, (f"account-{number}" for number in range(MAX_REMEMBERED)), key)
    memory.tell(SESSION_ID, ["account-1", "one-more"], key)
    again = KeyStore.open(alice.home, Passphrase(PASSPHRASE))
    told = AnnouncementMemory(again, "alice").told(SESSION_ID)
    assert len(told) == MAX_REMEMBERED
    assert ("account-0" in told, "account-1" in told, told["one-more"]) == (False, True, key)
    assert b"account-1" not in b"".join(each.read_bytes() for each in (alice.home.folder / "announced").rglob("*.json"))


async def test_each_session_is_told_by_itself(company: Company, scene: Scene) -> None:
    """Whoever reads the second one first has heard of the key there, and is not warned."""
    assert announced(await scene.send("alice", b"not read", "bob")).keys() == {"bob"}
    second = await company.session()
    alice, bob = company.people["alice"], company.people["bob"]
    await alice.messages.send(second, BytesSource(b"read", TEXT_TYPE), ["bob"])
    assert [each.note for each in await bob.received_messages(second)] == [""]


async def test_another_key_in_the_same_name_takes_nothing_away(scene: Scene) -> None:
    """What somebody else announced in Alice's name is no reason to say that hers was not announced."""
    await scene.send("alice", b"one", "bob")
    bob = scene.person("bob")
    assert [each.note for each in await bob.received_messages(scene.session_id)] == [""]
    now = datetime.now(UTC).replace(microsecond=0)
    bob.messages._announcements.hear(AnnouncedKey(b"\x09" * 32, "127.0.0.1", now))
    await scene.send("alice", b"two", "bob")
    assert [each.note for each in await bob.received_messages(scene.session_id)] == [""]


async def test_interrupted_upload_announces_anew(scene: Scene) -> None:
    """Each stream, for what announces must be of now; nobody was told before the envelope was there whole."""
    scene.relay.breaks_of_uploads = [0]
    stored = await scene.send("alice", b"one", "bob")
    assert len(scene.relay.starts) > 1
    assert set(announced(stored)) == {"bob"}
    assert announced(await scene.send("alice", b"two", "bob")) == {}


def resigned(scene: Scene, change: Callable[[Announcement], Announcement]) -> Callable[[bytes], bytes]:
    """What somebody makes of an announcement who has Alice's key."""
    key = alone(scene.person("alice").signer.sign_key)

    def changed(announcement_der: bytes) -> bytes:
        announcement = SignedAnnouncement.from_der(announcement_der).announcement
        return SignedAnnouncement.sign(change(announcement), key).to_der()

    return changed


def of_another_key(announcement_der: bytes) -> bytes:
    """The same, announced by a key that did not sign the envelope."""
    announcement = SignedAnnouncement.from_der(announcement_der).announcement
    key = Ed25519PrivateKey.generate()
    return SignedAnnouncement.sign(replace(announcement, public_key=write_signer_key(key.public_key())), key).to_der()


def badly_signed(announcement_der: bytes) -> bytes:
    """The same with another signature."""
    signed = SignedAnnouncement.from_der(announcement_der)
    return replace(signed, signature=signed.signature[:-1] + bytes([signed.signature[-1] ^ 1])).to_der()


CHANGES: dict[str, tuple[Callable[[Announcement], Announcement], str]] = {
    "for another": (
        lambda made: replace(made, claim=replace(made.claim, destination="carol")),
        "ANNOUNCEMENT_MISPLACED",
    ),
    "as another": (lambda made: replace(made, claim=replace(made.claim, user="carol")), "ANNOUNCEMENT_MISPLACED"),
    "of another envelope": (lambda made: replace(made, document=b"\x01" * 32), "ANNOUNCEMENT_MISPLACED"),
    "of another certificate": (
        lambda made: replace(made, certificate=b"\x01" * 32),
        "ANNOUNCEMENT_OF_OTHER_CERTIFICATE",
    ),
    "too old": (lambda made: replace(made, time=made.time - timedelta(minutes=6)), "ANNOUNCEMENT_TIME_WRONG"),
}


async def refused_with(scene: Scene, announcement_der: bytes, stored: StoredEnvelope) -> str:
    """Why Bob finds that a message does not hold with which he is told this."""
    stored.posting.announcement_der = announcement_der
    stored.announcements = []
    message, withheld = await scene.bob_receives()
    assert isinstance(message, Message)
    assert reasons([withheld]) == ["MESSAGE_WITHHELD"]  # the genuine one did not come
    assert not message.verdict.verified
    assert not scene.person("bob").messages._announcements.heard()
    return message.verdict.problem


@pytest.mark.parametrize("change", CHANGES)
async def test_announcement_that_is_not_of_this(scene: Scene, change: str) -> None:
    """Also where Alice's own key signed it."""
    stored = await scene.send("alice", b"one", "bob", "carol")
    make, reason = CHANGES[change]
    told = resigned(scene, make)(stored.posting_for("bob").announcement_der)
    assert await refused_with(scene, told, stored) == f"announcement: {reason}"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (of_another_key, "ANNOUNCEMENT_OF_OTHER_CERTIFICATE"),
        (badly_signed, "SIGNATURE_INVALID"),
        (lambda made: made[:-1], "ANNOUNCEMENT_MALFORMED"),
    ],
)
async def test_announcement_of_another_key(scene: Scene, make: Callable[[bytes], bytes], reason: str) -> None:
    """Is refused, and so is one that nobody signed, and none."""
    stored = await scene.send("alice", b"one", "bob")
    told = make(stored.posting_for("bob").announcement_der)
    assert await refused_with(scene, told, stored) == f"announcement: {reason}"


async def test_announcement_of_an_earlier_envelope(scene: Scene) -> None:
    """The media server tells it once more with the next."""
    first = await scene.send("alice", b"one", "bob")
    told = first.posting_for("bob").announcement_der
    scene.relay.envelopes.clear()
    second = await scene.send("alice", b"two", "bob")
    second.posting.announcement_der = told
    found = [each for each in await scene.bob_receives() if isinstance(each, Message)]
    assert [each.verdict.problem for each in found] == ["announcement: ANNOUNCEMENT_MISPLACED"]


async def test_announcement_that_the_media_server_takes_away(scene: Scene) -> None:
    """The message holds, as those of older agents, and Bob is told; until he hears of the key."""
    first = await scene.send("alice", b"one", "bob")
    first.announcements = []
    await scene.send("alice", b"two", "bob")
    assert [each.note for each in await scene.person("bob").received_messages(scene.session_id)] == [NOT_ANNOUNCED] * 2
    AnnouncementMemory(scene.person("alice").store, "alice")._drawer.remove(f"told-{scene.session_id}")
    await scene.send("alice", b"three", "bob")
    await scene.send("alice", b"four", "bob")
    assert [each.note for each in await scene.person("bob").received_messages(scene.session_id)] == ["", ""]


@pytest.mark.parametrize(
    ("address", "sources"),
    [
        ("127.0.0.2:7443", {"127.0.0.1"}),
        ("[::1]:7443", {"::1", "127.0.0.1"}),  # not every machine has IPv6
        ("[::ffff:127.0.0.2]:7443", {"127.0.0.1"}),
        ("localhost:1", {"127.0.0.1", "::1"}),
        ("[fe80::1%none]:1", {"127.0.0.1"}),  # no way leads there
    ],
)
async def test_source_is_the_address_on_the_way(address: str, sources: set[str]) -> None:
    """In the spelling that claims have."""
    assert Claim(await asyncio.to_thread(source_towards, address), "alice", "bob").source in sources


async def test_source_that_the_machine_names(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is claimed instead of the one on the way, and told to who heard of another. What is no address is refused."""
    first = await scene.send("alice", b"one", "bob")
    monkeypatch.setenv(SOURCE_VARIABLE, "192.0.2.7")
    second = await scene.send("alice", b"two", "bob")
    announced = [SignedAnnouncement.from_der(each.announcements[0]).announcement for each in (first, second)]
    assert [each.claim.source for each in announced] == ["127.0.0.1", "192.0.2.7"]
    monkeypatch.setenv(SOURCE_VARIABLE, "alice.example")
    with pytest.raises(ServiceError) as refused:
        await scene.send("alice", b"three", "bob")
    assert refused.value.reason == "SETTING_INVALID"


@pytest.mark.parametrize(("gateway", "used"), [("gateway.example:7443", "gateway.example:7443"), ("", "")])
async def test_gateway_that_the_machine_names(
    company: Company, monkeypatch: pytest.MonkeyPatch, gateway: str, used: str
) -> None:
    """Its line goes there, whatever the session says."""
    alice = company.people["alice"]
    session = await alice.messages.session(await company.session())
    monkeypatch.setenv(GATEWAY_VARIABLE, gateway)
    line = await alice.messages._line_to(session)
    assert line.address == (used or session.relay_address)
    monkeypatch.setenv(GATEWAY_VARIABLE, "gateway.example")
    alice.messages._lines.clear()
    await line.close()
    with pytest.raises(ServiceError) as refused:
        await alice.messages._line_to(session)
    assert refused.value.reason == "SETTING_INVALID"


async def test_renewed_keys_are_led_to_by_the_old_ones(tmp_path: Path) -> None:
    """So there is no conflict with any before; for as long as that may be held against it, and for four at most."""
    async with gathered(tmp_path, ("alice", "bob")) as company:
        alice = company.people["alice"]
        signer = alice.signer
        told = [await announcement_by(signer, alice.store)]
        assert told[0].changes == ()
        for number in range(1, 3 + MAX_EARLIER_CHANGES):
            signer = await renewed(alice)
            told.append(await announcement_by(signer, alice.store))
            led_from = [each.key for each in told[-1 - min(number, 1 + MAX_EARLIER_CHANGES) : -1]]
            assert [proof.change.old_key for proof in told[-1].changes] == led_from
            assert [each.key for each in told[:-1] if not are_in_conflict(each, told[-1])] == led_from
        drawers = Drawers(alice.store)
        known = drawers.accounts.get("alice")
        assert known is not None
        first, second, last = (proof_from_der(each) for each in (*known.earlier_changes[-2:], known.key_change))
        assert isinstance(second, ChangeByOldKey)
        past = replace(second, change=replace(second.change, time=told[-1].time - timedelta(hours=1)))
        for earlier, shown in (((first, second), (first, second, last)), ((first, past), (last,)), ((), (last,))):
            stored = replace(known, earlier_changes=tuple(map(proof_to_der, earlier)))
            drawers.accounts.put("alice", stored)
            assert (await announcement_by(signer, alice.store)).changes == shown
        drawers.accounts.put("alice", replace(known, key_change=proof_to_der(past)))
        assert (await announcement_by(signer, alice.store)).changes == ()


async def test_key_after_a_revoked_one_is_led_to_by_nobody(tmp_path: Path) -> None:
    """Whoever has a stolen key could lead to another with it."""
    async with gathered(tmp_path, ("alice", "bob")) as company:
        alice = company.people["alice"]
        await SignerKeyring(LoginLine(alice.line, Drawers(alice.store))).revoke(RevocationReason.KEY_COMPROMISE)
        assert (await announcement_by(await renewed(alice), alice.store)).changes == ()


async def renewed(person: Person) -> Signer:
    """Somebody with new keys."""
    line = LoginLine(person.line, Drawers(person.store))
    await SignerKeyring(line).make(KeyChoice(SignKind.ED25519, EncryptKind.X25519))
    await Logins(line).prove()
    return await Signer.open(person.store, person.line)


async def announcement_by(signer: Signer, store: KeyStore) -> Announcement:
    """What goes to Bob with an envelope, checked as a gateway does."""
    header = Sealed.of(b"").header
    announcing = Announcer(signer, AnnouncementMemory(store, signer.name)).of(header.to_der(), "127.0.0.1:1")
    (made,) = await announcing.make()
    return SignedAnnouncement.from_der(made).check(datetime.now(UTC), LOG_KEY).announcement
