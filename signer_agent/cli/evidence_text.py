"""Evidence in plain words: who signed what and when, and whether it holds."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from contract.bundle.parts import Bundle, DisclosedMessage
from contract.bundle.verification import AnswerReport, BundleReport
from contract.report import Outcome, Report
from contract.statement import Decision
from signer_agent.cli.message_text import size_text
from signer_agent.evidence.facts import time_text

_ANSWERED: Final = {Decision.ACCEPT: "accepts it", Decision.REJECT: "rejects it"}
_OUTCOMES: Final = {
    Outcome.PASSED: "Everything holds: every check passed.",
    Outcome.FAILED: "IT DOES NOT HOLD: a check failed, see below.",
    Outcome.INDETERMINATE: "Not everything could be checked, see below; nothing failed.",
}


def told_rows(bundle: Bundle, report: BundleReport) -> list[tuple[str, str]]:
    """Who signed what and when, and whether it holds."""
    message = bundle.message
    names = ", ".join(each.name for each in message.statement.recipients)
    rows = [
        ("Outcome", _OUTCOMES[report.outcome]),
        ("Content", _what(message)),
        ("Signed", f"by {message.statement.author} together with the session, {time_text(message.statement.time)}"),
        ("To", names),
        ("Session", f"{message.session_sign.info.subject} ({message.statement.session_id})"),
        ("Deposited", f"{time_text(message.entry.time)}, entry {message.receipt.index} of the log"),
    ]
    answers = {each.statement.author: each for each in bundle.answers}
    rows += [("Answer", _answer(each, answers.get(each.name))) for each in report.answers]
    rows.append(("Statement", message.statement.digest.hex()))
    return rows


def disclosure_lines(bundle: Bundle, report: BundleReport, path: Path) -> list[str]:
    """What somebody is about to disclose, to whom, and for how long."""
    message = bundle.message
    failed = [each.name for each in report.answers if each.report.outcome is Outcome.FAILED]
    kept = [each for each in bundle.answers if each.statement.author not in failed]
    remarks = ", ".join(each.statement.author for each in kept if each.disclosure is not None)
    return [
        f"You are about to write {path}. WHOEVER HAS THAT FILE CAN READ, and show to others, for ever:",
        f"  the content   {_what(message)}",
        *([f"  the answers   of {remarks}, with what they say"] if remarks else []),
        f"  who signed    {', '.join(each.statement.author for each in (message, *kept))}, with times and certificates",
        f"  the session   {message.session_sign.info.subject}, with its times, place and members",
        *([f"LEFT OUT, for they do not hold: the answers of {', '.join(failed)}"] if failed else []),
        "It proves all of that without you. No other message can be read with it. It cannot be taken back.",
    ]


def permission_lines(message: DisclosedMessage, account: str, end: datetime) -> list[str]:
    """What somebody is about to permit, to whom, and for how long."""
    return [
        f"You are about to let {account} open this message at the evidence server, until {time_text(end)}:",
        f"  the content   {_what(message)}",
        f"  who signed    {message.statement.author}, with time and certificate; the answers are not shown",
        f"  the session   {message.session_sign.info.subject}, with its times, place and members",
        f"The permission stands in the server's log. It can be revoked; what {account} has seen it can keep.",
    ]


def _what(message: DisclosedMessage) -> str:
    disclosure = message.disclosure
    if disclosure is None:
        return "not disclosed"
    description = disclosure.description
    name = f'"{description.name}"' if description.name else "a text without a name"
    return f"{name}, {description.content_type}, {size_text(description.length)}, SHA-256 {description.digest.hex()}"


def _answer(report: AnswerReport, answer: DisclosedMessage | None) -> str:
    if answer is None or report.decision is None:
        return f"of {report.name}: none was deposited, or we may not see it"
    when = f"{time_text(answer.statement.time)}, entry {answer.receipt.index}"
    said = "" if answer.disclosure else ", without what it says"
    return f"{report.name} {_ANSWERED[report.decision]}, {when}: {_holds(report.report)}{said}"


def _holds(report: Report) -> str:
    return {Outcome.PASSED: "holds", Outcome.FAILED: "DOES NOT HOLD"}.get(report.outcome, "not everything checked")
