"""A message as its author deposits it: sealed, signed, recorded."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from contract.content_key import ContentKey
from contract.description import ContentDescription
from contract.envelope import EnvelopeCore, EnvelopeHeader, RecipientKey
from contract.evidence_record import EvidenceRecord
from contract.key_sealing import seal_key
from contract.signatures import Signature
from contract.statement import Statement
from contract.stream import SEGMENT_BYTES, SegmentSealer
from contract.trailer import SignedStatement, seal_trailer
from tests.contract.world import CONTENT, ENVELOPE_ID, World, describe

CONTENT_KEY: Final = ContentKey(b"k" * 32)


@dataclass(frozen=True)
class Deposit:
    """What the author has of a message, and what it deposits.

    Args:
        content: in the clear.
        description: of it.
        content_key: of its envelope.
        sealed: content, all segments.
        record: the evidence record.
    """

    content: bytes
    description: ContentDescription
    content_key: ContentKey
    sealed: bytes
    record: EvidenceRecord

    @property
    def statement(self) -> Statement:
        """That was signed."""
        return self.record.statement


def seal_content(content: bytes, key: ContentKey, core: EnvelopeCore) -> tuple[bytes, int]:
    """Sealed content, and its number of segments."""
    sealer = SegmentSealer(key.stream_key(core))
    pieces = [content[at : at + SEGMENT_BYTES] for at in range(0, len(content), SEGMENT_BYTES)] or [b""]
    sealed = [bytes(sealer.seal(piece, last=number == len(pieces))) for number, piece in enumerate(pieces, start=1)]
    return b"".join(sealed), len(sealed)


def deposit(
    world: World,
    statement: Statement | None = None,
    content: bytes = CONTENT,
    *,
    description: ContentDescription | None = None,
    signature: Signature | None = None,
) -> Deposit:
    """Alice's message to all others, or what the statement says.

    A cheat may describe it otherwise than the statement says, or sign otherwise.
    """
    description = describe(content) if description is None else description
    said = world.statement(description=description) if statement is None else statement
    names = tuple(each.name for each in said.recipients)
    core = EnvelopeCore(ENVELOPE_ID, said.session_id, said.author, world.encrypt.fingerprint, names)

    def sealed_for(name: str) -> RecipientKey:
        certificate = world.person(name).encrypt
        ciphertext = seal_key(CONTENT_KEY, core.label(name), certificate, world.encrypt, secrets.token_bytes)
        return RecipientKey(name, ciphertext)

    keys = tuple(sealed_for(name) for name in names)
    header = EnvelopeHeader(core.envelope_id, core.session_id, core.author, core.session_certificate, keys)
    signature = world.signed(said) if signature is None else signature
    sealed, segments = seal_content(content, CONTENT_KEY, core)
    record = EvidenceRecord(
        header=header,
        sender_key=sealed_for(said.author).ciphertext,
        statement=said,
        signature=signature,
        segments=segments,
        content_length=len(sealed),
        content_digest=hashlib.sha256(sealed).digest(),
        trailer=seal_trailer(CONTENT_KEY.trailer_key(core), SignedStatement(said, description, signature)),
    )
    return Deposit(content, description, CONTENT_KEY, sealed, record)
