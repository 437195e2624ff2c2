"""What the local mailbox keeps: messages that were received, and envelopes that are being received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from contract.description import ContentDescription
from contract.statement import Statement
from contract.trailer import SignedStatement
from mpc.secret import Secret
from signer_agent.contracts.verdicts import Verdict
from wire.client.documents import Fields, Json, bytes_to_text, decode, encode


@dataclass(frozen=True, slots=True)
class Message:
    """A message as its recipient sees it, without its content.

    Args:
        number: by which this mailbox names it, from 1.
        envelope_id: of the envelope that it came in.
        statement: what its author signed.
        description: what its content is.
        receive_time: when it was here, UTC.
        verdict: whether it holds, and why not.
        note: what is to be said of its delivery: out of order, or another is missing; mostly empty.
        log_index: where the evidence server's log has it, if it is evidence.
    """

    number: int
    envelope_id: str
    statement: Statement
    description: ContentDescription
    receive_time: datetime
    verdict: Verdict
    note: str
    log_index: int | None


class MailboxEntry(Secret):
    """A message with what opens its content.

    Args:
        message: public to whoever may open the key store.
        signed: the opened trailer.
        header_der: of its envelope.
        content_key: 32 bytes.
    """

    __slots__ = ("content_key", "header_der", "message", "signed")

    def __init__(self, message: Message, signed: SignedStatement, header_der: bytes, content_key: bytes) -> None:
        self.message = message
        self.signed = signed
        self.header_der = header_der
        self.content_key = content_key

    def _public_summary(self) -> str:
        return f"number={self.message.number} envelope={self.message.envelope_id}"

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {
            "number": self.message.number,
            "envelope_id": self.message.envelope_id,
            "receive_time": self.message.receive_time.isoformat(),
        }

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``."""
        return encode(
            {
                "content_key": bytes_to_text(self.content_key),
                "header": bytes_to_text(self.header_der),
                "signed": bytes_to_text(self.signed.to_der()),
                "verdict": self.message.verdict.to_json(),
                "note": self.message.note,
                "evidence": -1 if self.message.log_index is None else self.message.log_index,
            }
        )

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """See ``Entry``."""
        number, envelope_id = fields.integer("number"), fields.text("envelope_id")
        receive_time = datetime.fromisoformat(fields.text("receive_time"))
        fields.end()
        sealed = Fields(decode(secret))
        signed = SignedStatement.from_der(sealed.data("signed"))
        verdict = Verdict.from_json(sealed.document("verdict"))
        note, log_index = sealed.text("note"), sealed.integer("evidence")
        message = Message(
            number,
            envelope_id,
            signed.statement,
            signed.description,
            receive_time,
            verdict,
            note,
            None if log_index < 0 else log_index,
        )
        entry = cls(message, signed, sealed.data("header"), sealed.data("content_key"))
        sealed.end()
        return entry


class IncomingEntry(Secret):
    """An envelope that is being received.

    Args:
        envelope_id: its id.
        header_der: its header.
        content_key: 32 bytes.
    """

    __slots__ = ("content_key", "envelope_id", "header_der")

    def __init__(self, envelope_id: str, header_der: bytes, content_key: bytes) -> None:
        self.envelope_id = envelope_id
        self.header_der = header_der
        self.content_key = content_key

    def _public_summary(self) -> str:
        return f"envelope={self.envelope_id}"

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {"envelope_id": self.envelope_id, "header": bytes_to_text(self.header_der)}

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``."""
        return self.content_key

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """See ``Entry``."""
        entry = cls(fields.text("envelope_id"), fields.data("header"), secret)
        fields.end()
        return entry
