"""A session of Alice, Bob and Carol, with its authority: everything that a message of theirs needs, in one process."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509.oid import NameOID

from contract.certificates import SessionCertificate, SignerCertificate
from contract.description import ContentDescription
from contract.oids import DEFAULT_ARC
from contract.profiles import Profile, SignerKey, session_profile, signer_profile
from contract.session_info import Member, Scheme, SessionInfo
from contract.signatures import (
    JointSignature,
    SeparateSignature,
    Signature,
    joint_message,
    sign_as_session,
    sign_separately,
)
from contract.signer_keys import SignerPrivateKey, algorithm_of
from contract.statement import Recipient, Statement
from mpc.four_prime_rsa import (
    DecryptionShare,
    Purpose,
    SigningShare,
    combine_signature,
    create_partial_signature,
    own_private_key,
    parse_partial_signature,
)
from mpc.four_prime_rsa.roles import Role
from tests.mpc.parties import ENGINE, RANDOM

NOW: Final = datetime(2026, 5, 4, 10, 30, tzinfo=UTC)
SESSION_ID: Final = "session-" + "abcdefghijklmnopqrstuvwxy2"
ENVELOPE_ID: Final = "envelope-" + "zyxwvutsrqponmlkjihgfedcb7"
CONTENT: Final = b"The contract."


class Issuer:
    """Issues what a profile says, and whatever else a test asks for."""

    def __init__(self, name: str = "Test authority", *, ca: bool = True) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=ca,
            crl_sign=ca,
            encipher_only=False,
            decipher_only=False,
        )
        extensions = (
            (x509.BasicConstraints(ca=ca, path_length=0 if ca else None), True),
            (usage, True),
            (x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False),
        )
        self.certificate = self.issue(Profile(self.name, extensions), self.key.public_key())

    def issue(  # a test may ask for anything that a wrong certificate has
        self,
        profile: Profile,
        public_key: SignerKey,
        *,
        begin: datetime = NOW - timedelta(days=30),
        end: datetime = NOW + timedelta(days=300),
        issuer: x509.Name | None = None,
        key_identifier: bool = True,
        algorithm: SHA256 | SHA384 | None = None,
    ) -> x509.Certificate:
        """A certificate of that profile."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(profile.subject)
            .issuer_name(self.name if issuer is None else issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
        )
        for extension, critical in profile.extensions:
            builder = builder.add_extension(extension, critical=critical)
        if key_identifier:
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
            builder = builder.add_extension(identifier, critical=False)
        return builder.sign(self.key, SHA256() if algorithm is None else algorithm)

    def revocation_list(
        self,
        *revoked: tuple[x509.Certificate, datetime, x509.ReasonFlags | None],
        issued: datetime = NOW,
        next_update: datetime = NOW + timedelta(days=1),
    ) -> x509.CertificateRevocationListBuilder:
        """A list of its own, not yet signed."""
        builder = (
            x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(issued).next_update(next_update)
        )
        for certificate, time, reason in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(time)
            if reason is not None:
                entry = entry.add_extension(x509.CRLReason(reason), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder

    def sign_list(self, builder: x509.CertificateRevocationListBuilder) -> bytes:
        """DER of a list."""
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.DER)


@dataclass(frozen=True)
class Person:
    """A signer with its keys and certificates."""

    name: str
    sign_key: SignerPrivateKey
    decrypt_key: rsa.RSAPrivateKey | x25519.X25519PrivateKey
    sign: SignerCertificate
    encrypt: SignerCertificate
    signing_share: SigningShare | None = field(default=None, repr=False)
    decryption_share: DecryptionShare | None = field(default=None, repr=False)

    @property
    def member(self) -> Member:
        """As a session info has it."""
        return Member(self.name, self.sign.fingerprint, self.encrypt.fingerprint)


def person(
    authority: Issuer,
    name: str,
    sign_key: SignerPrivateKey,
    decrypt_key: rsa.RSAPrivateKey | x25519.X25519PrivateKey,
    signing_share: SigningShare | None = None,
    decryption_share: DecryptionShare | None = None,
) -> Person:
    """Somebody with certificates for these keys."""
    sign, encrypt = (
        SignerCertificate(
            authority.issue(signer_profile(name, name.title(), purpose, key, DEFAULT_ARC), key), DEFAULT_ARC
        )
        for purpose, key in ((Purpose.SIGN, sign_key.public_key()), (Purpose.DECRYPT, decrypt_key.public_key()))
    )
    return Person(name, sign_key, decrypt_key, sign, encrypt, signing_share, decryption_share)


