"""A disclosure bundle of any size: made as signers and server make it, by their authority and log, in this process."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, cast

from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.serialization import Encoding

from bench.rig.ground import new_ground
from bench.rig.joint_pair import make_signing_share
from contract.bundle.files import CONTENT
from contract.bundle.parts import Bundle, DisclosedMessage, Disclosure
from contract.certificates import SessionCertificate, SignerCertificate
from contract.content_key import ContentKey
from contract.description import ContentDescription
from contract.envelope import EnvelopeCore, EnvelopeHeader, RecipientKey
from contract.evidence_record import EvidenceRecord
from contract.key_sealing import seal_key
from contract.log_entry import EntryKind, LogEntry
from contract.names import new_envelope_id, new_session_id
from contract.profiles import SignerKey
from contract.session_info import Member, Scheme, SessionInfo
from contract.signatures import SeparateSignature, sign_as_session, sign_separately
from contract.signer_keys import algorithm_of
from contract.statement import Recipient, Statement
from contract.stream import SEGMENT_BYTES, SegmentSealer
from contract.trailer import SignedStatement, seal_trailer
from mpc.engines import Gmpy2Engine
from mpc.four_prime_rsa import DecryptionShare, Purpose, Role, generate_key_share
from server.clock import system_clock
from server.identity.authority import Authority
from server.journal.log import stage
from signer_agent.evidence.archive import writing_archive

_HALF_BITS: Final = 2048
_MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class BundleFiles:
    """What a third party has.

    Args:
        archive: the bundle.
        authority: certificate of the authority, PEM.
        log_key: of the log, in its text form.
    """

    archive: Path
    authority: Path
    log_key: str


class _Session:
    """Alice and Bob, in the separate scheme: only the session has RSA keys to wait for."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self.now = system_clock().replace(microsecond=0)
        self.sign_key = ed25519.Ed25519PrivateKey.generate()
        self.author = self._certificate("alice", Purpose.SIGN, self.sign_key.public_key())
        self.encrypt = {name: self._encrypt(name) for name in ("alice", "bob")}
        bob = self._certificate("bob", Purpose.SIGN, ed25519.Ed25519PrivateKey.generate().public_key())
        self.share = make_signing_share(Role.SERVER, _HALF_BITS)
        decryption = cast("DecryptionShare", generate_key_share(Role.SERVER, Purpose.DECRYPT, _HALF_BITS))
        info = SessionInfo(
            session_id=new_session_id(secrets.token_bytes),
            revision=1,
            scheme=Scheme.SEPARATE,
            half_bits=_HALF_BITS,
            subject="A large file",
            place="",
            begin=self.now - timedelta(minutes=1),
            end=self.now + timedelta(hours=1),
            creator="alice",
            members=tuple(
                Member(each.name, each.fingerprint, self.encrypt[each.name].fingerprint) for each in (self.author, bob)
            ),
            invited=(),
        )
        self.session_sign, self.session_encrypt = (
            SessionCertificate(
                authority.issue_session_certificate(
                    info, purpose, share.public.to_cryptography(), info.begin, info.end + timedelta(hours=1)
                ),
                authority.arc,
            )
            for purpose, share in ((Purpose.SIGN, self.share), (Purpose.DECRYPT, decryption))
        )

    def statement(self, description: ContentDescription) -> Statement:
        """Alice's to Bob."""
        return Statement(
            session_id=self.session_sign.info.session_id,
            session_certificate=self.session_sign.fingerprint,
            author=self.author.name,
            author_certificate=self.author.fingerprint,
            time=self.now,
            sequence=1,
            recipients=(Recipient("bob", self.encrypt["bob"].fingerprint, 1),),
            description=description.commitment,
        )

    def signed(self, statement: Statement) -> SeparateSignature:
        """By Alice and the session."""
        return SeparateSignature(
            algorithm_of(self.author.public_key),
            sign_separately(self.sign_key, statement, self.author, self.session_sign),
            sign_as_session(self.share, statement, self.author, self.session_sign, Gmpy2Engine(), secrets.token_bytes),
        )

    def _encrypt(self, name: str) -> SignerCertificate:
        return self._certificate(name, Purpose.DECRYPT, x25519.X25519PrivateKey.generate().public_key())

    def _certificate(self, name: str, purpose: Purpose, key: SignerKey) -> SignerCertificate:
        issued = self._authority.issue_signer_certificate(
            name, name.title(), purpose, key, self.now, timedelta(days=397)
        )
        return SignerCertificate(issued, self._authority.arc)


