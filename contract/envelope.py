"""Envelope headers: what the relay sees of a message, and which recipient opens it with what.

A message on its way is: header, sealed content (``stream``), sealed trailer (``trailer``). Everything sealed is bound
to the core of the header: ids, author, the session's certificate and the recipients' names. The keys for content and
trailer are derived with it, and it stands in the label of every key ciphertext; so no part can be moved to another
envelope.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.key_ciphertext import KeyCiphertext, KeyCiphertextStructure, from_structure, to_structure
from contract.names import check_account_name, check_envelope_id, check_session_id
from contract.session_info import MAX_PEOPLE
from mpc.errors import MalformedInput

MAX_HEADER_BYTES: Final = 1 << 20
"""Longest header that is looked at."""

_ENVELOPE_REASON: Final = "ENVELOPE_MALFORMED"
_LABEL_DOMAIN: Final = b"fourseal/v1/envelope key"


@dataclass(frozen=True, slots=True)
class EnvelopeCore:
    """A header without its key ciphertexts.

    Args:
        envelope_id: see ``names``.
        session_id: see ``names``.
        author: account that sends.
        session_certificate: SHA-256 of the session's certificate for encryption, 32 bytes.
        recipients: 1 to 49 names, sorted, without the author.

    Raises:
        MalformedInput: ENVELOPE_MALFORMED, ENVELOPE_ID_MALFORMED, SESSION_ID_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    envelope_id: str
    session_id: str
    author: str
    session_certificate: bytes
    recipients: tuple[str, ...]

    def __post_init__(self) -> None:
        check_envelope_id(self.envelope_id)
        check_session_id(self.session_id)
        for name in (self.author, *self.recipients):
            check_account_name(name)
        der.require_digest(self.session_certificate, "the session's certificate", reason=_ENVELOPE_REASON)
        count = len(self.recipients)
        der.require_that(
            1 <= count < MAX_PEOPLE, f"there are not 1 to {MAX_PEOPLE - 1} recipients", reason=_ENVELOPE_REASON
        )
        der.require_rising(self.recipients, "the recipients", reason=_ENVELOPE_REASON)
        der.require_that(self.author not in self.recipients, "the author is a recipient", reason=_ENVELOPE_REASON)

    @property
    def digest(self) -> bytes:
        """SHA-256 of ``to_der``, 32 bytes: what the keys for content and trailer are bound to."""
        return hashlib.sha256(self.to_der()).digest()

    def label(self, name: str) -> bytes:
        """The label of that recipient's key ciphertext, or of the author's, 32 bytes.

        Raises:
            MalformedInput: NOT_A_RECIPIENT.
        """
        if name not in (self.author, *self.recipients):
            raise MalformedInput("NOT_A_RECIPIENT", f"{name} is no recipient of this envelope", name=name)
        return hashlib.sha256(_LABEL_DOMAIN + self.to_der() + name.encode()).digest()

    def to_der(self) -> bytes:
        """DER of EnvelopeCore: docs/formats.md. Never travels; who reads a header builds it."""
        return der.write_structure(
            _EnvelopeCore(
                version=der.VERSION,
                envelope_id=self.envelope_id,
                session_id=self.session_id,
                author=self.author,
                session_certificate=self.session_certificate,
                recipients=list(self.recipients),
            )
        )


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """One recipient's way to the content key.

    Args:
        name: account.
        ciphertext: the content key, for it and the session.
    """

    name: str
    ciphertext: KeyCiphertext


@dataclass(frozen=True, slots=True)
class EnvelopeHeader:
    """What travels before the content, in the clear.

    Args:
        envelope_id: see ``names``.
        session_id: see ``names``.
        author: account that sends.
        session_certificate: SHA-256 of the session's certificate for encryption, 32 bytes.
        keys: one for each recipient: 1 to 49, sorted by name, without the author; all of one scheme.

    Raises:
        MalformedInput: as ``EnvelopeCore``.
    """

    envelope_id: str
    session_id: str
    author: str
    session_certificate: bytes
    keys: tuple[RecipientKey, ...]

    def __post_init__(self) -> None:
        self.core.to_der()  # its constructor checks
        kinds = {type(each.ciphertext) for each in self.keys}
        der.require_that(len(kinds) == 1, "key ciphertexts of both schemes", reason=_ENVELOPE_REASON)

    @property
    def core(self) -> EnvelopeCore:
        """The header without key ciphertexts."""
        names = tuple(each.name for each in self.keys)
        return EnvelopeCore(self.envelope_id, self.session_id, self.author, self.session_certificate, names)

    def label(self, name: str) -> bytes:
        """The label of a key ciphertext. Raises as ``EnvelopeCore.label``."""
        return self.core.label(name)

    def key_for(self, name: str) -> KeyCiphertext:
        """That recipient's key ciphertext.

        Raises:
            MalformedInput: NOT_A_RECIPIENT.
        """
        for each in self.keys:
            if each.name == name:
                return each.ciphertext
        raise MalformedInput("NOT_A_RECIPIENT", f"{name} is no recipient of this envelope", name=name)

    def to_der(self) -> bytes:
        """DER of EnvelopeHeader: docs/formats.md."""
        return der.write_structure(
            _EnvelopeHeader(
                version=der.VERSION,
                envelope_id=self.envelope_id,
                session_id=self.session_id,
                author=self.author,
                session_certificate=self.session_certificate,
                keys=[_RecipientKey(name=each.name, ciphertext=to_structure(each.ciphertext)) for each in self.keys],
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: as the constructor, KEY_CIPHERTEXT_MALFORMED.
        """
        read = der.read_structure(_EnvelopeHeader, data, MAX_HEADER_BYTES, reason=_ENVELOPE_REASON)
        der.require_version(read.version, reason=_ENVELOPE_REASON)
        keys = tuple(RecipientKey(each.name, from_structure(each.ciphertext)) for each in read.keys)
        header = cls(read.envelope_id, read.session_id, read.author, read.session_certificate, keys)
        der.require_canonical(data, header.to_der(), reason=_ENVELOPE_REASON)
        return header


@asn1.sequence
class _EnvelopeCore:
    version: int
    envelope_id: str
    session_id: str
    author: str
    session_certificate: bytes
    recipients: list[str]


@asn1.sequence
class _RecipientKey:
    name: str
    ciphertext: KeyCiphertextStructure


@asn1.sequence
class _EnvelopeHeader:
    version: int
    envelope_id: str
    session_id: str
    author: str
    session_certificate: bytes
    keys: list[_RecipientKey]
