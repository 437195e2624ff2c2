"""The earlier message that an answer or a reply is to.

An answer contains the whole statement that it answers, a reply names one by its digest. Where that is, the register
says: only what holds is found. A statement that somebody made up is nowhere, whatever it says of its author.
"""

from __future__ import annotations

from dataclasses import dataclass

from contract.statement import Statement
from signer_agent.contracts.register import Register


@dataclass(frozen=True, slots=True)
class EarlierMessage:
    """What an answer or a reply is to, as far as it is known here.

    Args:
        digest: of its statement, 32 bytes.
        author: who made it, or is said to have made it by an answer; empty if that is not known.
        number: of the message in our mailbox; 0 if it is not there.
        own_sequence: our number of it in its session, if it is a message of ours; else 0.
    """

    digest: bytes
    author: str
    number: int = 0
    own_sequence: int = 0


def find_earlier(register: Register, statement: Statement, in_reply_to: bytes | None) -> EarlierMessage | None:
    """What a message is an answer or a reply to; None for one that is neither.

    Args:
        register: of our account.
        statement: of the message.
        in_reply_to: digest of the statement that its description names; None if it names none.

    Raises:
        ServiceError: those of ``Register``.
    """
    answered = statement.answer.statement if statement.answer is not None else None
    digest = answered.digest if answered is not None else in_reply_to
    if digest is None:
        return None
    place = register.place(statement.session_id, digest)
    if place is None:
        return EarlierMessage(digest, answered.author if answered is not None else "")
    if place.author == register.account:
        return EarlierMessage(digest, place.author, own_sequence=place.sequence)
    return EarlierMessage(digest, place.author, number=place.number)