def make_bundle(folder: Path, mebibytes: int) -> BundleFiles:
    """Disclose a content of that size.

    Args:
        folder: empty; for the bundle, and the server's files.
        mebibytes: at least 1.
    """
    whole, rest = divmod(mebibytes * _MEBIBYTE, SEGMENT_BYTES)
    segment = os.urandom(SEGMENT_BYTES)
    segments = [segment] * whole + [segment[:rest]] * (rest > 0)
    digest = hashlib.sha256()
    for each in segments:
        digest.update(each)
    described = ContentDescription(
        secrets.token_bytes(32), "application/octet-stream", "large.bin", mebibytes * _MEBIBYTE, digest.digest()
    )
    with new_ground(folder / "server") as ground:
        authority = ground.database.read_now(lambda connection: Authority.load(connection, ground.custody.keys))
        session = _Session(authority)
        statement = session.statement(described)
        signature = session.signed(statement)
        key = ContentKey.new(secrets.token_bytes)
        record = _record(session, SignedStatement(statement, described, signature), key, segments)
        staged = ground.database.write_now(
            lambda connection: stage(connection, EntryKind.EVIDENCE, record.to_der(), session.now)
        )
        message = DisclosedMessage(
            statement=statement,
            signature=signature,
            entry=LogEntry.from_der(staged.der),
            receipt=staged.receipt(),
            time_stamp=None,
            author=session.author,
            session_sign=session.session_sign,
            session_encrypt=session.session_encrypt,
            disclosure=Disclosure(described, key),
        )
        revocations = authority.issue_revocation_list((), 1, session.now, timedelta(days=1))
        log_key = ground.log_key.verifier.to_text()
    files = BundleFiles(folder / "bundle.zip", folder / "authority.pem", log_key)
    with (
        writing_archive(files.archive, Bundle(message, (), authority.certificate, revocations)) as archive,
        archive.content(CONTENT) as write,
    ):
        for each in segments:
            write(each)
    files.authority.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    return files


def _record(session: _Session, signed: SignedStatement, key: ContentKey, segments: list[bytes]) -> EvidenceRecord:
    statement = signed.statement
    core = EnvelopeCore(
        new_envelope_id(secrets.token_bytes),
        statement.session_id,
        statement.author,
        session.session_encrypt.fingerprint,
        ("bob",),
    )
    author_key, recipient_key = (
        seal_key(key, core.label(name), session.encrypt[name], session.session_encrypt, secrets.token_bytes)
        for name in ("alice", "bob")
    )
    digest, length = hashlib.sha256(), 0
    for sealed in _sealed(SegmentSealer(key.stream_key(core)), segments):
        digest.update(sealed)
        length += len(sealed)
    return EvidenceRecord(
        header=EnvelopeHeader(
            core.envelope_id,
            core.session_id,
            core.author,
            core.session_certificate,
            (RecipientKey("bob", recipient_key),),
        ),
        sender_key=author_key,
        statement=statement,
        signature=signed.signature,
        segments=len(segments),
        content_length=length,
        content_digest=digest.digest(),
        trailer=seal_trailer(key.trailer_key(core), signed),
    )


def _sealed(sealer: SegmentSealer, segments: list[bytes]) -> Iterator[memoryview]:
    for number, segment in enumerate(segments, start=1):
        yield sealer.seal(segment, last=number == len(segments))
