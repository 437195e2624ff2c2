"""Announcements: which key signs for a user now, from where and to whom; made by agents without anybody asking.

One goes with an envelope for each of its recipients that has to hear of the key. The announced key signs it, so nobody
announces another's key; whose key it is, is what the guard finds out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.announcements.claim import CLOCK_DIFFERENCE, Claim, ClaimStructure
from contract.announcements.key_change import ChangeInLog, KeyChange, KeyChangeProof, proof_from_der, proof_to_der
from contract.announcements.keys import fingerprint_of, read_signer_key, require_key_bytes, write_signer_key
from contract.certificates import SignerCertificate
from contract.envelope import EnvelopeHeader
from contract.errors import VerificationFailed
from contract.names import check_session_id
from contract.signer_keys import MAX_SIGNATURE_BYTES, SignerPrivateKey, check_signature_alone, sign_alone
from mpc.four_prime_rsa import Purpose
from transparency.keys import VerifierKey

MAX_ANNOUNCEMENT_BYTES: Final = 16 << 10
"""Longest announcement that is looked at, with its signature and with what proves a key change."""
MAX_DELAY: Final = timedelta(minutes=3)
"""How long an announcement may be on its way."""
MAX_EARLIER_CHANGES: Final = 3
"""Most key changes before the one to the announced key."""

_ANNOUNCEMENT_REASON: Final = "ANNOUNCEMENT_MALFORMED"
_PROTOCOL: Final = "fourseal/v1/announcement"


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is announced.

    Args:
        claim: source, user and destination.
        certificate: SHA-256 of the user's certificate for signing, 32 bytes.
        public_key: in it, DER SubjectPublicKeyInfo: the key that signs this, and statements of the session.
        session_id: contract session in which it sends.
        document: SHA-256 of the DER of the header of the envelope that goes with it, 32 bytes.
        time: by the agent's clock, UTC, whole seconds.
        key_change: of this user to this key, for as long as the recipient may have heard of the old one.
        earlier_changes: that led to the old key of that one, for as long, the earliest first: three at most.

    Raises:
        MalformedInput: ANNOUNCEMENT_MALFORMED, SESSION_ID_MALFORMED.
    """

    claim: Claim
    certificate: bytes
    public_key: bytes
    session_id: str
    document: bytes
    time: datetime
    key_change: KeyChangeProof | None = None
    earlier_changes: tuple[KeyChangeProof, ...] = ()

    def __post_init__(self) -> None:
        der.require_digest(self.certificate, "the certificate", reason=_ANNOUNCEMENT_REASON)
        require_key_bytes(self.public_key, reason=_ANNOUNCEMENT_REASON)
        check_session_id(self.session_id)
        der.require_digest(self.document, "the document", reason=_ANNOUNCEMENT_REASON)
        der.require_time(self.time, "the time", reason=_ANNOUNCEMENT_REASON)
        if self.key_change is not None:
            change = self.key_change.change
            fits = (change.user, change.new_key, change.certificate) == (self.claim.user, self.key, self.certificate)
            der.require_that(fits, "a change of another user, or to another key", reason=_ANNOUNCEMENT_REASON)
            timely = change.time <= self.time + CLOCK_DIFFERENCE
            der.require_that(timely, "a change that is still to come", reason=_ANNOUNCEMENT_REASON)
        few = len(self.earlier_changes) <= MAX_EARLIER_CHANGES
        der.require_that(few, "too many changes", reason=_ANNOUNCEMENT_REASON)
        leads_here = self.key_change is not None or not self.earlier_changes
        der.require_that(leads_here, "changes that do not lead to the key", reason=_ANNOUNCEMENT_REASON)
        _require_chain([each.change for each in self.changes])

    @property
    def changes(self) -> tuple[KeyChangeProof, ...]:
        """All changes, the one to this key last."""
        return self.earlier_changes if self.key_change is None else (*self.earlier_changes, self.key_change)

    @property
    def need_log(self) -> bool:
        """Whether the log's key is needed to check the changes."""
        return any(isinstance(each, ChangeInLog) for each in self.changes)

    @property
    def key(self) -> bytes:
        """Fingerprint of the key, 32 bytes."""
        return fingerprint_of(self.public_key)

    @property
    def digest(self) -> bytes:
        """SHA-256 of ``to_der``, 32 bytes: names this announcement, however it was signed."""
        return hashlib.sha256(self.to_der()).digest()

    def to_der(self) -> bytes:
        """DER of Announcement: docs/formats.md. What the announced key signs."""
        return der.write_structure(
            _Announcement(
                version=der.VERSION,
                protocol=_PROTOCOL,
                claim=self.claim.to_structure(),
                certificate=self.certificate,
                public_key=self.public_key,
                session_id=self.session_id,
                document=self.document,
                time=der.to_generalized_time(self.time),
                key_change=None if self.key_change is None else proof_to_der(self.key_change),
                earlier_changes=[proof_to_der(each) for each in self.earlier_changes] or None,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does; CLAIM_MALFORMED, and what ``proof_from_der`` raises."""
        read = der.read_structure(_Announcement, data, MAX_ANNOUNCEMENT_BYTES, reason=_ANNOUNCEMENT_REASON)
        der.require_version(read.version, reason=_ANNOUNCEMENT_REASON)
        der.require_that(read.protocol == _PROTOCOL, "it is no announcement", reason=_ANNOUNCEMENT_REASON)
        announcement = cls(
            claim=Claim.from_structure(read.claim),
            certificate=read.certificate,
            public_key=read.public_key,
            session_id=read.session_id,
            document=read.document,
            time=der.from_generalized_time(read.time),
            key_change=None if read.key_change is None else proof_from_der(read.key_change),
            earlier_changes=tuple(proof_from_der(each) for each in read.earlier_changes or ()),
        )
        der.require_canonical(data, announcement.to_der(), reason=_ANNOUNCEMENT_REASON)
        return announcement

    def require_of_now(self, at: datetime) -> None:
        """Check that it is of now: at most two minutes from later, at most five from earlier.

        Args:
            at: when it was posted; aware.

        Raises:
            VerificationFailed: ANNOUNCEMENT_TIME_WRONG.
        """
        if not at - CLOCK_DIFFERENCE - MAX_DELAY <= self.time <= at + CLOCK_DIFFERENCE:
            raise VerificationFailed("ANNOUNCEMENT_TIME_WRONG", "it is of another time: too old, or from later")

    def require_envelope(self, header: EnvelopeHeader, digest: bytes) -> None:
        """Check that it goes with this envelope, and to one of its recipients.

        Args:
            header: of the envelope.
            digest: SHA-256 of its DER.

        Raises:
            VerificationFailed: ANNOUNCEMENT_MISPLACED.
        """
        placed = (self.claim.user, self.session_id, self.document) == (header.author, header.session_id, digest)
        if not placed or self.claim.destination not in header.core.recipients:
            raise VerificationFailed("ANNOUNCEMENT_MISPLACED", "it is of another envelope, session, user or recipient")

    def require_certificate(self, certificate: SignerCertificate) -> None:
        """Check that it names this certificate, and has its account and its key.

        The caller MUST check the certificate itself.

        Raises:
            VerificationFailed: ANNOUNCEMENT_OF_OTHER_CERTIFICATE.
        """
        named = (self.certificate, self.claim.user, self.public_key)
        shown = (certificate.fingerprint, certificate.name, write_signer_key(certificate.public_key))
        if named != shown or certificate.purpose is not Purpose.SIGN:
            raise VerificationFailed("ANNOUNCEMENT_OF_OTHER_CERTIFICATE", "it is of another user, certificate or key")


@dataclass(frozen=True, slots=True)
class SignedAnnouncement:
    """An announcement as it travels. Well-formed; whether it is genuine says ``check``.

    Args:
        announcement: what it says.
        signature: by the announced key alone, 1 to 1024 bytes: ``signer_keys``.

    Raises:
        MalformedInput: ANNOUNCEMENT_MALFORMED.
    """

    announcement: Announcement
    signature: bytes

    def __post_init__(self) -> None:
        fits = 1 <= len(self.signature) <= MAX_SIGNATURE_BYTES
        der.require_that(fits, "a signature of a wrong length", reason=_ANNOUNCEMENT_REASON)

    @classmethod
    def sign(cls, announcement: Announcement, private_key: SignerPrivateKey) -> Self:
        """Sign by the announced key; a half signs as the RSA key that it is.

        Raises:
            MalformedInput: SIGNER_KEY_UNSUITABLE.
        """
        return cls(announcement, sign_alone(private_key, announcement.to_der()))

    def check(self, at: datetime, log_key: VerifierKey | None) -> CheckedAnnouncement:
        """Check what can be checked without knowing the user; what is cheap first.

        (1) it is of now: at most two minutes from later, at most five from earlier;
        (2) the signature holds, by the announced key;
        (3) each key change, if there are any, is proven.

        Args:
            at: when it was posted, by the clock of who tells; aware.
            log_key: of the log that shows changes which the registration authority decided; None: not known, and no
                such change is proven.

        Raises:
            VerificationFailed: ANNOUNCEMENT_TIME_WRONG (1), SIGNATURE_INVALID (2), KEY_CHANGE_UNPROVEN (3).
            MalformedInput: SIGNER_KEY_UNSUITABLE.
        """
        announcement = self.announcement
        announcement.require_of_now(at)  # (1)
        signed = announcement.to_der()
        check_signature_alone(read_signer_key(announcement.public_key), self.signature, signed)  # (2)
        for change in announcement.changes:
            change.check(log_key)  # (3)
        return CheckedAnnouncement(announcement, hashlib.sha256(signed).digest())

    def to_der(self) -> bytes:
        """DER of SignedAnnouncement: docs/formats.md."""
        return der.write_structure(
            _SignedAnnouncement(announcement=self.announcement.to_der(), signature=self.signature)
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor and ``Announcement.from_der`` do."""
        read = der.read_structure(_SignedAnnouncement, data, MAX_ANNOUNCEMENT_BYTES, reason=_ANNOUNCEMENT_REASON)
        signed = cls(Announcement.from_der(read.announcement), read.signature)
        der.require_canonical(data, signed.to_der(), reason=_ANNOUNCEMENT_REASON)
        return signed


@dataclass(frozen=True, slots=True)
class CheckedAnnouncement:
    """An announcement of now that the announced key signed. Only ``SignedAnnouncement.check`` makes it.

    Args:
        announcement: what it says.
        digest: ``announcement.digest``.
    """

    announcement: Announcement
    digest: bytes


def _require_chain(changes: Sequence[KeyChange]) -> None:
    """Check that each change leads to the old key of the next one, of the same user and not later, and none back."""
    linked = all(
        (one.user, one.new_key) == (next_one.user, next_one.old_key) and one.time <= next_one.time
        for one, next_one in pairwise(changes)
    )
    der.require_that(linked, "changes that do not lead to each other", reason=_ANNOUNCEMENT_REASON)
    keys = {each.old_key for each in changes} | {each.new_key for each in changes[-1:]}
    der.require_that(len(keys) in {0, len(changes) + 1}, "changes back to a key", reason=_ANNOUNCEMENT_REASON)


@asn1.sequence
class _Announcement:
    version: int
    protocol: str
    claim: ClaimStructure
    certificate: bytes
    public_key: bytes
    session_id: str
    document: bytes
    time: asn1.GeneralizedTime
    key_change: Annotated[bytes | None, asn1.Implicit(0)]
    earlier_changes: Annotated[list[bytes] | None, asn1.Implicit(1)]


@asn1.sequence
class _SignedAnnouncement:
    announcement: bytes
    signature: bytes
