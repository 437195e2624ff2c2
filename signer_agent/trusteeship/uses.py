"""Uses of organisations' keys under a grant.

1. BeginUse: the signed request goes out. What comes back is the record, for the user to sign.
2. The record is held to what this agent asked for; only then it is signed.
3. FinishUse: the server keeps the signed record, and then shows the result.
4. The result is held to the record, and a signature to the certificate that the grant names; the entry of the log to
   both statements, and its receipt to the log's key.

A lost answer is asked for again with the same bytes: everything in them follows from the arguments and the request id,
which begins with the time of the request.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from fourseal.v1 import trusteeship_service_pb2 as pb

from contract.joint_statement import JointStatement
from contract.log_entry import EntryKind, LogEntry
from contract.trusteeship.operations import KeyOperation, OrganisationPublicKey
from contract.trusteeship.uses import RecordedUse, UseOutcome, UseRecord, UseRequest
from mpc.errors import DecryptionFailed
from mpc.four_prime_rsa import Purpose
from signer_agent.contracts.statements import OwnStatement, StatementSigner
from signer_agent.trusteeship.grants import Grant
from transparency.keys import VerifierKey
from transparency.receipt import Receipt
from wire.catalogue import ServiceError
from wire.client.blame import blaming_server, server_lied
from wire.status import RemoteError

if TYPE_CHECKING:  # it exists for the type checker only
    from fourseal.v1.trusteeship_service_pb2_grpc import TrusteeshipServiceAsyncStub

_TIME_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_CLOCK_DIFFERENCE: Final = timedelta(minutes=10)
_FINISH: Final = b"fourseal/v1/finish of use "
_FAILED: Final = "DECRYPTION_FAILED"
_WRONG: Final = "TRUST_ANSWER_WRONG"


def new_use_id(now: datetime | None = None) -> str:
    """A fresh request id for a use: its time, and 22 random characters. Who keeps it can repeat the use."""
    return f"{now or datetime.now(UTC):{_TIME_FORMAT}}-{secrets.token_urlsafe(16)}"


@dataclass(frozen=True, slots=True)
class WantedUse:
    """What shall be done under a grant.

    Args:
        operation: what the key does.
        digest: of the document, by the operation's hash; or SHA-256 of the ciphertext.
        reason: what it is for, 1 to 1024 bytes.
        document_kind: what it is, or empty.
        ciphertext: to decrypt; else empty.
        label: of OAEP.
    """

    operation: KeyOperation
    digest: bytes
    reason: str
    document_kind: str = ""
    ciphertext: bytes = b""
    label: bytes = b""


@dataclass(frozen=True, slots=True)
class Use:
    """A use that was made.

    Args:
        result: the signature, or the plaintext.
        recorded: request and record, as they stand in the log.
        entry_der: LogEntry, DER, with the same.
        receipt: that proves, with the log's key, that the entry is in the log (c2sp.org/tlog-proof).
    """

    result: bytes = field(repr=False)
    recorded: RecordedUse
    entry_der: bytes
    receipt: bytes


class Uses:
    """Makes uses. Every method raises FoursealError.

    Args:
        signer: signs requests and records.
        rpc: the server's service.
        log_key: gets the key of the server's log.
    """

    def __init__(
        self, signer: StatementSigner, rpc: TrusteeshipServiceAsyncStub, log_key: Callable[[], Awaitable[VerifierKey]]
    ) -> None:
        self._signer = signer
        self._rpc = rpc
        self._log_key = log_key

    async def make(self, grant: Grant, public_key: OrganisationPublicKey, wanted: WantedUse, request_id: str) -> Use:
        """Use a key, both steps.

        Args:
            grant: that allows it.
            public_key: of the certificate that the grant names.
            wanted: what for.
            request_id: from ``new_use_id``; a repeat of the same within ten minutes has the same result.

        Raises:
            DecryptionFailed: for every ciphertext that does not decrypt; that is recorded.
            RemoteError: USE_REFUSED, with cause and number; what else the server refuses.
            PeerMisbehaved: what it shows does not hold; the culprit is the server.
            MalformedInput: TRUST_STATEMENT_MALFORMED, WHY_MALFORMED. ServiceError: FIELD_INVALID: no such id.
        """
        request = await self._request(grant, wanted, request_id)
        asked = await self._signer.sign(request, request_id)
        message = pb.BeginUseRequest(statement_der=asked.der, signature=asked.signature, ciphertext=wanted.ciphertext)
        begun = await self._signer.send(self._rpc.BeginUse, message)
        signed = asked.completed(begun.request_signature)
        record = _checked_record(begun.record_der, signed, request)
        finish_id = hashlib.sha256(_FINISH + request_id.encode()).hexdigest()
        ours = await self._signer.sign(record, finish_id)
        finish = pb.FinishUseRequest(request_id=finish_id, use_request_id=request_id, signature=ours.signature)
        try:
            answer = await self._signer.send(self._rpc.FinishUse, finish)
        except RemoteError as error:
            if error.reason == _FAILED and record.outcome is UseOutcome.FAILED:
                raise DecryptionFailed from None
            raise
        recorded = _checked_entry(answer.entry_der, signed, record, ours)
        with blaming_server():
            Receipt.from_bytes(answer.receipt).verify(answer.entry_der, await self._log_key())
        _check_result(answer.result, record, request, public_key)
        return Use(answer.result, recorded, answer.entry_der, answer.receipt)

    async def _request(self, grant: Grant, wanted: WantedUse, request_id: str) -> UseRequest:
        key = await self._signer.key()
        return UseRequest(
            grant=grant.request.digest,
            request_id=request_id,
            organisation=grant.request.organisation,
            key_id=grant.request.key_id,
            user=key.account,
            user_certificate=key.certificate,
            operation=wanted.operation,
            digest=wanted.digest,
            label=wanted.label,
            document_kind=wanted.document_kind,
            reason=wanted.reason,
            time=_time_of(request_id),
        )


def _time_of(request_id: str) -> datetime:
    try:
        return datetime.strptime(request_id.partition("-")[0], _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise ServiceError("FIELD_INVALID", field="request_id", problem="it is none of a use") from None


def _checked_record(der: bytes, signed: JointStatement, request: UseRequest) -> UseRecord:
    """The record, if it says of exactly that request what can be said of it: nothing else is ever signed."""
    with blaming_server():
        record = UseRecord.from_der(der)
    same = record.request == hashlib.sha256(signed.to_der()).digest() and (
        (record.organisation, record.key_id, record.user, record.user_certificate)
        == (request.organisation, request.key_id, request.user, request.user_certificate)
    )
    if not same:
        raise server_lied(_WRONG, "the record is of another request")
    failed = record.outcome is UseOutcome.FAILED and request.operation.purpose is Purpose.DECRYPT
    if record.outcome is not UseOutcome.DONE and not (failed and record.detail == _FAILED):
        raise server_lied(_WRONG, "the record's outcome is none to sign")
    if not request.time - _CLOCK_DIFFERENCE <= record.time <= datetime.now(UTC) + _CLOCK_DIFFERENCE:
        raise server_lied(_WRONG, "the record is of another time")
    return record


def _checked_entry(der: bytes, signed: JointStatement, record: UseRecord, ours: OwnStatement) -> RecordedUse:
    with blaming_server():
        entry = LogEntry.from_der(der)
        if entry.kind is not EntryKind.USE:
            raise server_lied(_WRONG, "what was logged is no use")
        recorded = RecordedUse.from_der(entry.body)
        if (recorded.request, recorded.record) != (signed, record):
            raise server_lied(_WRONG, "what was logged is another use")
        ours.completed(recorded.signature)
    return recorded


def _check_result(result: bytes, record: UseRecord, request: UseRequest, public_key: OrganisationPublicKey) -> None:
    if record.outcome is not UseOutcome.DONE or hashlib.sha256(result).digest() != record.result:
        raise server_lied(_WRONG, "the result is not the recorded one")
    if request.operation.purpose is Purpose.SIGN and not _verifies(result, request, public_key):
        raise server_lied(_WRONG, "the signature does not hold for the organisation's certificate")


def _verifies(signature: bytes, request: UseRequest, public_key: OrganisationPublicKey) -> bool:
    operation = request.operation
    hashed = Prehashed(operation.hash.to_cryptography())
    try:
        if operation.is_ecdsa and isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(signature, request.digest, ec.ECDSA(hashed))
        elif isinstance(public_key, rsa.RSAPublicKey) and not operation.is_ecdsa:
            padding = operation.signature_algorithm().to_cryptography_padding()
            public_key.verify(signature, request.digest, padding, hashed)
        else:
            return False
    except InvalidSignature:
        return False
    return True
