"""The report on a bundle as PDF, for somebody who was not there when it was verified: ``write_report``."""

from __future__ import annotations

from typing import Final

from reportlab.lib.units import mm

from contract.bundle.parts import DisclosedMessage
from contract.bundle.verification import number_of
from contract.report import Outcome, Report
from signer_agent.evidence.facts import (
    certificate_rows,
    log_rows,
    message_rows,
    session_rows,
    time_text,
    trust_rows,
)
from signer_agent.evidence.pdf_page import Pages
from signer_agent.evidence.verification import Finding
from signer_agent.evidence.wording import LIMITS, MEANINGS, VERDICTS, reason_text
from wire.client.version import VERSION

_TITLE: Final = "Verification of a disclosure bundle"
_COLUMNS: Final = (10 * mm, 36 * mm, 26 * mm, 98 * mm)
_TIME: Final = "%Y-%m-%d %H:%M:%S"
_SIGNERS: Final = (40 * mm, 60 * mm, 35 * mm, 35 * mm)


def write_report(finding: Finding) -> bytes:
    """The report. The same finding makes the same bytes."""
    program = f"Fourseal {VERSION}"
    pages = Pages(_TITLE, program, f"{_TITLE}, manifest {finding.manifest.hex()[:16]}, {time_text(finding.time)}")
    outcome = finding.report.outcome
    pages.heading(_TITLE, 15.0)
    pages.paragraph(f"Verdict: {outcome.value}. {VERDICTS[outcome]}", bold=True)
    pages.rows(
        [
            ("Bundle", finding.file),
            ("Manifest", f"SHA-256 {finding.manifest.hex()}"),
            ("Verified", f"{time_text(finding.time)}, offline, by {program}"),
        ]
    )
    pages.heading("Whom the verifier believed")
    pages.rows(trust_rows(finding))
    pages.heading("Session")
    pages.rows(session_rows(finding.bundle))
    _signers(pages, finding)
    _message(pages, "Message", finding.bundle.message, finding.report.message)
    answers = {each.statement.author: each for each in finding.bundle.answers}
    for number, each in enumerate(finding.report.answers, start=1):
        if each.name in answers:
            _message(pages, f"Answer {number}", answers[each.name], each.report)
    pages.heading("Limits of this statement")
    for text in LIMITS.split("\n\n"):
        pages.paragraph(" ".join(text.split()))
    return pages.finish()


def _signers(pages: Pages, finding: Finding) -> None:
    pages.heading("Who signed")
    pages.line(("Account", "What", "Time (UTC)", "Verdict"), _SIGNERS, bold=True)
    message, report = finding.bundle.message.statement, finding.report.message
    pages.line((message.author, "the message", f"{message.time:{_TIME}}", report.outcome.value), _SIGNERS)
    answers = {each.statement.author: each.statement for each in finding.bundle.answers}
    for each in finding.report.answers:
        if each.decision is None:
            pages.line((each.name, "answer missing: not in the bundle", "-", "-"), _SIGNERS)
        else:
            time = f"{answers[each.name].time:{_TIME}}"
            pages.line((each.name, f"answer: {each.decision.value}", time, each.report.outcome.value), _SIGNERS)


def _message(pages: Pages, title: str, message: DisclosedMessage, report: Report) -> None:
    pages.heading(f"{title}: what it says")
    pages.rows([*message_rows(message), *log_rows(message, report), *certificate_rows(message)])
    pages.heading(f"{title}: checks")
    pages.line(("No.", "Check", "Outcome", "What it says, or why it did not pass"), _COLUMNS, bold=True)
    for check in report.checks:
        passed = check.outcome is Outcome.PASSED
        said = MEANINGS[check.name] if passed else f"{reason_text(check.reason)} (if passed: {MEANINGS[check.name]})"
        cells = (str(number_of(check.name)), check.name, check.outcome.value, said)
        pages.line(cells, _COLUMNS, bold=not passed)
