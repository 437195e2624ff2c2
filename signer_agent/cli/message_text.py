"""Messages as text for people and as JSON for programs.

What others wrote is shown without what could move the cursor, change colours or look like a line of ours: every
character that is not printable is written as an escape, and every line of it begins with a mark.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from contract.statement import Decision, Statement
from signer_agent.contracts.answers import SentMessage
from signer_agent.contracts.earlier import EarlierMessage
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.register_entry import SeenAnswer

_UNITS: Final = ("bytes", "KiB", "MiB", "GiB", "TiB")
_STEP: Final = 1024
_SHORT_DIGITS: Final = 16  # of a digest
_DECIDED: Final = {Decision.ACCEPT: "accepts", Decision.REJECT: "rejects"}


def visible(text: str) -> str:
    """One line: every character that is not printable as an escape."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def visible_lines(text: str, mark: str = "| ") -> list[str]:
    """Text of others, line by line, each behind a mark."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [mark + visible(line) for line in lines]


def size_text(size: int) -> str:
    """A size for people: 1.5 MiB."""
    number, unit = float(size), 0
    while number >= _STEP and unit < len(_UNITS) - 1:
        number, unit = number / _STEP, unit + 1
    return f"{number:.1f} {_UNITS[unit]}" if unit else f"{size} {_UNITS[0]}"


def exact_size_text(size: int) -> str:
    """The same, with the number of bytes: 1.5 MiB (1572864 bytes)."""
    return size_text(size) if size < _STEP else f"{size_text(size)} ({size} {_UNITS[0]})"


def what_text(message: Message, earlier: EarlierMessage | None) -> str:
    """What a message is: its name or its type, and what it replies to; or what it answers."""
    return _kind_text(message.statement, message.description.content_type, message.description.name, earlier)


def sent_text(sent: SentMessage) -> str:
    """The same of a message of ours."""
    return _kind_text(sent.statement, sent.content_type, sent.name, sent.earlier)


def _kind_text(statement: Statement, content_type: str, name: str, earlier: EarlierMessage | None) -> str:
    # a file can have the name "reply to message 3": so names stand in quotation marks, and our words do not
    what = visible(json.dumps(name, ensure_ascii=False)) if name else content_type
    if earlier is None:
        return what
    if statement.answer is not None:
        return f"{_DECIDED[statement.answer.decision]} {_earlier_text(earlier)}"
    return f"{what}, reply to {_earlier_text(earlier)}"


def _earlier_text(earlier: EarlierMessage) -> str:
    if earlier.own_sequence:
        return f"your message {earlier.own_sequence}"
    of_author = f" of {earlier.author}" if earlier.author else ""
    if earlier.number:
        return f"message {earlier.number}{of_author}"
    return f"a message{of_author} that is not here, {earlier.digest.hex()[:_SHORT_DIGITS]}..."


def verdict_text(message: Message) -> str:
    """Verified, or why not; and what is to be said of its delivery."""
    verdict = "verified" if message.verdict.verified else f"NOT VERIFIED: {message.verdict.problem}"
    return f"{verdict} ({message.note})" if message.note else verdict


def evidence_text(log_index: int | None) -> str:
    """Where the evidence server's log has a message; empty if it is no evidence."""
    return "" if log_index is None else f"entry {log_index}"


def answers_text(answers: Sequence[SeenAnswer]) -> str:
    """Who answered what, and when."""
    return "; ".join(
        f"{answer.author} {_DECIDED[answer.decision]} {answer.time:%Y-%m-%d %H:%M:%S}" for answer in answers
    )


def message_json(
    message: Message, earlier: EarlierMessage | None, answers: Sequence[SeenAnswer] = ()
) -> dict[str, Any]:
    """A received message for programs."""
    return {
        "number": message.number,
        "envelope_id": message.envelope_id,
        **_statement_json(message.statement),
        "receive_time": message.receive_time.isoformat(),
        "content_type": message.description.content_type,
        "name": message.description.name,
        "size": message.description.length,
        "digest": message.description.digest.hex(),
        "in_reply_to": message.description.in_reply_to.hex() if message.description.in_reply_to else None,
        "earlier_message": _earlier_json(earlier),
        "verified": message.verdict.verified,
        "problem": message.verdict.problem,
        "note": message.note,
        "log_index": message.log_index,
        "checks": [
            {"name": check.name, "outcome": check.outcome.value, "reason": check.reason}
            for check in message.verdict.checks
        ],
        "answers": [_answer_json(answer) for answer in answers],
    }


def sent_json(sent: SentMessage) -> dict[str, Any]:
    """A sent message for programs."""
    return {
        "envelope_id": sent.envelope_id,
        **_statement_json(sent.statement),
        "recipients": [recipient.name for recipient in sent.statement.recipients],
        "content_type": sent.content_type,
        "name": sent.name,
        "size": sent.length,
        "digest": sent.digest.hex(),
        "earlier_message": _earlier_json(sent.earlier),
        "expire_time": sent.expire_time.isoformat(),
        "log_index": sent.log_index,
        "answers": [_answer_json(answer) for answer in sent.answers],
    }


def _statement_json(statement: Statement) -> dict[str, Any]:
    answer = statement.answer
    return {
        "session_id": statement.session_id,
        "author": statement.author,
        "time": statement.time.isoformat(),
        "sequence": statement.sequence,
        "statement": statement.digest.hex(),
        "answer": {"decision": answer.decision.value, "statement": answer.statement.digest.hex()} if answer else None,
    }


def _earlier_json(earlier: EarlierMessage | None) -> dict[str, Any] | None:
    if earlier is None:
        return None
    return {
        "statement": earlier.digest.hex(),
        "author": earlier.author or None,
        "number": earlier.number or None,
        "own_sequence": earlier.own_sequence or None,
    }


def _answer_json(answer: SeenAnswer) -> dict[str, Any]:
    return {
        "author": answer.author,
        "decision": answer.decision.value,
        "time": answer.time.isoformat(),
        "number": answer.number or None,
    }
