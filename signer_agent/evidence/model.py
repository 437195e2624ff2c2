"""What the library of evidence speaks of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from contract.bundle.parts import Bundle
from contract.bundle.verification import BundleReport


@dataclass(frozen=True, slots=True)
class EvidenceSummary:
    """What the server says there is of a message. Opening it shows whether that holds.

    Args:
        digest: SHA-256 of the statement, 32 bytes: the message's name here.
        session_id: session of the message.
        author: who sent it.
        log_index: where the log has it.
        deposit_time: when it was deposited, by the server's clock, UTC.
        content_length: bytes of the sealed content.
        content_kept: whether the content is still there; else the operator's time for it is over.
        answered: digest of the statement that it answers; empty if it is no answer.
    """

    digest: bytes
    session_id: str
    author: str
    log_index: int
    deposit_time: datetime
    content_length: int
    content_kept: bool
    answered: bytes


@dataclass(frozen=True, slots=True)
class OpenedEvidence:
    """A message in evidence with the answers to it, opened and verified. Confidential.

    Args:
        bundle: the message and its answers.
        report: every check of them.
        texts: by the number of a message in the bundle, 0 for the message itself: its content, if that is a short text
            and was opened.
    """

    bundle: Bundle = field(repr=False)
    report: BundleReport
    texts: tuple[str | None, ...] = field(repr=False)