@dataclass(frozen=True)
class World:
    """One session at one revision.

    Args:
        authority: whose certificates they are.
        info: of the session.
        signing_share: the session's.
        decryption_share: the session's.
        people: its members.
    """

    authority: Issuer
    info: SessionInfo
    signing_share: SigningShare = field(repr=False)
    decryption_share: DecryptionShare = field(repr=False)
    people: tuple[Person, ...]

    @cached_property
    def sign(self) -> SessionCertificate:
        """The session's certificate for signing."""
        return self._certificate(Purpose.SIGN)

    @cached_property
    def encrypt(self) -> SessionCertificate:
        """The session's certificate for encryption."""
        return self._certificate(Purpose.DECRYPT)

    def _certificate(self, purpose: Purpose) -> SessionCertificate:
        share = self.signing_share if purpose is Purpose.SIGN else self.decryption_share
        key = share.public.to_cryptography()
        profile = session_profile(self.info, purpose, key, DEFAULT_ARC)
        return SessionCertificate(self.authority.issue(profile, key), DEFAULT_ARC)

    def person(self, name: str) -> Person:
        """A member."""
        return next(each for each in self.people if each.name == name)

    def statement(self, author: str = "alice", *to: str, description: ContentDescription | None = None) -> Statement:
        """What the author says to those, or to all others."""
        recipients = to or tuple(each.name for each in self.people if each.name != author)
        return Statement(
            session_id=self.info.session_id,
            session_certificate=self.sign.fingerprint,
            author=author,
            author_certificate=self.person(author).sign.fingerprint,
            time=NOW,
            sequence=7,
            recipients=tuple(Recipient(name, self.person(name).encrypt.fingerprint, 3) for name in sorted(recipients)),
            description=(describe() if description is None else description).commitment,
        )

    def signed(self, statement: Statement) -> Signature:
        """Sign as author and session do."""
        author = self.person(statement.author)
        if self.info.scheme is Scheme.SEPARATE:
            signer = sign_separately(author.sign_key, statement, author.sign, self.sign)
            session = sign_as_session(self.signing_share, statement, author.sign, self.sign, ENGINE, RANDOM)
            return SeparateSignature(algorithm_of(author.sign.public_key), signer, session)
        assert author.signing_share is not None
        message = joint_message(statement, author.sign, self.sign, secrets.token_bytes(32))
        sent = create_partial_signature(author.signing_share, message, ENGINE, RANDOM).to_bytes()
        theirs = parse_partial_signature(message, Role.CLIENT, sent)
        ours = create_partial_signature(self.signing_share, message, ENGINE, RANDOM)
        return JointSignature(combine_signature(message, theirs, ours))


def describe(content: bytes = CONTENT) -> ContentDescription:
    """A description of content."""
    return ContentDescription(b"n" * 32, "text/plain", "offer.txt", len(content), hashlib.sha256(content).digest())


def session_info(scheme: Scheme, people: tuple[Person, ...] = (), invited: tuple[str, ...] = ()) -> SessionInfo:
    """A session of two hours."""
    return SessionInfo(
        session_id=SESSION_ID,
        revision=4,
        scheme=scheme,
        half_bits=2048,
        subject="Lease of a room",
        place="https://meet.example/room?id=5",
        begin=NOW - timedelta(hours=1),
        end=NOW + timedelta(hours=1),
        creator="alice",
        members=tuple(sorted((each.member for each in people), key=lambda member: member.name)),
        invited=invited,
    )


def half_person(authority: Issuer, name: str, signing_share: SigningShare, decryption_share: DecryptionShare) -> Person:
    """Somebody with halves: fit for both schemes."""
    secret = decryption_share.to_secret_bytes()
    key = load_der_private_key(secret, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return person(authority, name, own_private_key(signing_share), key, signing_share, decryption_share)


def smart_card_people(authority: Issuer, alice: Person) -> tuple[Person, ...]:
    """Alice with her halves, Bob and Carol with keys that make no half."""
    return (
        alice,
        person(authority, "bob", ec.generate_private_key(ec.SECP256R1()), x25519.X25519PrivateKey.generate()),
        person(authority, "carol", ed25519.Ed25519PrivateKey.generate(), x25519.X25519PrivateKey.generate()),
    )
