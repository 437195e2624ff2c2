"""Envelopes of the tests: right in every byte, but for signatures that nobody checks here."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from fourseal.v1 import relay_service_pb2 as pb

from contract.content_key import ContentKey
from contract.description import ContentDescription
from contract.envelope import EnvelopeHeader, RecipientKey
from contract.key_ciphertext import JointKeyCiphertext
from contract.names import new_envelope_id, new_session_id
from contract.signatures import JointSignature
from contract.statement import Answer, Recipient, Statement
from contract.stream import SEGMENT_BYTES, SegmentSealer
from contract.trailer import SignedStatement, seal_trailer
from tests.signer_agent.contracts.cheating_relay import StoredEnvelope

SESSION_ID = new_session_id(secrets.token_bytes)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def statement(
    number: int = 1,
    *,
    author: str = "alice",
    recipient: str = "bob",
    sequence: int = 0,
    description: bytes = bytes(32),
    answer: Answer | None = None,
) -> Statement:
    """Message ``number`` of an author to a recipient."""
    return Statement(
        session_id=SESSION_ID,
        session_certificate=bytes(32),
        author=author,
        author_certificate=bytes(32),
        time=NOW,
        sequence=sequence or number,
        recipients=(Recipient(recipient, b"\1" * 32, number),),
        description=description,
        answer=answer,
    )


def signed_statement(content: bytes, number: int = 1) -> SignedStatement:
    """What a trailer holds."""
    digest = hashlib.sha256(content).digest()
    description = ContentDescription(
        secrets.token_bytes(32), "application/octet-stream", "video.bin", len(content), digest
    )
    return SignedStatement(
        statement(number, description=description.commitment), description, JointSignature(secrets.token_bytes(512))
    )


@dataclass(frozen=True)
class Sealed:
    """An envelope with what opens it."""

    header: EnvelopeHeader
    content_key: ContentKey
    content: bytes
    signed: SignedStatement
    stored: StoredEnvelope

    @classmethod
    def of(cls, content: bytes, number: int = 1) -> Self:
        """Seal some content from alice for bob."""
        content_key = ContentKey.new(secrets.token_bytes)
        keys = (RecipientKey("bob", JointKeyCiphertext(secrets.token_bytes(512))),)
        header = EnvelopeHeader(new_envelope_id(secrets.token_bytes), SESSION_ID, "alice", bytes(32), keys)
        sealer = SegmentSealer(content_key.stream_key(header.core))
        pieces = [content[at : at + SEGMENT_BYTES] for at in range(0, len(content), SEGMENT_BYTES)] or [b""]
        segments = [bytes(sealer.seal(piece, last=index == len(pieces) - 1)) for index, piece in enumerate(pieces)]
        signed = signed_statement(content, number)
        trailer = seal_trailer(content_key.trailer_key(header.core), signed)
        finish = pb.EnvelopeFinish(segments=len(segments), sequence=number, trailer=trailer)
        return cls(header, content_key, content, signed, StoredEnvelope(header.to_der(), segments, finish))

    @property
    def envelope_id(self) -> str:
        """Its id."""
        return self.header.envelope_id

    async def open_key(self, header: EnvelopeHeader) -> ContentKey:
        """As the recipient opens it."""
        assert header == self.header
        return self.content_key
