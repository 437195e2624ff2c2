"""The register of statements: what is asked of earlier messages, found without reading them.

::

    register/<account>/<session id>/<author>.<sequence>.json   sealed: the digest of that statement, the answers to it
    register/<account>/places/<session id>/<digest>.json       sealed: whose the statement of that digest is, and where
    register/<account>/tallies/<session id>.json               sealed: which messages of each author to us are here
    register/<account>/progress/<what>.json                    up to where a mailbox or an outbox is in the register

Only statements that hold are in it. It follows the mailbox and the outbox, and can be made from them: to enter a
statement twice changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from contract.names import check_account_name, check_session_id
from contract.statement import Decision, Statement
from signer_agent.contracts.numbers import Numbers
from signer_agent.keystore.documents import DocumentError, Fields, Json, bytes_to_text, decode, encode
from signer_agent.keystore.drawer import Drawer
from signer_agent.keystore.store import KeyStore

_NAME: Final = re.compile(r"[a-z0-9._-]{1,63}\.[1-9][0-9]{0,18}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
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
class _Progress:
    count: int

    def to_public(self) -> Json:
        return {"count": self.count}

    def to_secret_bytes(self) -> bytes:
        return b""

    @classmethod
    def load(cls, fields: Fields, _: bytes) -> Self:
        count = fields.integer("count")
        fields.end()
        return cls(count)


class Register:
    """One account's register. Safe to use from several threads and processes. Every method may read files.

    Every method raises ServiceError (STORE_DAMAGED, STORE_PERMISSIONS, STORE_UNUSABLE).

    Args:
        store: the opened key store.
        account: whose.
    """

    def __init__(self, store: KeyStore, account: str) -> None:
        self.account = check_account_name(account)
        """Whose it is."""
        self._store = store
        self._place = f"register/{account}"
        self._tallies = store.drawer(f"{self._place}/tallies", "tally", Tally, check_session_id)
        self._progress = store.drawer(f"{self._place}/progress", "progress", _Progress, lambda name: name)
        self._statements: dict[str, Drawer[StatementRecord]] = {}
        self._places: dict[str, Drawer[Place]] = {}

    def progress(self, what: str) -> int:
        """Up to where it has been entered: a mailbox or an outbox."""
        found = self._progress.get(what)
        return found.count if found else 0

    def set_progress(self, what: str, count: int) -> None:
        """Remember that all up to there has been entered."""
        self._progress.put(what, _Progress(count))

    def know(self, statement: Statement) -> None:
        """Enter that a statement holds, but not what follows from its arriving."""

        def known(record: StatementRecord | None) -> StatementRecord:
            if record is not None and record.digest == statement.digest:
                return record
            return replace(record or StatementRecord(), digest=statement.digest)

        self._drawer(statement.session_id).update(_name(statement), known)

    def enter(self, statement: Statement, number: int) -> None:
        """Enter a statement that holds and has arrived.

        Args:
            statement: received, or our own.
            number: of the message that brought it, in our mailbox; 0 for our own.
        """
        self.know(statement)
        place = Place(statement.author, statement.sequence, number)
        self._drawer_of_places(statement.session_id).update(statement.digest.hex(), lambda known: known or place)
        if statement.answer is not None:
            said = SeenAnswer(statement.author, statement.answer.decision, statement.time, number)
            answered = statement.answer.statement
            self._drawer(statement.session_id).update(
                _name(answered), lambda known: (known or StatementRecord()).with_answer(answered.digest, said)
            )
        if number:
            counted = statement.recipient(self.account).number
            self._tallies.update(
                statement.session_id, lambda known: (known or Tally({})).with_number(statement.author, counted)
            )

    def record(self, statement: Statement) -> StatementRecord:
        """What is known of the statement with that session, author and sequence number; of another digest perhaps."""
        return self._drawer(statement.session_id).get(_name(statement)) or StatementRecord()

    def place(self, session_id: str, digest: bytes) -> Place | None:
        """Where the statement of that digest is; None if it is not here, or does not hold."""
        return self._drawer_of_places(session_id).get(digest.hex())

    def answers_to(self, statement: Statement) -> list[SeenAnswer]:
        """The answers to a statement, ours too, oldest first."""
        return self.record(statement).answers_to(statement.digest)

    def tally(self, session_id: str) -> Tally:
        """Which messages to us are here."""
        return self._tallies.get(session_id) or Tally({})

    def _drawer(self, session_id: str) -> Drawer[StatementRecord]:
        found = self._statements.get(session_id)
        if found is None:
            place = f"{self._place}/{check_session_id(session_id)}"
            found = self._store.drawer(place, "statement", StatementRecord, _check_name)
            self._statements[session_id] = found
        return found

    def _drawer_of_places(self, session_id: str) -> Drawer[Place]:
        found = self._places.get(session_id)
        if found is None:
            folder = f"{self._place}/places/{check_session_id(session_id)}"
            found = self._store.drawer(folder, "place", Place, _check_digest)
            self._places[session_id] = found
        return found


def _name(statement: Statement) -> str:
    return f"{statement.author}.{statement.sequence}"


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise DocumentError("no name of a statement")
    return name


def _check_digest(name: str) -> str:
    if not _DIGEST.fullmatch(name):
        raise DocumentError("no digest of a statement")
    return name


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
