"""A server that has the authority and lies about a session: refused, and the server blamed."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import contract_session_pb2 as session_pb
from fourseal.v1 import contract_session_service_pb2 as pb

from contract.certificates import SignerCertificate
from contract.oids import DEFAULT_ARC
from contract.profiles import session_profile, signer_profile
from contract.revocation import RevocationList
from contract.session_info import Scheme, SessionInfo
from contract.session_keys import session_certification_context
from mpc.four_prime_rsa import Purpose, Role, generate_key_share
from mpc.four_prime_rsa.certification import certify_modulus
from signer_agent.cli.contract_sessions import _validity
from signer_agent.contracts.contacts import ContactPair, Contacts
from signer_agent.contracts.entries import Drawers
from signer_agent.contracts.model import VerifiedSession
from signer_agent.contracts.outbox_signing import require_valid
from signer_agent.contracts.revocations import read_revocations
from signer_agent.contracts.signer_keys import Pair
from signer_agent.contracts.verification import SessionVerifier
from signer_agent.keystore.store import KeyStore
from tests.contract.world import NOW, SESSION_ID, Issuer, Person, World, person, session_info
from tests.mpc.parties import ENGINE
from tests.signer_agent.refusals import refused
from wire.convert import timestamp_of

Lie = Callable[["Scene", session_pb.ContractSession], object]


def der(certificate: Any) -> bytes:  # noqa: ANN401  # a certificate of either kind
    """Its bytes."""
    return bytes(certificate.certificate.public_bytes(Encoding.DER))


def somebody(authority: Issuer, name: str) -> Person:
    """A signer with fresh keys."""
    return person(authority, name, ec.generate_private_key(ec.SECP256R1()), x25519.X25519PrivateKey.generate())


@dataclass
class Keys:
    """What is slow to make, made once.

    Args:
        world: a session of Alice and Bob.
        roots: certifications of both moduli.
        other: shares of another session.
    """

    world: World
    roots: dict[Purpose, list[bytes]]
    other: World

    def answer(self, world: World | None = None) -> session_pb.ContractSession:
        """What an honest server says of a session."""
        shown = world or self.world
        info = shown.info
        return session_pb.ContractSession(
            session_id=info.session_id,
            state=session_pb.SESSION_STATE_OPEN,
            scheme=session_pb.SESSION_SCHEME_SEPARATE,
            half_bits=info.half_bits,
            subject=info.subject,
            place=info.place,
            begin_time=timestamp_of(info.begin),
            end_time=timestamp_of(info.end),
            creator=info.creator,
            all_is_evidence=info.all_is_evidence,
            members=[
                session_pb.SessionMember(
                    name=each.name,
                    state=session_pb.MEMBER_STATE_JOINED,
                    sign_certificate_der=der(each.sign),
                    encrypt_certificate_der=der(each.encrypt),
                )
                for each in shown.people
            ]
            + [session_pb.SessionMember(name=name, state=session_pb.MEMBER_STATE_INVITED) for name in info.invited],
            revision=info.revision,
            sign_certificate_der=der(shown.sign),
            encrypt_certificate_der=der(shown.encrypt),
            sign_certification_roots=self.roots[Purpose.SIGN],
            encrypt_certification_roots=self.roots[Purpose.DECRYPT],
        )


def world_of(authority: Issuer, *people: Person) -> World:
    """A session with fresh shares."""
    shares = [generate_key_share(Role.SERVER, purpose, 2048) for purpose in Purpose]
    info = session_info(Scheme.SEPARATE, people)
    return World(authority, info, shares[0], shares[1], people)  # type: ignore[arg-type]  # in the order of Purpose


@pytest.fixture(scope="module")
def keys() -> Keys:
    """A session, and another one."""
    authority = Issuer()
    alice, bob = somebody(authority, "alice"), somebody(authority, "bob")
    world = world_of(authority, alice, bob)
    roots = {
        share.purpose: certify_modulus(
            share, session_certification_context(SESSION_ID, share.purpose), ENGINE, secrets.token_bytes
        )
        for share in (world.signing_share, world.decryption_share)
    }
    return Keys(world, roots, world_of(authority, alice, bob))


class Scene:
    """Alice's agent, and what it is shown."""

    def __init__(self, keys: Keys, store: KeyStore) -> None:
        self.keys = keys
        self.world = keys.world
        self.authority = keys.world.authority
        self.drawers = Drawers(store)
        alice = keys.world.person("alice")
        own = [Pair(alice.sign, alice.encrypt)]
        certificate = self.authority.certificate
        self._verifier = SessionVerifier(self.drawers, certificate, DEFAULT_ARC, "localhost:1", "alice", own)

    def show(self, answer: session_pb.ContractSession, *revoked: x509.Certificate) -> VerifiedSession:
        """Let the agent verify an answer."""
        entries = [(each, NOW, None) for each in revoked]
        data = self.authority.sign_list(self.authority.revocation_list(*entries))
        revocations = RevocationList.read(data, self.authority.certificate)
        return self._verifier.verify(answer, SESSION_ID, self._verifier.pin(SESSION_ID), revocations, NOW)

    def show_revision(self, world: World, current: VerifiedSession) -> None:
        """Let the agent verify another revision."""
        answer = pb.GetSessionCertificatesResponse(
            revision=world.info.revision,
            sign_certificate_der=der(world.sign),
            encrypt_certificate_der=der(world.encrypt),
            member_sign_certificates_der=[der(each.sign) for each in world.people],
            member_encrypt_certificates_der=[der(each.encrypt) for each in world.people],
        )
        data = self.authority.sign_list(self.authority.revocation_list())
        revocations = RevocationList.read(data, self.authority.certificate)
        self._verifier.verify_revision(answer, current, revocations)

    def with_info(self, **changed: Any) -> World:  # noqa: ANN401  # fields of a session info
        """The same session keys with another info, rightly certified."""
        return replace(self.world, info=replace(self.world.info, **changed))


