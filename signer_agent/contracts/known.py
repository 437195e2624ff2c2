"""What a mailbox already has of a session: to recognise what comes twice, out of order, or not at all.

Every statement numbers its author's messages to each recipient: 1, 2, 3, ... The server signs no number twice and skips
none, and says how many there are. Only messages that were verified count here. Another one could claim any number; or
have the genuine statement with other content, from somebody who received it too, to be here before the genuine one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from contract.statement import Statement
from contract.verification import Expected
from signer_agent.contracts.mailbox import Message

_NAMED: Final = 3  # of missing numbers, so that a line stays a line


class Known:
    """Messages of one session.

    Args:
        session_id: which.
        account: whose mailbox it is.
    """

    def __init__(self, session_id: str, account: str) -> None:
        self._session_id = session_id
        self._account = account
        self._envelopes: set[str] = set()
        self._genuine: set[bytes] = set()
        self._numbers: defaultdict[str, set[int]] = defaultdict(set)
        self._sequences: defaultdict[str, set[int]] = defaultdict(set)

    def add(self, message: Message) -> None:
        """Know a message; those of other sessions do not matter."""
        statement = message.statement
        if statement.session_id != self._session_id:
            return
        self._envelopes.add(message.envelope_id)
        if message.verdict.verified:
            self._genuine.add(statement.digest)
            self._numbers[statement.author].add(self._number(statement))
            self._sequences[statement.author].add(statement.sequence)

    @property
    def genuine(self) -> frozenset[bytes]:
        """Digests of the statements that hold."""
        return frozenset(self._genuine)

    def has_envelope(self, envelope_id: str) -> bool:
        """Whether a message came in that envelope."""
        return envelope_id in self._envelopes

    def has_statement(self, statement: Statement) -> bool:
        """Whether that message came before and was verified, in whatever envelope."""
        return statement.digest in self._genuine

    def count(self, author: str) -> int:
        """How many messages of an author are here."""
        return len(self._numbers[author])

    def expected(self, statement: Statement, encrypt_certificate: bytes, genuine: frozenset[bytes]) -> Expected:
        """What the verification of a message is to expect.

        A message that comes late is no repetition: what counts is whether its number and sequence number are free.

        Args:
            statement: of the message.
            encrypt_certificate: fingerprint of ours.
            genuine: digests of the statements that hold.
        """
        numbers, sequences = self._numbers[statement.author], self._sequences[statement.author]
        number = self._number_or_0(statement)
        lowest_free = next(each for each in range(1, len(numbers) + 2) if each not in numbers)
        late = bool(numbers) and number < max(numbers)
        return Expected(
            session_id=self._session_id,
            name=self._account,
            encrypt_certificate=encrypt_certificate,
            last_sequence=max((each for each in sequences if each <= statement.sequence), default=0),
            next_number=number + 1 if number in numbers else number if late else lowest_free,
            statements=genuine,
        )

    def note(self, statement: Statement) -> str:
        """What is to be said of the delivery of a verified message that comes now; empty if it is the next one."""
        number, before = self._number(statement), self._numbers[statement.author]
        if before and number < max(before):
            return f"out of order: message {number} of {statement.author} came after message {max(before)}"
        missing = [str(each) for each in range(1, number) if each not in before]
        if missing:
            named = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
            return f"not delivered before it: message {named} of {statement.author}"
        return ""

    def missing(self, author: str, count: int) -> Iterator[int]:
        """The numbers, up to ``count``, of an author's messages that are not here."""
        here = self._numbers[author]
        return (number for number in range(1, count + 1) if number not in here)

    def _number(self, statement: Statement) -> int:
        return statement.recipient(self._account).number

    def _number_or_0(self, statement: Statement) -> int:
        return next((each.number for each in statement.recipients if each.name == self._account), 0)
