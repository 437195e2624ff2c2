"""Key changes: a user has a new key, and says so by the old one, or has the registration authority say so.

A change leads from one key to one other: it excuses nobody but who comes from that old key. So it is worth nothing to
whoever has a third key, and an old change nothing after the next one.

An issued certificate alone excuses nothing: a forger who got into a login has one too. What the registration authority
decided after it made sure of the person stands in the log, as the body of an entry of the kind ``guard`` that nobody
but the server writes; the receipt proves it to gateways and receivers without asking anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.announcements.keys import fingerprint_of, read_signer_key, require_key_bytes, write_signer_key
from contract.errors import VerificationFailed
from contract.log_entry import EntryKind, LogEntry
from contract.names import check_account_name
from contract.signer_keys import MAX_SIGNATURE_BYTES, SignerPrivateKey, check_signature_alone, sign_alone
from mpc.errors import FoursealError
from transparency.keys import VerifierKey
from transparency.receipt import Receipt

MAX_CHANGE_BYTES: Final = 12 << 10
"""Longest change that is looked at, with what proves it."""

_CHANGE_REASON: Final = "KEY_CHANGE_MALFORMED"
_PROTOCOL: Final = "fourseal/v1/key change"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is said of a change.

    Args:
        user: account whose key it is.
        old_key: fingerprint of the key until now, 32 bytes.
        new_key: fingerprint of another, from now on.
        certificate: SHA-256 of the new key's certificate, 32 bytes.
        time: when; UTC, whole seconds.

    Raises:
        MalformedInput: KEY_CHANGE_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    user: str
    old_key: bytes
    new_key: bytes
    certificate: bytes
    time: datetime

    def __post_init__(self) -> None:
        check_account_name(self.user)
        der.require_digest(self.old_key, "the old key", reason=_CHANGE_REASON)
        der.require_digest(self.new_key, "the new key", reason=_CHANGE_REASON)
        der.require_that(self.old_key != self.new_key, "a change to the same key", reason=_CHANGE_REASON)
        der.require_digest(self.certificate, "the certificate", reason=_CHANGE_REASON)
        der.require_time(self.time, "the time", reason=_CHANGE_REASON)

    def to_der(self) -> bytes:
        """DER of KeyChange: docs/formats.md. What the old key signs, or the log keeps as the body of an entry."""
        return der.write_structure(
            _KeyChange(
                version=der.VERSION,
                protocol=_PROTOCOL,
                user=self.user,
                old_key=self.old_key,
                new_key=self.new_key,
                certificate=self.certificate,
                time=der.to_generalized_time(self.time),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_KeyChange, data, MAX_CHANGE_BYTES, reason=_CHANGE_REASON)
        der.require_version(read.version, reason=_CHANGE_REASON)
        der.require_that(read.protocol == _PROTOCOL, "it is no key change", reason=_CHANGE_REASON)
        time = der.from_generalized_time(read.time)
        change = cls(read.user, read.old_key, read.new_key, read.certificate, time)
        der.require_canonical(data, change.to_der(), reason=_CHANGE_REASON)
        return change


@dataclass(frozen=True, slots=True)
class ChangeByOldKey:
    """A change that the old key signed.

    Args:
        change: what it says.
        public_key: the old key, DER SubjectPublicKeyInfo.
        signature: by it, 1 to 1024 bytes.

    Raises:
        MalformedInput: KEY_CHANGE_MALFORMED.
    """

    change: KeyChange
    public_key: bytes
    signature: bytes

    def __post_init__(self) -> None:
        require_key_bytes(self.public_key, reason=_CHANGE_REASON)
        named = fingerprint_of(self.public_key) == self.change.old_key
        der.require_that(named, "an old key that is another", reason=_CHANGE_REASON)
        fits = 1 <= len(self.signature) <= MAX_SIGNATURE_BYTES
        der.require_that(fits, "a signature of a wrong length", reason=_CHANGE_REASON)

    @classmethod
    def sign(cls, change: KeyChange, old_key: SignerPrivateKey) -> Self:
        """Sign a change.

        Raises:
            MalformedInput: SIGNER_KEY_UNSUITABLE; KEY_CHANGE_MALFORMED: it is not the old key.
        """
        return cls(change, write_signer_key(old_key.public_key()), sign_alone(old_key, change.to_der()))

    def check(self, log_key: VerifierKey | None) -> None:
        """Check the signature; the log's key does not matter.

        Raises:
            VerificationFailed: KEY_CHANGE_UNPROVEN.
        """
        del log_key
        try:
            check_signature_alone(read_signer_key(self.public_key), self.signature, self.change.to_der())
        except FoursealError:
            raise _unproven() from None


@dataclass(frozen=True, slots=True)
class ChangeInLog:
    """A change that the registration authority has decided, as the log shows.

    Args:
        entry: of the log, of the kind ``guard``; its body is the change.
        receipt: proves that the log has the entry: ``transparency.receipt``.

    Raises:
        MalformedInput: KEY_CHANGE_MALFORMED, and what ``Receipt.from_bytes`` raises.
    """

    entry: LogEntry
    receipt: bytes

    def __post_init__(self) -> None:
        der.require_that(self.entry.kind is EntryKind.GUARD, "an entry of another kind", reason=_CHANGE_REASON)
        KeyChange.from_der(self.entry.body)
        canonical = Receipt.from_bytes(self.receipt).to_bytes() == self.receipt
        der.require_that(canonical, "a receipt in another spelling", reason=_CHANGE_REASON)

    @property
    def change(self) -> KeyChange:
        """What it says."""
        return KeyChange.from_der(self.entry.body)

    def check(self, log_key: VerifierKey | None) -> None:
        """Check that the log has it.

        Raises:
            VerificationFailed: KEY_CHANGE_UNPROVEN; always where the log's key is not known.
        """
        if log_key is None:
            raise _unproven()
        try:
            Receipt.from_bytes(self.receipt).verify(self.entry.to_der(), log_key)
        except FoursealError:
            raise _unproven() from None


KeyChangeProof = ChangeByOldKey | ChangeInLog
"""A change with what proves it."""


def _unproven() -> VerificationFailed:
    return VerificationFailed("KEY_CHANGE_UNPROVEN", "neither the old key nor the log shows that the key was changed")


def proof_to_der(proof: KeyChangeProof) -> bytes:
    """DER of KeyChangeProof: docs/formats.md."""
    if isinstance(proof, ChangeInLog):
        return der.write_structure(_Proof(proof=_InLog(entry=proof.entry.to_der(), receipt=proof.receipt)))
    change, key, signature = proof.change.to_der(), proof.public_key, proof.signature
    return der.write_structure(_Proof(proof=_ByOldKey(change=change, public_key=key, signature=signature)))


def proof_from_der(data: bytes) -> KeyChangeProof:
    """Read ``proof_to_der``.

    Raises:
        MalformedInput: KEY_CHANGE_MALFORMED, LOG_ENTRY_MALFORMED, ACCOUNT_NAME_MALFORMED, and what
            ``Receipt.from_bytes`` raises.
    """
    read = der.read_structure(_Proof, data, MAX_CHANGE_BYTES, reason=_CHANGE_REASON).proof
    proof: KeyChangeProof
    if isinstance(read, _InLog):
        proof = ChangeInLog(LogEntry.from_der(read.entry), read.receipt)
    else:
        proof = ChangeByOldKey(KeyChange.from_der(read.change), read.public_key, read.signature)
    der.require_canonical(data, proof_to_der(proof), reason=_CHANGE_REASON)
    return proof


@asn1.sequence
class _KeyChange:
    version: int
    protocol: str
    user: str
    old_key: bytes
    new_key: bytes
    certificate: bytes
    time: asn1.GeneralizedTime


@asn1.sequence
class _ByOldKey:
    change: bytes
    public_key: bytes
    signature: bytes


@asn1.sequence
class _InLog:
    entry: bytes
    receipt: bytes


@asn1.sequence
class _Proof:
    proof: Annotated[_ByOldKey, asn1.Implicit(0)] | Annotated[_InLog, asn1.Implicit(1)]
