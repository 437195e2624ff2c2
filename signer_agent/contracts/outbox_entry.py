"""One envelope of ours, from what was asked for to what was sent: what the outbox keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from contract.content_key import ContentKey
from contract.description import ContentDescription
from contract.envelope import EnvelopeHeader
from contract.evidence_record import EvidenceRecord
from contract.key_ciphertext import read_key_ciphertext
from contract.signatures import Signature
from contract.statement import Decision, Statement
from contract.stream import sealed_length
from contract.trailer import SignedStatement, seal_trailer
from mpc.secret import Secret
from signer_agent.evidence.deposits import Deposit
from wire.client.documents import DocumentError, Fields, Json, bytes_to_text, decode, encode

REQUEST: Final = "request:"
"""What an origin begins with whose content comes again with the same request; the request id follows."""


class OutboxState(StrEnum):
    """How far an envelope has come."""

    UPLOADING = "uploading"
    SIGNING = "signing"
    SIGNED = "signed"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class ToSend:
    """What was asked for.

    Args:
        session_id: in which session.
        recipients: account names, sorted.
        origin: where a later process finds the content again, or who will bring it (``REQUEST``); empty if it cannot.
        content_type: media type.
        name: file name, or empty.
        in_reply_to: digest of the statement that it replies to; empty if none.
        decision: of an answer.
        answered: DER of the statement that is answered; empty if none.
        evidence: whether it is deposited as evidence.
    """

    session_id: str
    recipients: tuple[str, ...]
    origin: str
    content_type: str
    name: str
    in_reply_to: bytes = b""
    decision: Decision | None = None
    answered: bytes = b""
    evidence: bool = False

    @property
    def request_id(self) -> str:
        """The request that it was asked for by; empty if by none."""
        return self.origin.removeprefix(REQUEST) if self.origin.startswith(REQUEST) else ""


@dataclass(frozen=True, slots=True)
class Signing:
    """What is signed, and how.

    Args:
        statement: its structure.
        description: what it says of the content.
        request_id: of the request to the server.
        segments: of the content.
    """

    statement: Statement
    description: ContentDescription
    request_id: str
    segments: int


@dataclass(frozen=True, slots=True)
class EvidenceParts:
    """What only a message has that is to be evidence.

    Args:
        sender_key: KeyCiphertext, DER: the content key for its author and the session.
        content_digest: SHA-256 of the sealed content, 32 bytes, when the evidence server has that; else empty.
        deposit: proves that the record is in the log, when it is.
    """

    sender_key: bytes
    content_digest: bytes = b""
    deposit: Deposit | None = None


class OutboxEntry(Secret):
    """An envelope of ours.

    Args:
        envelope_id: its id.
        to_send: what was asked for.
        header_der: its header.
        content_key: 32 bytes, secret.
        certificates: fingerprints of the recipients' certificates for encryption, in their order.
        create_time: when it began, UTC.
        evidence: None if it is to be none.
        state: how far it has come.
        signing: from SIGNING on.
        signature: of author and session; from SIGNED on.
        expire_time: until when the relay keeps it; when FINISHED.
    """

    __slots__ = (
        "certificates",
        "content_key",
        "create_time",
        "envelope_id",
        "evidence",
        "expire_time",
        "header_der",
        "signature",
        "signing",
        "state",
        "to_send",
    )

    def __init__(
        self,
        *,
        envelope_id: str,
        to_send: ToSend,
        header_der: bytes,
        content_key: bytes,
        certificates: tuple[bytes, ...],
        create_time: datetime,
        evidence: EvidenceParts | None = None,
        state: OutboxState = OutboxState.UPLOADING,
        signing: Signing | None = None,
        signature: Signature | None = None,
        expire_time: datetime | None = None,
    ) -> None:
        self.envelope_id = envelope_id
        self.to_send = to_send
        self.header_der = header_der
        self.content_key = content_key
        self.certificates = certificates
        self.create_time = create_time
        self.evidence = evidence
        self.state = state
        self.signing = signing
        self.signature = signature
        self.expire_time = expire_time

    @property
    def header(self) -> EnvelopeHeader:
        """The header, read."""
        return EnvelopeHeader.from_der(self.header_der)

    def _public_summary(self) -> str:
        return f"envelope={self.envelope_id} state={self.state}"

    def content_deposited(self, digest: bytes) -> OutboxEntry:
        """The entry when the evidence server has its sealed content, whose SHA-256 that is."""
        return self._with_evidence(replace(self.require_evidence(), content_digest=digest))

    def deposited(self, deposit: Deposit) -> OutboxEntry:
        """The entry when its record is in the log."""
        return self._with_evidence(replace(self.require_evidence(), deposit=deposit))

    def fixed(self, signing: Signing) -> OutboxEntry:
        """The entry with what is about to be signed."""
        return self._with(OutboxState.SIGNING, signing, None, None)

    def signed(self, signature: Signature) -> OutboxEntry:
        """The entry with its signature."""
        return self._with(OutboxState.SIGNED, self.signing, signature, None)

    def finished(self, expire_time: datetime) -> OutboxEntry:
        """The entry when the relay has all of it, and keeps it until that time."""
        return self._with(OutboxState.FINISHED, self.signing, self.signature, expire_time)

    def require_signing(self) -> Signing:
        """What is signed, from SIGNING on."""
        if self.signing is None:
            raise AssertionError("nothing was fixed")
        return self.signing

    def require_evidence(self) -> EvidenceParts:
        """What belongs to evidence, of a message that is to be some."""
        if self.evidence is None:
            raise AssertionError("it is to be no evidence")
        return self.evidence

    def signed_statement(self) -> SignedStatement:
        """What is sealed in the trailer, from SIGNED on."""
        if self.signature is None:
            raise AssertionError("nothing was signed")
        signing = self.require_signing()
        return SignedStatement(signing.statement, signing.description, self.signature)

    def trailer(self) -> bytes:
        """The sealed trailer, from SIGNED on."""
        return seal_trailer(ContentKey(self.content_key).trailer_key(self.header.core), self.signed_statement())

    def record(self) -> EvidenceRecord:
        """What is deposited of a message that is to be evidence, from SIGNED on; always the same."""
        signing, evidence, signed = self.require_signing(), self.require_evidence(), self.signed_statement()
        return EvidenceRecord(
            header=self.header,
            sender_key=read_key_ciphertext(evidence.sender_key),
            statement=signed.statement,
            signature=signed.signature,
            segments=signing.segments,
            content_length=sealed_length(signing.description.length),
            content_digest=evidence.content_digest,
            trailer=self.trailer(),
        )

    def _with_evidence(self, evidence: EvidenceParts) -> OutboxEntry:
        changed = self._with(self.state, self.signing, self.signature, self.expire_time)
        changed.evidence = evidence
        return changed

    def _with(
        self,
        state: OutboxState,
        signing: Signing | None,
        signature: Signature | None,
        expire_time: datetime | None,
    ) -> OutboxEntry:
        return OutboxEntry(
            envelope_id=self.envelope_id,
            to_send=self.to_send,
            header_der=self.header_der,
            content_key=self.content_key,
            certificates=self.certificates,
            create_time=self.create_time,
            evidence=self.evidence,
            state=state,
            signing=signing,
            signature=signature,
            expire_time=expire_time,
        )

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {
            "envelope_id": self.envelope_id,
            "session_id": self.to_send.session_id,
            "state": self.state.value,
            "create_time": self.create_time.isoformat(),
            "expire_time": self.expire_time.isoformat() if self.expire_time else "",
        }

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``."""
        wanted = self.to_send
        return encode(
            {
                "recipients": list(wanted.recipients),
                "origin": wanted.origin,
                "content_type": wanted.content_type,
                "name": wanted.name,
                "in_reply_to": bytes_to_text(wanted.in_reply_to),
                "decision": wanted.decision.value if wanted.decision else "",
                "answered": bytes_to_text(wanted.answered),
                "header": bytes_to_text(self.header_der),
                "content_key": bytes_to_text(self.content_key),
                "certificates": [each.hex() for each in self.certificates],
                "evidence": _evidence_to_json(self.evidence) if self.evidence else {},
                "signing": _signing_to_json(self.signing) if self.signing else {},
                "signed": bytes_to_text(self.signed_statement().to_der() if self.signature else b""),
            }
        )

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """See ``Entry``."""
        sealed = Fields(decode(secret))
        decision, expire_time = sealed.text("decision"), fields.text("expire_time")
        signing, signed = sealed.document("signing"), sealed.data("signed")
        evidence = sealed.document("evidence")
        entry = cls(
            envelope_id=fields.text("envelope_id"),
            to_send=ToSend(
                fields.text("session_id"),
                tuple(sealed.texts("recipients")),
                sealed.text("origin"),
                sealed.text("content_type"),
                sealed.text("name"),
                sealed.data("in_reply_to"),
                Decision(decision) if decision else None,
                sealed.data("answered"),
                evidence=bool(evidence),
            ),
            header_der=sealed.data("header"),
            content_key=sealed.data("content_key"),
            certificates=tuple(bytes.fromhex(each) for each in sealed.texts("certificates")),
            create_time=datetime.fromisoformat(fields.text("create_time")),
            evidence=_evidence_from_fields(Fields(evidence)) if evidence else None,
            state=OutboxState(fields.text("state")),
            signing=_signing_from_fields(Fields(signing)) if signing else None,
            signature=SignedStatement.from_der(signed).signature if signed else None,
            expire_time=datetime.fromisoformat(expire_time) if expire_time else None,
        )
        for part in (fields, sealed):
            part.end()
        has = (entry.signing is not None) + (entry.signature is not None) + (entry.expire_time is not None)
        if has != list(OutboxState).index(entry.state):
            raise DocumentError("its state does not fit")
        if entry.state is OutboxState.FINISHED and entry.evidence and not entry.evidence.deposit:
            raise DocumentError("it was not deposited")
        return entry


def _signing_to_json(signing: Signing) -> Json:
    return {
        "statement": bytes_to_text(signing.statement.to_der()),
        "description": bytes_to_text(signing.description.to_der()),
        "request_id": signing.request_id,
        "segments": signing.segments,
    }


def _signing_from_fields(fields: Fields) -> Signing:
    signing = Signing(
        Statement.from_der(fields.data("statement")),
        ContentDescription.from_der(fields.data("description")),
        fields.text("request_id"),
        fields.integer("segments"),
    )
    fields.end()
    return signing


def _evidence_to_json(parts: EvidenceParts) -> Json:
    return {
        "sender_key": bytes_to_text(parts.sender_key),
        "content_digest": bytes_to_text(parts.content_digest),
        "entry": bytes_to_text(parts.deposit.entry_der if parts.deposit else b""),
        "receipt": bytes_to_text(parts.deposit.receipt if parts.deposit else b""),
    }


def _evidence_from_fields(fields: Fields) -> EvidenceParts:
    sender_key, content_digest = fields.data("sender_key"), fields.data("content_digest")
    deposit = Deposit(fields.data("entry"), fields.data("receipt"))
    fields.end()
    return EvidenceParts(sender_key, content_digest, deposit if deposit.entry_der else None)
