"""Evidence records: all that an author deposits for one message. An answer is a message, and has a record of its own.

The record holds every key ciphertext, the author's included, so that each party can open it later together with the
session; the signed statement in the clear, which the session saw when it signed; and the sealed trailer. The sealed
content lies beside it, and is named by its digest. What the content is, and its description, the evidence server never
learns.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.agreement import require_envelope_certificate, require_same_people, require_same_session
from contract.certificates import SessionCertificate, SignerCertificate
from contract.envelope import MAX_HEADER_BYTES, EnvelopeHeader
from contract.errors import VerificationFailed
from contract.key_ciphertext import (
    TAG_BYTES,
    JointKeyCiphertext,
    KeyCiphertext,
    KeyCiphertextStructure,
    from_structure,
    to_structure,
)
from contract.session_info import Scheme, SessionInfo
from contract.signatures import (
    Signature,
    SignatureStructure,
    signature_from_structure,
    signature_to_structure,
    verify_signature,
)
from contract.statement import MAX_STATEMENT_BYTES, Statement
from contract.stream import sealed_length
from contract.trailer import MAX_TRAILER_BYTES

MAX_RECORD_BYTES: Final = MAX_HEADER_BYTES + MAX_STATEMENT_BYTES + MAX_TRAILER_BYTES + (8 << 10)
"""Longest record that is looked at: header, statement, trailer, sender key ciphertext, signature, what frames them."""

_RECORD_REASON: Final = "EVIDENCE_RECORD_MALFORMED"


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One message's record. Well-formed; whether it holds says ``check_record``.

    Args:
        header: of the envelope, with the key ciphertexts of all recipients.
        sender_key: the content key for the author and the session; its label is the header's for the author's name.
        statement: what was signed.
        signature: of it.
        segments: of the content, at least 1.
        content_length: bytes of the sealed content: of all its segments, their tags included.
        content_digest: SHA-256 of the sealed content, all segments in order; 32 bytes.
        trailer: of the envelope, as sealed.

    Raises:
        MalformedInput: EVIDENCE_RECORD_MALFORMED; also where no content has so many bytes in so many segments.
    """

    header: EnvelopeHeader
    sender_key: KeyCiphertext
    statement: Statement
    signature: Signature
    segments: int
    content_length: int
    content_digest: bytes
    trailer: bytes

    def __post_init__(self) -> None:
        der.require_digest(self.content_digest, "the content's digest", reason=_RECORD_REASON)
        plain = self.content_length - self.segments * TAG_BYTES
        fits = plain >= 0 and self.content_length == sealed_length(plain) <= der.MAX_COUNT
        der.require_that(fits, "no content has this length in so many segments", reason=_RECORD_REASON)
        der.require_that(
            TAG_BYTES < len(self.trailer) <= MAX_TRAILER_BYTES, "a trailer of a wrong length", reason=_RECORD_REASON
        )

    @property
    def plain_length(self) -> int:
        """Bytes of the content before it was sealed."""
        return self.content_length - self.segments * TAG_BYTES

    @property
    def digest(self) -> bytes:
        """SHA-256 of ``to_der``, 32 bytes."""
        return hashlib.sha256(self.to_der()).digest()

    def key_for(self, name: str) -> KeyCiphertext:
        """The key ciphertext of the author or of a recipient.

        Raises:
            MalformedInput: NOT_A_RECIPIENT.
        """
        return self.sender_key if name == self.header.author else self.header.key_for(name)

    def to_der(self) -> bytes:
        """DER of EvidenceRecord: docs/formats.md."""
        return der.write_structure(
            _EvidenceRecord(
                version=der.VERSION,
                header=self.header.to_der(),
                sender_key=to_structure(self.sender_key),
                statement=self.statement.to_der(),
                signature=signature_to_structure(self.signature),
                segments=self.segments,
                content_length=self.content_length,
                content_digest=self.content_digest,
                trailer=self.trailer,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: EVIDENCE_RECORD_MALFORMED, and what header, statement, signature and key ciphertext raise.
        """
        read = der.read_structure(_EvidenceRecord, data, MAX_RECORD_BYTES, reason=_RECORD_REASON)
        der.require_version(read.version, reason=_RECORD_REASON)
        record = cls(
            header=EnvelopeHeader.from_der(read.header),
            sender_key=from_structure(read.sender_key),
            statement=Statement.from_der(read.statement),
            signature=signature_from_structure(read.signature),
            segments=read.segments,
            content_length=read.content_length,
            content_digest=read.content_digest,
            trailer=read.trailer,
        )
        der.require_canonical(data, record.to_der(), reason=_RECORD_REASON)
        return record


def check_record(
    record: EvidenceRecord, author: SignerCertificate, signing: SessionCertificate, encrypting: SessionCertificate
) -> None:
    """Check that a record's parts belong together, and that author and session signed its statement.

    (1) the signature holds (``signatures.verify_signature``), with the certificates that the statement names;
    (2) statement and header name one session, one author and the same recipients;
    (3) the header names the session's certificate for encryption, which is of the same session;
    (4) every key ciphertext is of the session's scheme, and has the length that it has there.

    Its caller MUST check the certificates themselves, and the statement's time and members. Whether key ciphertexts,
    content and trailer open can only be seen by who has the content key.

    Args:
        record: that somebody deposits or shows.
        author: the author's certificate for signing.
        signing: the session's certificate for signing, of the revision that the statement names.
        encrypting: the session's certificate for encryption, of the revision that the header names.

    Raises:
        MalformedInput: what ``verify_signature`` raises (1).
        WrongPurpose: ``author`` or ``signing`` is for encryption (1).
        VerificationFailed: what ``verify_signature`` raises (1); SESSION_WRONG, ENVELOPE_MISMATCHED (2);
            ENVELOPE_CERTIFICATE_WRONG (3); KEY_CIPHERTEXT_OF_OTHER_SCHEME (4).
    """
    verify_signature(record.statement.to_der(), record.signature, author, signing)  # (1)
    require_agreement(record, signing, encrypting)


def require_agreement(record: EvidenceRecord, signing: SessionCertificate, encrypting: SessionCertificate) -> None:
    """Make the checks (2) to (4) of ``check_record``: for who checks the signature by itself.

    Raises:
        VerificationFailed: SESSION_WRONG, ENVELOPE_MISMATCHED (2); ENVELOPE_CERTIFICATE_WRONG (3);
            KEY_CIPHERTEXT_OF_OTHER_SCHEME (4).
    """
    statement, header = record.statement, record.header
    require_same_session(statement.session_id, header.session_id)  # (2)
    require_same_people(statement, header)
    require_envelope_certificate(header, encrypting, signing)  # (3)
    for ciphertext in (record.sender_key, *(each.ciphertext for each in header.keys)):
        _require_scheme(ciphertext, encrypting.info)  # (4)


def _require_scheme(ciphertext: KeyCiphertext, info: SessionInfo) -> None:
    half = info.half_bits // 8
    if isinstance(ciphertext, JointKeyCiphertext):
        fits = info.scheme is Scheme.JOINT and len(ciphertext.data) == 2 * half
    else:
        fits = info.scheme is Scheme.SEPARATE and len(ciphertext.session) == half
    if not fits:
        raise VerificationFailed(
            "KEY_CIPHERTEXT_OF_OTHER_SCHEME", "a key ciphertext is not of this session's scheme and size"
        )


@asn1.sequence
class _EvidenceRecord:
    version: int
    header: bytes
    sender_key: KeyCiphertextStructure
    statement: bytes
    signature: SignatureStructure
    segments: int
    content_length: int
    content_digest: bytes
    trailer: bytes
