"""Uses of organisations' keys: what a user asks for under a grant, and the record of what became of it.

Records of a key are numbered without gaps, and so are those of one user at one key: whoever has some of them sees that
one is missing. A use that was made is recorded by a record that its user signed too; for one that was refused, or whose
user did not sign, the signed request says who asked.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.joint_statement import MAX_STATEMENT_BYTES, JointStatement
from contract.names import check_account_name, check_why
from contract.signer_keys import MAX_SIGNATURE_BYTES
from contract.trusteeship.grants import REASON, check_document_kind, check_organisation_key_id
from contract.trusteeship.operations import KeyOperation
from mpc.four_prime_rsa import Purpose
from mpc.four_prime_rsa.algorithms import MAX_LABEL_BYTES

_REQUEST_PROTOCOL: Final = "fourseal/v1/use request"
_RECORD_PROTOCOL: Final = "fourseal/v1/use record"
_MAX_ENTRY_BYTES: Final = 2 * MAX_STATEMENT_BYTES + 2 * MAX_SIGNATURE_BYTES + 256
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class UseRequest:
    """One use that a user asks for.

    Args:
        grant: digest of the grant's request, 32 bytes.
        request_id: chosen by the user, once: 16 to 64 characters of [A-Za-z0-9_-].
        organisation: its name.
        key_id: of the organisation's key.
        user: account that asks.
        user_certificate: SHA-256 of its personal certificate for signing, 32 bytes.
        operation: what the key shall do.
        digest: to sign: the document's digest by the operation's hash; to decrypt: SHA-256 of the ciphertext.
        label: of OAEP; at most 1 KiB; empty for signatures.
        document_kind: what it is, or empty.
        reason: what it is for, 1 to 1024 bytes.
        time: when, by the user's clock; UTC, whole seconds.

    Raises:
        MalformedInput: TRUST_STATEMENT_MALFORMED, ACCOUNT_NAME_MALFORMED, WHY_MALFORMED.
    """

    grant: bytes
    request_id: str
    organisation: str
    key_id: str
    user: str
    user_certificate: bytes
    operation: KeyOperation
    digest: bytes
    label: bytes
    document_kind: str
    reason: str
    time: datetime

    def __post_init__(self) -> None:
        der.require_digest(self.grant, "the grant", reason=REASON)
        der.require_that(_REQUEST_ID.fullmatch(self.request_id), "no request id", reason=REASON)
        check_account_name(self.organisation)
        check_organisation_key_id(self.key_id)
        check_account_name(self.user)
        der.require_digest(self.user_certificate, "the user's certificate", reason=REASON)
        signs = self.operation.purpose is Purpose.SIGN
        size = self.operation.hash.digest_size if signs else der.FINGERPRINT_BYTES
        der.require_that(len(self.digest) == size, f"the digest has not {size} bytes", reason=REASON)
        longest = 0 if signs else MAX_LABEL_BYTES
        der.require_that(len(self.label) <= longest, "a label that is too long", reason=REASON)
        if self.document_kind:
            check_document_kind(self.document_kind)
        check_why(self.reason)
        der.require_time(self.time, "the time", reason=REASON)

    @property
    def signer(self) -> str:
        """The user."""
        return self.user

    @property
    def signer_certificate(self) -> bytes:
        """The user's."""
        return self.user_certificate

    @property
    def limited_digest(self) -> bytes:
        """What a grant that is limited to some digests looks at: the digest, if it is one of SHA-256; else empty."""
        return self.digest if len(self.digest) == der.FINGERPRINT_BYTES else b""

    def to_der(self) -> bytes:
        """DER of UseRequest: docs/formats.md."""
        return der.write_structure(
            _UseRequest(
                version=der.VERSION,
                protocol=_REQUEST_PROTOCOL,
                grant=self.grant,
                request_id=self.request_id,
                organisation=self.organisation,
                key_id=self.key_id,
                user=self.user,
                user_certificate=self.user_certificate,
                operation=self.operation.value,
                digest=self.digest,
                label=self.label,
                document_kind=self.document_kind,
                reason=self.reason,
                time=der.to_generalized_time(self.time),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_UseRequest, data, MAX_STATEMENT_BYTES, reason=REASON)
        der.require_version(read.version, reason=REASON)
        der.require_that(read.protocol == _REQUEST_PROTOCOL, "it is no request for a use", reason=REASON)
        der.require_that(read.operation in frozenset(KeyOperation), "this operation does not exist", reason=REASON)
        request = cls(
            grant=read.grant,
            request_id=read.request_id,
            organisation=read.organisation,
            key_id=read.key_id,
            user=read.user,
            user_certificate=read.user_certificate,
            operation=KeyOperation(read.operation),
            digest=read.digest,
            label=read.label,
            document_kind=read.document_kind,
            reason=read.reason,
            time=der.from_generalized_time(read.time),
        )
        der.require_canonical(data, request.to_der(), reason=REASON)
        return request


class UseOutcome(StrEnum):
    """What became of a use. The value stands in the record."""

    DONE = "done"
    """The key was used, and the result released once the record was durable."""
    FAILED = "failed"
    """The key was used, and there was no result: the ciphertext does not decrypt."""
    REFUSED = "refused"
    """The grant did not allow it, or did not any more: nothing was released."""
    ABANDONED = "abandoned"
    """The key was used, and its user did not sign the record in time: nothing was released."""

    @property
    def signed(self) -> bool:
        """Whether the user signs the record."""
        return self in {UseOutcome.DONE, UseOutcome.FAILED}


@dataclass(frozen=True, slots=True)
class UseRecord:
    """What became of a use.

    Args:
        request: SHA-256 of the signed request's DER, 32 bytes.
        organisation: its name.
        key_id: of its key.
        number: of the record among all of that key, from 1 on, without gaps.
        user: account that asked.
        user_certificate: as in the request.
        user_number: of the record among those of that user at that key, from 1 on, without gaps.
        outcome: what became of it.
        detail: the reason of a refusal or failure; empty for DONE.
        result: SHA-256 of the signature or plaintext, 32 bytes; empty unless DONE.
        time: by the server's clock; UTC, whole seconds.

    Raises:
        MalformedInput: TRUST_STATEMENT_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    request: bytes
    organisation: str
    key_id: str
    number: int
    user: str
    user_certificate: bytes
    user_number: int
    outcome: UseOutcome
    detail: str
    result: bytes
    time: datetime

    def __post_init__(self) -> None:
        der.require_digest(self.request, "the request", reason=REASON)
        check_account_name(self.organisation)
        check_organisation_key_id(self.key_id)
        check_account_name(self.user)
        der.require_digest(self.user_certificate, "the user's certificate", reason=REASON)
        fits = 1 <= self.user_number <= self.number <= der.MAX_COUNT
        der.require_that(fits, "numbers that do not fit", reason=REASON)
        done = self.outcome is UseOutcome.DONE
        der.require_that(done is not bool(self.detail), "a detail that does not fit the outcome", reason=REASON)
        der.require_that(done or _CODE.fullmatch(self.detail), "a detail that is no reason", reason=REASON)
        der.require_that(done is bool(self.result), "a result that does not fit the outcome", reason=REASON)
        if done:
            der.require_digest(self.result, "the result", reason=REASON)
        der.require_time(self.time, "the time", reason=REASON)

    @property
    def signer(self) -> str:
        """The user."""
        return self.user

    @property
    def signer_certificate(self) -> bytes:
        """The user's."""
        return self.user_certificate

    def to_der(self) -> bytes:
        """DER of UseRecord: docs/formats.md."""
        return der.write_structure(
            _UseRecord(
                version=der.VERSION,
                protocol=_RECORD_PROTOCOL,
                request=self.request,
                organisation=self.organisation,
                key_id=self.key_id,
                number=self.number,
                user=self.user,
                user_certificate=self.user_certificate,
                user_number=self.user_number,
                outcome=self.outcome.value,
                detail=self.detail,
                result=self.result,
                time=der.to_generalized_time(self.time),
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as the constructor does."""
        read = der.read_structure(_UseRecord, data, MAX_STATEMENT_BYTES, reason=REASON)
        der.require_version(read.version, reason=REASON)
        der.require_that(read.protocol == _RECORD_PROTOCOL, "it is no record of a use", reason=REASON)
        der.require_that(read.outcome in frozenset(UseOutcome), "this outcome does not exist", reason=REASON)
        record = cls(
            request=read.request,
            organisation=read.organisation,
            key_id=read.key_id,
            number=read.number,
            user=read.user,
            user_certificate=read.user_certificate,
            user_number=read.user_number,
            outcome=UseOutcome(read.outcome),
            detail=read.detail,
            result=read.result,
            time=der.from_generalized_time(read.time),
        )
        der.require_canonical(data, record.to_der(), reason=REASON)
        return record


@dataclass(frozen=True, slots=True)
class RecordedUse:
    """A request and its record, as they stand in the log.

    Args:
        request: signed by the user.
        record: of that request.
        signature: the user's, of the record; empty where the outcome is none that users sign.

    Raises:
        MalformedInput: TRUST_STATEMENT_MALFORMED: they do not belong together.
    """

    request: JointStatement
    record: UseRecord
    signature: bytes
    asked: UseRequest = field(init=False, compare=False)
    """What was asked for."""

    def __post_init__(self) -> None:
        asked, record = UseRequest.from_der(self.request.statement), self.record
        object.__setattr__(self, "asked", asked)
        same = record.request == hashlib.sha256(self.request.to_der()).digest() and (
            (asked.organisation, asked.key_id, asked.user, asked.user_certificate)
            == (record.organisation, record.key_id, record.user, record.user_certificate)
        )
        der.require_that(same, "a record of another request", reason=REASON)
        signed = record.outcome.signed
        der.require_that(signed is bool(self.signature), "a signature that does not fit the outcome", reason=REASON)
        der.require_that(len(self.signature) <= MAX_SIGNATURE_BYTES, "a signature of a wrong length", reason=REASON)

    @property
    def signed_record(self) -> JointStatement | None:
        """The record with the user's signature; None where users do not sign."""
        return JointStatement(self.record.to_der(), self.signature) if self.signature else None

    def to_der(self) -> bytes:
        """DER of RecordedUse: docs/formats.md. The body of the log's entry."""
        return der.write_structure(
            _RecordedUse(
                version=der.VERSION,
                request=self.request.to_der(),
                record=self.record.to_der(),
                signature=self.signature,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``. Raises as its parts do."""
        read = der.read_structure(_RecordedUse, data, _MAX_ENTRY_BYTES, reason=REASON)
        der.require_version(read.version, reason=REASON)
        recorded = cls(JointStatement.from_der(read.request), UseRecord.from_der(read.record), read.signature)
        der.require_canonical(data, recorded.to_der(), reason=REASON)
        return recorded


@asn1.sequence
class _UseRequest:
    version: int
    protocol: str
    grant: bytes
    request_id: str
    organisation: str
    key_id: str
    user: str
    user_certificate: bytes
    operation: str
    digest: bytes
    label: bytes
    document_kind: str
    reason: str
    time: asn1.GeneralizedTime


@asn1.sequence
class _UseRecord:
    version: int
    protocol: str
    request: bytes
    organisation: str
    key_id: str
    number: int
    user: str
    user_certificate: bytes
    user_number: int
    outcome: str
    detail: str
    result: bytes
    time: asn1.GeneralizedTime


@asn1.sequence
class _RecordedUse:
    version: int
    request: bytes
    record: bytes
    signature: bytes