@pytest.fixture
def scene(keys: Keys, store: KeyStore) -> Scene:
    """A fresh key store."""
    return Scene(keys, store)


def certified(scene: Scene, purpose: Purpose, info: SessionInfo | None = None, **how: Any) -> bytes:  # noqa: ANN401
    """A session certificate made otherwise."""
    share = scene.world.signing_share if purpose is Purpose.SIGN else scene.world.decryption_share
    key = share.public.to_cryptography()
    issuer = how.pop("issuer", scene.authority)
    profile = session_profile(info or scene.world.info, purpose, key, DEFAULT_ARC)
    return bytes(issuer.issue(profile, key, **how).public_bytes(Encoding.DER))


def set_field(name: str, value: Any) -> Lie:  # noqa: ANN401  # of any type
    """Say something else than the certificates."""
    return lambda _, answer: setattr(answer, name, value)


def foreign_authority(scene: Scene, answer: session_pb.ContractSession) -> None:
    """Certificates of another authority of the same name."""
    answer.sign_certificate_der = certified(scene, Purpose.SIGN, issuer=Issuer())


def expired(scene: Scene, answer: session_pb.ContractSession) -> None:
    """A certificate that has expired."""
    answer.sign_certificate_der = certified(scene, Purpose.SIGN, end=NOW - timedelta(minutes=1))


def another_sessions(scene: Scene, answer: session_pb.ContractSession) -> None:
    """The certificate for encryption of another session of the same people: other keys, the same info."""
    answer.encrypt_certificate_der = der(scene.keys.other.encrypt)


def swapped_usages(scene: Scene, answer: session_pb.ContractSession) -> None:
    """Each certificate in the other's place."""
    answer.sign_certificate_der, answer.encrypt_certificate_der = der(scene.world.encrypt), der(scene.world.sign)


def two_infos(scene: Scene, answer: session_pb.ContractSession) -> None:
    """Two certificates that say different things."""
    other = replace(scene.world.info, subject="Lease of a house")
    answer.encrypt_certificate_der = certified(scene, Purpose.DECRYPT, other)


def swapped_member_keys(scene: Scene, answer: session_pb.ContractSession) -> None:
    """Bob's certificates are others in his name, genuinely issued; the session info has the right ones."""
    bob = somebody(scene.authority, "bob")
    answer.members[1].sign_certificate_der = der(bob.sign)
    answer.members[1].encrypt_certificate_der = der(bob.encrypt)


def swapped_in_the_info_too(scene: Scene, answer: session_pb.ContractSession) -> None:
    """Alice's own entry has other certificates in her name, and the session info agrees."""
    alice = somebody(scene.authority, "alice")
    people = (alice, scene.world.person("bob"))
    lie = replace(scene.world, info=session_info(Scheme.SEPARATE, people), people=people)
    answer.CopyFrom(scene.keys.answer(lie))


def sign_certificate_for_encryption(_: Scene, answer: session_pb.ContractSession) -> None:
    """A member's certificate for signing where that for encryption should be."""
    answer.members[1].encrypt_certificate_der = answer.members[1].sign_certificate_der


def somebody_elses_name(scene: Scene, answer: session_pb.ContractSession) -> None:
    """Bob's entry in the session info points to certificates of Mallory."""
    mallory = somebody(scene.authority, "mallory")
    bob = replace(mallory, name="bob")
    people = (scene.world.person("alice"), bob)
    lie = replace(scene.world, info=session_info(Scheme.SEPARATE, people), people=people)
    answer.CopyFrom(scene.keys.answer(lie))


