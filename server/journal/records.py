"""What the journal keeps of an operation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import Connection

from mpc.errors import FoursealError


class Outcome(StrEnum):
    """How an operation stands."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Args:
        agent_id: the agent's name.
        certificate_sha256: of the client certificate that it came with, DER.
        leased: whether it showed a lease that is valid for that certificate.
    """

    agent_id: str
    certificate_sha256: bytes
    leased: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Request:
    """A changing call.

    Args:
        caller: who.
        request_id: chosen by the caller, once per operation.
        method: what.
        body_sha256: digest of the whole request, to tell a repeat from another request with the same request_id.
        account: who is logged in at the agent; None for calls that need no login.
    """

    caller: Caller
    request_id: str
    method: str
    body_sha256: bytes
    account: str | None = None

    @property
    def identity(self) -> tuple[str, str]:
        """What tells operations apart."""
        return self.caller.agent_id, self.request_id


@dataclass(frozen=True, slots=True)
class Intent:
    """What a caller wants done, as it stands in the journal before it is done.

    Args:
        request: the call.
        key_id: with which key.
        algorithm, digest, salt, client_partial: of a joint operation; the client's partial proves its consent.
    """

    request: Request
    key_id: str
    algorithm: str | None = None
    digest: bytes | None = None
    salt: bytes | None = None
    client_partial: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What an operation came to.

    Args:
        release: what the caller gets; the record keeps its SHA-256.
        keep: whether the journal keeps it too, for repeats. If not, a repeat computes it again.
        refusal: the final reason why nothing was done. A repeat hears the same.
        apply: writes what the operation changes, in the transaction of the result. What it raises undoes both.
        afterwards: is called after the commit, before the answer, in a worker.
    """

    release: bytes = field(default=b"", repr=False)
    keep: bool = True
    refusal: FoursealError | None = None
    apply: Callable[[Connection], None] | None = None
    afterwards: Callable[[], None] | None = None

    @property
    def outcome(self) -> Outcome:
        """How the operation stands with this result."""
        return Outcome.DONE if self.refusal is None else Outcome.REFUSED

    @property
    def answer(self) -> bytes | None:
        """What the journal keeps for repeats."""
        return self.release if self.keep and self.refusal is None else None

    @property
    def sha256(self) -> bytes | None:
        """SHA-256 of what was released; None if nothing was."""
        return sha256(self.release).digest() if self.release else None


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the journal, as far as a repeat needs it. ``answer`` is None unless it is done and was kept."""

    agent_id: str
    request_id: str
    method: str
    body_sha256: bytes
    key_id: str
    outcome: Outcome
    refusal: FoursealError | None
    answer: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """A row of the journal as people and auditors read it."""

    sequence: int
    agent_id: str
    account: str | None
    request_id: str
    method: str
    key_id: str
    algorithm: str | None
    digest: bytes | None
    salt: bytes | None
    client_partial: bytes | None = field(repr=False)
    intent_time: datetime
    outcome: Outcome
    reason: str | None
    result_sha256: bytes | None
    result_time: datetime | None


def refusal_to_text(error: FoursealError) -> str:
    """A refusal as the journal keeps it, beside its reason."""
    return json.dumps({"text": str(error), "metadata": error.metadata}, sort_keys=True)


def refusal_from_text(reason: str, text: str) -> FoursealError:
    """The refusal again."""
    content = json.loads(text)
    return FoursealError(reason, content["text"], **content["metadata"])
