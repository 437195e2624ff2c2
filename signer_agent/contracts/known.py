"""What a mailbox already has of a session: to recognise what comes twice, out of order, or not at all.

Every statement numbers its author's messages to each recipient: 1, 2, 3, ... The server signs no number twice and skips
none, and says how many there are. Only messages that were verified count here. Another one could claim any number; or
have the genuine statement with other content, from somebody who received it too, to be here before the genuine one.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from contract.statement import Statement
from contract.verification import Expected
from signer_agent.contracts.numbers import Numbers
from signer_agent.contracts.register import Register

_NAMED: Final = 3  # of missing numbers, so that a line stays a line


class Known:
    """Messages of one session, as the register has them. For who receives in it: nobody else adds to it meanwhile.

    Every method may read files, but not more of them the more messages are here, and raises as those of ``Register``.

    Args:
        register: of the account whose mailbox it is.
        session_id: which.
    """

    def __init__(self, register: Register, session_id: str) -> None:
        self._register = register
        self._session_id = session_id

    def is_genuine(self, statement: Statement) -> bool:
        """Whether a statement, received in whatever envelope or made by us, is known to hold."""
        return statement.session_id == self._session_id and self._register.record(statement).digest == statement.digest

    def numbers(self, author: str) -> Numbers:
        """Which messages of an author are here, as the author counts those to us."""
        return self._register.tally(self._session_id).of(author)

    def expected(self, statement: Statement, encrypt_certificate: bytes) -> Expected:
        """What the verification of a message is to expect.

        A message that comes late is no repetition: what counts is whether its number and sequence number are free.

        Args:
            statement: of the message.
            encrypt_certificate: fingerprint of ours.
        """
        numbers, taken = self.numbers(statement.author), bool(self._register.record(statement).digest)
        number = next((each.number for each in statement.recipients if each.name == self._register.account), 0)
        answered = statement.answer.statement if statement.answer is not None else None
        return Expected(
            session_id=self._session_id,
            name=self._register.account,
            encrypt_certificate=encrypt_certificate,
            last_sequence=statement.sequence - (not taken),
            next_number=_next_number(numbers, number),
            statements=frozenset([answered.digest] if answered is not None and self.is_genuine(answered) else []),
        )

    def note(self, statement: Statement) -> str:
        """What is to be said of the delivery of a verified message that comes now; empty if it is the next one."""
        number, before = statement.recipient(self._register.account).number, self.numbers(statement.author)
        if number < before.highest:
            return f"out of order: message {number} of {statement.author} came after message {before.highest}"
        missing = [str(each) for each in islice(before.missing(number - 1), _NAMED + 1)]
        if missing:
            named = ", ".join(missing[:_NAMED]) + (", ..." if len(missing) > _NAMED else "")
            return f"not delivered before it: message {named} of {statement.author}"
        return ""


def _next_number(numbers: Numbers, number: int) -> int:
    if number in numbers:
        return number + 1
    return number if number < numbers.highest else numbers.lowest_free