def members_of_another_authority(scene: Scene, answer: session_pb.ContractSession) -> None:
    """Bob's certificates were issued by somebody else."""
    people = (scene.world.person("alice"), somebody(Issuer(), "bob"))
    lie = replace(scene.world, info=session_info(Scheme.SEPARATE, people), people=people)
    answer.CopyFrom(scene.keys.answer(lie))


LIES: Final[dict[str, tuple[Lie, str]]] = {
    "another session": (set_field("session_id", "session-" + "b" * 26), "SESSION_FACTS_CHANGED"),
    "another subject": (set_field("subject", "Lease of a house"), "SESSION_FACTS_CHANGED"),
    "another place": (set_field("place", ""), "SESSION_FACTS_CHANGED"),
    "another creator": (set_field("creator", "bob"), "SESSION_FACTS_CHANGED"),
    "another scheme": (set_field("scheme", session_pb.SESSION_SCHEME_JOINT), "SESSION_FACTS_CHANGED"),
    "another rule": (set_field("all_is_evidence", value=True), "SESSION_FACTS_CHANGED"),
    "another size": (set_field("half_bits", 3072), "SESSION_FACTS_CHANGED"),
    "another revision": (set_field("revision", 5), "SESSION_FACTS_CHANGED"),
    "another end": (lambda _, answer: answer.end_time.FromSeconds(1), "SESSION_FACTS_CHANGED"),
    "absurd time": (lambda _, answer: setattr(answer.end_time, "seconds", 1 << 62), "ANSWER_MALFORMED"),
    "a member more": (
        lambda _, answer: answer.members.add(name="carol", state=session_pb.MEMBER_STATE_JOINED),
        "SESSION_FACTS_CHANGED",
    ),
    "an invitation more": (
        lambda _, answer: answer.members.add(name="carol", state=session_pb.MEMBER_STATE_INVITED),
        "SESSION_FACTS_CHANGED",
    ),
    "another authority": (foreign_authority, "CERTIFICATE_NOT_ISSUED"),
    "an expired certificate": (expired, "CERTIFICATE_NOT_VALID"),
    "another session's certificate": (another_sessions, "CERTIFICATION_INVALID"),
    "swapped usages": (swapped_usages, "CERTIFICATE_OF_OTHER_USAGE"),
    "two infos": (two_infos, "SESSION_FACTS_CHANGED"),
    "no certificate": (set_field("sign_certificate_der", b""), "CERTIFICATE_MALFORMED"),
    "other roots": (
        lambda _, answer: answer.sign_certification_roots.__setitem__(0, bytes(255) + b"\x02"),
        "CERTIFICATION_INVALID",
    ),
    "no roots": (lambda _, answer: answer.ClearField("sign_certification_roots"), "CERTIFICATION_MALFORMED"),
    "roots of the other key": (
        lambda scene, answer: answer.sign_certification_roots.__setitem__(
            slice(None), scene.keys.roots[Purpose.DECRYPT]
        ),
        "CERTIFICATION_INVALID",
    ),
    "swapped member keys": (swapped_member_keys, "MEMBER_CERTIFICATE_WRONG"),
    "other certificates of ours": (swapped_in_the_info_too, "MEMBER_CERTIFICATE_WRONG"),
    "a certificate for the other purpose": (sign_certificate_for_encryption, "CERTIFICATE_OF_OTHER_USAGE"),
    "certificates of somebody else": (somebody_elses_name, "MEMBER_CERTIFICATE_WRONG"),
    "a member of another authority": (members_of_another_authority, "CERTIFICATE_NOT_ISSUED"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_about_a_session_is_noticed_at_first_sight(scene: Scene, name: str) -> None:
    """And nothing of it is remembered: the truth is still believed."""
    lie, reason = LIES[name]
    answer = scene.keys.answer()
    lie(scene, answer)
    with refused(reason, culprit="server"):
        scene.show(answer)
    assert scene.drawers.sessions.names() == []
    assert scene.show(scene.keys.answer()).revision == 4


def test_an_older_revision_is_refused(scene: Scene) -> None:
    """Its certificates are genuine; they were shown before."""
    older = scene.keys.answer(scene.with_info(revision=3))
    scene.show(older)
    scene.show(scene.keys.answer())
    with refused("SESSION_ROLLED_BACK", culprit="server"):
        scene.show(older)


def test_two_certificates_of_one_revision_are_refused(scene: Scene) -> None:
    """Who is shown which could be told from the statements, and here at once."""
    scene.show(scene.keys.answer())
    answer = scene.keys.answer()
    answer.sign_certificate_der = certified(scene, Purpose.SIGN)
    with refused("SESSION_FACTS_CHANGED", culprit="server"):
        scene.show(answer)


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "Lease of a house"},
        {"place": ""},
        {"creator": "bob"},
        {"end": NOW + timedelta(days=1)},
        {"begin": NOW - timedelta(days=1)},
        {"all_is_evidence": True},
    ],
    ids=lambda changed: str(*changed),
)
def test_what_never_changes_cannot_be_changed_by_new_certificates(scene: Scene, changed: dict[str, Any]) -> None:
    """Rightly certified, with a new revision."""
    current = scene.show(scene.keys.answer())
    lie = scene.with_info(revision=5, **changed)
    with refused("SESSION_FACTS_CHANGED", culprit="server"):
        scene.show(scene.keys.answer(lie))
    with refused("SESSION_FACTS_CHANGED", culprit="server"):
        scene.show_revision(lie, current)


