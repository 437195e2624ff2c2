"""What the register keeps: of each statement its digest, its place and the answers to it; which messages are here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from contract.statement import Decision
from signer_agent.contracts.numbers import Numbers
from wire.client.documents import Fields, Json, bytes_to_text, decode, encode

_MAX_ANSWERS: Final = 8  # that one author can have listed to one statement: people answer once


@dataclass(frozen=True, slots=True)
class SeenAnswer:
    """Somebody's answer, which holds.

    Args:
        author: who answered.
        decision: accept or reject.
        time: by the author's clock, UTC.
        number: of the message that brought it, in our mailbox; 0 for an answer of our own.
    """

    author: str
    decision: Decision
    time: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement that holds is found.

    Args:
        author: who made it.
        sequence: its number among the author's statements in the session.
        number: of the message that brought it, in our mailbox; 0 for our own.
    """

    author: str
    sequence: int
    number: int

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {}

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``."""
        return encode({"author": self.author, "sequence": self.sequence, "number": self.number})

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """See ``Entry``."""
        fields.end()
        sealed = Fields(decode(secret))
        place = cls(sealed.text("author"), sealed.integer("sequence"), sealed.integer("number"))
        sealed.end()
        return place


@dataclass(frozen=True, slots=True)
class StatementRecord:
    """What is known of a statement with one author and sequence number.

    Args:
        digest: its own, 32 bytes; empty while only answers to it are here.
        answers: the answers, in the order of their coming, each with the digest of the statement that it contains.
    """

    digest: bytes = b""
    answers: tuple[tuple[bytes, SeenAnswer], ...] = ()

    def answers_to(self, digest: bytes) -> list[SeenAnswer]:
        """The answers to the statement with that digest, oldest first."""
        return sorted((each for to, each in self.answers if to == digest), key=lambda each: each.time)

    def with_answer(self, digest: bytes, answer: SeenAnswer) -> StatementRecord:
        """The same with an answer, unless it is known, or its author has answered too often."""
        known = [each for _, each in self.answers if each.author == answer.author]
        if (digest, answer) in self.answers or len(known) >= _MAX_ANSWERS:
            return self
        return replace(self, answers=(*self.answers, (digest, answer)))

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {}

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``."""
        answers = {
            f"{index:04}": {
                "to": bytes_to_text(to),
                "author": each.author,
                "decision": each.decision.value,
                "time": each.time.isoformat(),
                "number": each.number,
            }
            for index, (to, each) in enumerate(self.answers)
        }
        return encode({"digest": bytes_to_text(self.digest), "answers": answers})

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """See ``Entry``."""
        fields.end()
        sealed = Fields(decode(secret))
        digest, listed = sealed.data("digest"), sealed.document("answers")
        sealed.end()
        whole = Fields(listed)
        return cls(digest, tuple(_answer(whole.fields(index)) for index in sorted(listed)))


@dataclass(frozen=True, slots=True)
class Tally:
    """Which messages to us are here, of one session.

    Args:
        numbers: by author, as the author counts the messages to us.
    """

    numbers: Mapping[str, Numbers]

    def of(self, author: str) -> Numbers:
        """Those of an author."""
        return self.numbers.get(author, Numbers())

    def with_number(self, author: str, number: int) -> Tally:
        """The same with a message of an author."""
        return Tally({**self.numbers, author: self.of(author).with_number(number)})

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {}

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``."""
        return encode({author: numbers.to_text() for author, numbers in self.numbers.items()})

    @classmethod
    def load(cls, fields: Fields, secret: bytes) -> Self:
        """See ``Entry``."""
        fields.end()
        listed = decode(secret)
        sealed = Fields(listed)
        return cls({author: Numbers.from_text(sealed.text(author)) for author in listed})


@dataclass(frozen=True, slots=True)
class Progress:
    """Up to where a mailbox or an outbox is in the register."""

    count: int

    def to_public(self) -> Json:
        """See ``Entry``."""
        return {"count": self.count}

    def to_secret_bytes(self) -> bytes:
        """See ``Entry``."""
        return b""

    @classmethod
    def load(cls, fields: Fields, _: bytes) -> Self:
        """See ``Entry``."""
        count = fields.integer("count")
        fields.end()
        return cls(count)


def _answer(fields: Fields) -> tuple[bytes, SeenAnswer]:
    to = fields.data("to")
    answer = SeenAnswer(
        fields.text("author"),
        Decision(fields.text("decision")),
        datetime.fromisoformat(fields.text("time")),
        fields.integer("number"),
    )
    fields.end()
    return to, answer
