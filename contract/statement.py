"""Statements: what is signed. Everything about a message but its content, which it names through a commitment.

The session's server sees statements and signs no other bytes than those it encoded itself. It never sees the content
description; the commitment hides it, for the description holds a random nonce.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from cryptography.hazmat import asn1

from contract import der
from contract.names import check_account_name, check_session_id
from contract.session_info import MAX_PEOPLE
from mpc.errors import MalformedInput

MAX_PLAIN_STATEMENT_BYTES: Final = 64 << 10
"""Longest statement without an answer that is looked at."""
MAX_STATEMENT_BYTES: Final = 2 * MAX_PLAIN_STATEMENT_BYTES
"""Longest statement that is looked at: an answer holds the whole statement that it answers."""

_STATEMENT_REASON: Final = "STATEMENT_MALFORMED"


class Decision(StrEnum):
    """What an answer says."""

    ACCEPT = "accept"
    REJECT = "reject"

    @property
    def number(self) -> int:
        """As it stands in the statement: 1 or 2."""
        return _DECISION_NUMBERS[self]


_DECISION_NUMBERS: Final = {Decision.ACCEPT: 1, Decision.REJECT: 2}
_DECISIONS: Final = {number: decision for decision, number in _DECISION_NUMBERS.items()}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who shall be able to open a message.

    Args:
        name: account.
        encrypt_certificate: SHA-256 of its certificate for encryption, 32 bytes.
        number: 1, 2, 3, ... : messages of this author to this recipient in the session. A gap is a message withheld.

    Raises:
        MalformedInput: ACCOUNT_NAME_MALFORMED, STATEMENT_MALFORMED.
    """

    name: str
    encrypt_certificate: bytes
    number: int

    def __post_init__(self) -> None:
        check_account_name(self.name)
        der.require_digest(self.encrypt_certificate, "a recipient's certificate", reason=_STATEMENT_REASON)
        der.require_that(
            1 <= self.number <= der.MAX_COUNT, "a recipient's number is out of range", reason=_STATEMENT_REASON
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What the author decides about somebody else's statement: a countersignature, or a refusal.

    Args:
        decision: accept or reject.
        statement: the statement that is answered, whole. No answer itself: who wants to say more sends a message.

    Raises:
        MalformedInput: STATEMENT_MALFORMED.
    """

    decision: Decision
    statement: Statement

    def __post_init__(self) -> None:
        der.require_that(self.statement.answer is None, "an answer cannot be answered", reason=_STATEMENT_REASON)


@dataclass(frozen=True, slots=True)
class Statement:
    """One message's signed structure.

    Args:
        session_id: the session, which the signature is bound to.
        session_certificate: SHA-256 of the session's certificate for signing: the revision of its info.
        author: account that signs.
        author_certificate: SHA-256 of its certificate for signing.
        time: by the author's clock, UTC, whole seconds.
        sequence: rises with every statement of this author in the session; 1 to 2^63 - 1.
        recipients: 1 to 49, sorted by name, without the author; no certificate twice.
        description: SHA-256 of the content description: ``ContentDescription.commitment``.
        answer: what this statement answers; its author is another, and this author one of its recipients.

    Raises:
        MalformedInput: STATEMENT_MALFORMED, ACCOUNT_NAME_MALFORMED, SESSION_ID_MALFORMED.
    """

    session_id: str
    session_certificate: bytes
    author: str
    author_certificate: bytes
    time: datetime
    sequence: int
    recipients: tuple[Recipient, ...]
    description: bytes
    answer: Answer | None = None

    def __post_init__(self) -> None:
        check_session_id(self.session_id)
        check_account_name(self.author)
        der.require_digest(self.session_certificate, "the session's certificate", reason=_STATEMENT_REASON)
        der.require_digest(self.author_certificate, "the author's certificate", reason=_STATEMENT_REASON)
        der.require_digest(self.description, "the description", reason=_STATEMENT_REASON)
        der.require_time(self.time, "the time", reason=_STATEMENT_REASON)
        der.require_that(
            1 <= self.sequence <= der.MAX_COUNT, "the sequence number is out of range", reason=_STATEMENT_REASON
        )
        self._require_recipients()
        if self.answer is not None:
            self._require_answerable(self.answer.statement)

    def _require_recipients(self) -> None:
        names = tuple(each.name for each in self.recipients)
        certificates = {each.encrypt_certificate for each in self.recipients}
        der.require_that(
            1 <= len(names) < MAX_PEOPLE, f"there are not 1 to {MAX_PEOPLE - 1} recipients", reason=_STATEMENT_REASON
        )
        der.require_rising(names, "the recipients", reason=_STATEMENT_REASON)
        der.require_that(self.author not in names, "the author is a recipient", reason=_STATEMENT_REASON)
        der.require_that(
            len(certificates) == len(names), "a recipient's certificate is there twice", reason=_STATEMENT_REASON
        )

    def _require_answerable(self, answered: Statement) -> None:
        addressed = {each.name for each in answered.recipients}
        der.require_that(
            answered.session_id == self.session_id, "it answers another session's", reason=_STATEMENT_REASON
        )
        der.require_that(
            self.author in addressed, "it answers what its author did not receive", reason=_STATEMENT_REASON
        )

    @property
    def digest(self) -> bytes:
        """SHA-256 of ``to_der``, 32 bytes: how other structures refer to this statement."""
        return hashlib.sha256(self.to_der()).digest()

    def recipient(self, name: str) -> Recipient:
        """The recipient of that name.

        Raises:
            MalformedInput: NOT_A_RECIPIENT.
        """
        for recipient in self.recipients:
            if recipient.name == name:
                return recipient
        raise MalformedInput("NOT_A_RECIPIENT", f"{name} is no recipient of this statement", name=name)

    def to_der(self) -> bytes:
        """DER of Statement: docs/formats.md. What a signature is over."""
        answer = self.answer
        return der.write_structure(
            _Statement(
                version=der.VERSION,
                session_id=self.session_id,
                session_certificate=self.session_certificate,
                author=self.author,
                author_certificate=self.author_certificate,
                time=der.to_generalized_time(self.time),
                sequence=self.sequence,
                recipients=[
                    _Recipient(name=each.name, certificate=each.encrypt_certificate, number=each.number)
                    for each in self.recipients
                ],
                description=self.description,
                answer=_Answer(decision=answer.decision.number, statement=answer.statement.to_der())
                if answer is not None
                else None,
            )
        )

    @classmethod
    def from_der(cls, data: bytes) -> Self:
        """Read ``to_der``.

        Raises:
            MalformedInput: STATEMENT_MALFORMED, ACCOUNT_NAME_MALFORMED, SESSION_ID_MALFORMED.
        """
        read = der.read_structure(_Statement, data, MAX_STATEMENT_BYTES, reason=_STATEMENT_REASON)
        answer = None
        if read.answer is not None:
            der.require_that(
                read.answer.decision in _DECISIONS, "this decision does not exist", reason=_STATEMENT_REASON
            )
            answered = der.read_structure(
                _Statement, read.answer.statement, MAX_PLAIN_STATEMENT_BYTES, reason=_STATEMENT_REASON
            )
            # Before it is read any further: nothing here is nested deeper than once.
            der.require_that(answered.answer is None, "an answer cannot be answered", reason=_STATEMENT_REASON)
            answer = Answer(_DECISIONS[read.answer.decision], cls._from_structure(answered, None))
        else:
            der.require_that(
                len(data) <= MAX_PLAIN_STATEMENT_BYTES, "it is too long without an answer", reason=_STATEMENT_REASON
            )
        statement = cls._from_structure(read, answer)
        der.require_canonical(
            data, statement.to_der(), reason=_STATEMENT_REASON
        )  # of the answered statement's bytes too
        return statement

    @classmethod
    def _from_structure(cls, read: _Statement, answer: Answer | None) -> Self:
        der.require_version(read.version, reason=_STATEMENT_REASON)
        return cls(
            session_id=read.session_id,
            session_certificate=read.session_certificate,
            author=read.author,
            author_certificate=read.author_certificate,
            time=der.from_generalized_time(read.time),
            sequence=read.sequence,
            recipients=tuple(Recipient(each.name, each.certificate, each.number) for each in read.recipients),
            description=read.description,
            answer=answer,
        )


@asn1.sequence
class _Recipient:
    name: str
    certificate: bytes
    number: int


@asn1.sequence
class _Answer:
    decision: int
    statement: bytes


@asn1.sequence
class _Statement:
    version: int
    session_id: str
    session_certificate: bytes
    author: str
    author_certificate: bytes
    time: asn1.GeneralizedTime
    sequence: int
    recipients: list[_Recipient]
    description: bytes
    answer: Annotated[_Answer | None, asn1.Implicit(0)]