def test_session_keys_are_pinned(scene: Scene) -> None:
    """Other keys of the same session id, rightly certified."""
    scene.show(scene.keys.answer())
    lie = replace(scene.keys.other, info=replace(scene.world.info, revision=5))
    with refused("SESSION_FACTS_CHANGED", culprit="server"):
        scene.show(scene.keys.answer(lie))


def test_another_pair_of_a_contact_waits_for_a_person(scene: Scene) -> None:
    """Whoever compared the fingerprints accepts it; what was known before stays known."""
    scene.show(scene.keys.answer())
    known, fresh = scene.world.person("bob"), somebody(scene.authority, "bob")
    people = (scene.world.person("alice"), fresh)
    info = replace(session_info(Scheme.SEPARATE, people), revision=5)
    answer = scene.keys.answer(replace(scene.world, info=info, people=people))
    found, before = fresh.sign.fingerprint.hex(), known.sign.fingerprint.hex()
    for _ in range(2):
        with refused("CONTACT_CHANGED", name="bob", known=before, found=found):
            scene.show(answer)
    contacts = Contacts(scene.drawers)
    offered = contacts.find("bob").offered
    assert offered is not None
    with refused("CONTACT_UNKNOWN"):
        contacts.accept("bob", ContactPair("00" * 32, offered.encrypt))
    contacts.accept("bob", offered)
    current = scene.show(answer)
    assert current.member("bob").sign_certificate == fresh.sign
    scene.show_revision(scene.world, current)


def test_revoked_certificates_are_marked(scene: Scene) -> None:
    """Nothing is sent to them, and nobody joins them."""
    bob = scene.world.person("bob")
    session = scene.show(scene.keys.answer(), bob.encrypt.certificate)
    assert session.member("bob").revoke_time == NOW
    assert session.member("alice").revoke_time is None


def test_a_revocation_list_must_be_the_authoritys_and_of_now() -> None:
    """An old one hides what was revoked since."""
    authority = Issuer()
    old = authority.sign_list(authority.revocation_list(issued=NOW - timedelta(days=9), next_update=NOW - timedelta(1)))
    with refused("REVOCATION_LIST_OLD", culprit="server"):
        read_revocations(old, authority.certificate, NOW)
    foreign = Issuer()
    with refused("REVOCATION_LIST_NOT_ISSUED", culprit="server"):
        read_revocations(foreign.sign_list(foreign.revocation_list()), authority.certificate, NOW)
    with refused("REVOCATION_LIST_MALFORMED", culprit="server"):
        read_revocations(b"", authority.certificate, NOW)


def with_bobs(scene: Scene, begin: datetime, end: datetime) -> World:
    """The same session, with another certificate of Bob's, valid from then to then."""
    bob = scene.world.person("bob")
    key = bob.sign.public_key
    profile = signer_profile("bob", "Bob", Purpose.SIGN, key, DEFAULT_ARC)
    other = SignerCertificate(scene.authority.issue(profile, key, begin=begin, end=end), DEFAULT_ARC)
    people = (scene.world.person("alice"), replace(bob, sign=other))
    return replace(scene.world, info=session_info(Scheme.SEPARATE, people), people=people)


def test_a_member_whose_certificate_has_expired_stops_nobody_else(scene: Scene) -> None:
    """The session holds, and its other members' messages with it; that member is marked, and nothing is sent to it."""
    expired = with_bobs(scene, NOW - timedelta(days=30), NOW - timedelta(days=1))
    session = scene.show(scene.keys.answer(expired))
    bob, alice = session.member("bob"), session.member("alice")
    assert bob.expire_time == NOW - timedelta(days=1)
    assert (bob.has_expired(NOW), alice.has_expired(NOW)) == (True, False)
    with refused("MEMBER_EXPIRED", name="bob"):
        require_valid(session, "bob")
    assert _validity(bob) == "  EXPIRED"
    scene.show_revision(expired, session)


def test_a_certificate_of_a_member_that_is_not_yet_valid_is_refused(scene: Scene) -> None:
    """Only time makes a certificate expire; no honest server shows one before its time."""
    with refused("CERTIFICATE_NOT_VALID", culprit="server"):
        scene.show(scene.keys.answer(with_bobs(scene, NOW + timedelta(days=1), NOW + timedelta(days=9))))
