"""How commands show what the verification of a bundle came to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from contract.bundle.parts import Bundle, DisclosedMessage
from contract.bundle.verification import AnswerReport, BundleReport, number_of
from contract.certificate_parts import fingerprint
from contract.report import Report
from signer_agent.evidence.facts import log_rows, message_rows, session_rows, stamp_time
from signer_agent.evidence.verification import Finding
from signer_agent.evidence.wording import MEANINGS, reason_text
from wire.client.output import OUTPUT, print_json

_COLUMNS: Final = ("Of", "No.", "Check", "Outcome", "What it says, or why not")


def show_finding(finding: Finding) -> None:
    """What the bundle says, every check, and the verdict."""
    if OUTPUT.as_json:
        print_json(finding_json(finding))
        return
    message, report = finding.bundle.message, finding.report.message
    rows = [
        ("Bundle", finding.file),
        ("Manifest", finding.manifest.hex()),
        ("Authority", fingerprint(finding.bundle.authority).hex()),
        *session_rows(finding.bundle),
        *message_rows(message),
        *log_rows(message, report),
    ]
    OUTPUT.show({}, rows)
    show_checks(finding.report)
    OUTPUT.show({}, [("Verdict", finding.report.outcome.value)])


def show_checks(report: BundleReport) -> None:
    """Every check of a bundle, by number; for people."""
    OUTPUT.show_table({}, _COLUMNS, list(_check_rows(report)))


def finding_json(finding: Finding) -> dict[str, Any]:
    """The same for programs."""
    trust = finding.trust
    return {
        "bundle": finding.file,
        "manifest_sha256": finding.manifest.hex(),
        "verify_time": finding.time.isoformat(),
        "trust": {
            "authority": None if trust.authority is None else fingerprint(trust.authority).hex(),
            "log_key": None if trust.log_key is None else trust.log_key.to_text(),
            "time_stamp_authorities": [fingerprint(each).hex() for each in trust.time_stamps],
        },
        **bundle_json(finding.bundle, finding.report),
    }


def bundle_json(bundle: Bundle, report: BundleReport) -> dict[str, Any]:
    """What a bundle says, and every check of it."""
    answers = {each.statement.author: each for each in bundle.answers}
    return {
        "outcome": report.outcome.value,
        "authority": fingerprint(bundle.authority).hex(),
        "message": _message_json(bundle.message, report.message),
        "answers": [_answer_json(answers.get(each.name), each) for each in report.answers],
    }


def _check_rows(report: BundleReport) -> Iterator[tuple[str, ...]]:
    yield from _report_rows("message", report.message)
    for each in report.answers:
        if each.decision is None:
            yield f"answer of {each.name}", "", "", "missing", "the bundle has no answer of this recipient"
        yield from _report_rows(f"answer of {each.name}", each.report)


def _report_rows(of: str, report: Report) -> Iterator[tuple[str, ...]]:
    for check in report.checks:
        said = reason_text(check.reason) or MEANINGS[check.name]
        yield of, str(number_of(check.name)), check.name, check.outcome.value, said


def _answer_json(answer: DisclosedMessage | None, each: AnswerReport) -> dict[str, Any]:
    if answer is None or each.decision is None:
        return {"author": each.name, "decision": None}
    return {"decision": each.decision.value, **_message_json(answer, each.report)}


def _message_json(message: DisclosedMessage, report: Report) -> dict[str, Any]:
    statement, disclosure, info = message.statement, message.disclosure, message.session_sign.info
    stamped = stamp_time(message, report)
    return {
        "author": statement.author,
        "display_name": message.author.display_name,
        "session_id": statement.session_id,
        "subject": info.subject,
        "recipients": [each.name for each in statement.recipients],
        "statement_time": statement.time.isoformat(),
        "statement_sha256": statement.digest.hex(),
        "content": None
        if disclosure is None
        else {
            "name": disclosure.description.name,
            "content_type": disclosure.description.content_type,
            "length": disclosure.description.length,
            "sha256": disclosure.description.digest.hex(),
        },
        "certificates": {
            "author_sign": message.author.fingerprint.hex(),
            "session_sign": message.session_sign.fingerprint.hex(),
            "session_encrypt": message.session_encrypt.fingerprint.hex(),
        },
        "log_index": message.receipt.index,
        "log_time": message.entry.time.isoformat(),
        "time_stamp_time": None if stamped is None else stamped.isoformat(),
        "checks": [
            {
                "number": number_of(check.name),
                "name": check.name,
                "outcome": check.outcome.value,
                "reason": check.reason,
            }
            for check in report.checks
        ],
    }
