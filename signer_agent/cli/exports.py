"""How commands show what the verification of a records export came to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import typer

from contract.bundle.checks import TRUST_MISSING, BundleTrust
from contract.certificate_parts import fingerprint
from contract.report import PREREQUISITE_FAILED
from contract.trusteeship.export import FIRST_TIME, LAST_TIME
from contract.trusteeship.record_order import Finding
from contract.trusteeship.verification import CHECKS, MAX_FINDINGS, ExportReport
from signer_agent.cli.files import file_progress
from signer_agent.evidence.facts import time_text
from signer_agent.trusteeship.verification import verify_export_file
from wire.client.output import EXIT_STATUS, OUTPUT, print_json

_CHECKS: Final = ("No.", "Check", "Outcome", "What it says, or why not")
_FINDINGS: Final = ("Record", "Check", "Why it does not hold")
_MEANINGS: Final = {
    "authority": "The certificates are of the authority that the verifier knows.",
    "revocation-list": "The list of revoked certificates is the authority's, and as new as the last record.",
    "checkpoint": "The log signed the checkpoint that the records are proven against.",
    "complete": "There are as many records as the file says.",
}
_REASONS: Final = {
    TRUST_MISSING: "the verifier was not told whom to believe here",
    PREREQUISITE_FAILED: "another check must pass first",
    "RECORDS_CUT": "the file has fewer or more records than it says",
    "REVOCATION_LIST_OUTDATED": "the list is older than the last record",
    "RECORD_MISSING": "missing: somebody took it away",
    "RECORD_OF_USER_MISSING": "records of this user before this one are missing",
    "RECORD_REPEATED": "its number was there before",
    "RECORD_OF_OTHER_KEY": "it is of another key or user",
    "RECORD_OF_OTHER_TIME": "it is of a time that was not exported",
    "RECORD_TIME_WRONG": "it is older than the record before",
    "ENTRY_OF_OTHER_KIND": "the log's entry is of no use",
    "LOGGED_BEFORE_SIGNED": "the log's entry is older than what was signed",
    "LOGGED_LATE": "it was logged later than a user is waited for: it may have taken the place of another record",
    "CERTIFICATE_MISSING": "the file has not the certificate that it names",
    "CERTIFICATE_OF_OTHER_ACCOUNT": "the certificate is of somebody else",
    "CERTIFICATE_OF_OTHER_ORGANISATION": "the certificate is of another organisation",
    "CERTIFICATE_REVOKED": "the certificate had been revoked before",
    "GRANT_MISSING": "the file has not the grant that it names",
    "GRANT_ORDER_WRONG": "an order is of another grant or round, or by somebody who may not give it",
    "GRANT_NOT_APPROVED": "too few administrators approved it",
    "GRANT_NOT_ACTIVE": "the grant was suspended or revoked then, or not approved yet",
    "GRANT_OF_OTHER_USER": "the grant is somebody else's, or another organisation's",
    "GRANT_USED_UP": "the grant was used more often than it allows",
    "GRANT_NOT_BEGUN": "the grant's time had not come",
    "GRANT_ENDED": "the grant's time was over",
    "KEY_OUTSIDE_GRANT": "the grant is for another key",
    "PURPOSE_OUTSIDE_GRANT": "the grant is for another purpose",
    "KIND_OUTSIDE_GRANT": "the grant does not allow this kind of document",
    "DIGEST_OUTSIDE_GRANT": "the grant does not allow this document",
    "OPERATION_NOT_OF_KEY": "the key cannot do this",
}


def show_export(file: Path, trust: BundleTrust) -> NoReturn:
    """Verify a file, and show what it came to. Exit status as that of ``verify``.

    Raises:
        typer.Exit: always.
        FoursealError: what ``verify_export_file`` raises.
    """
    with file_progress(f"Verifying {file.name}") as progress:
        report = verify_export_file(file, trust, progress)
    if OUTPUT.as_json:
        print_json(_report_json(file, report, trust))
    else:
        _show(file, report)
    raise typer.Exit(EXIT_STATUS[report.outcome])


def _show(file: Path, report: ExportReport) -> None:
    OUTPUT.show({}, list(_rows(file, report)))
    checks = [
        (str(CHECKS.index(each.name) + 1), each.name, each.outcome.value, _why(each.reason) or _MEANINGS[each.name])
        for each in report.export.checks
    ]
    OUTPUT.show_table({}, _CHECKS, checks)
    if report.findings:
        OUTPUT.show_table({}, _FINDINGS, [(_numbers(each), each.name, _why(each.reason)) for each in report.findings])
    if report.failed > MAX_FINDINGS:
        OUTPUT.note(f"These are the first {MAX_FINDINGS} of {report.failed}.")
    OUTPUT.show({}, [("Verdict", report.outcome.value)])


def _rows(file: Path, report: ExportReport) -> Iterator[tuple[str, str]]:
    head, point = report.head, report.checkpoint
    yield "Export", file.name
    yield "Organisation", head.organisation
    yield "Key", head.key_id
    yield "Users", head.user or "all"
    if head.begin != FIRST_TIME:
        yield "From", time_text(head.begin)
    if head.end != LAST_TIME:
        yield "Until", time_text(head.end)
    numbers = f", {report.first} to {report.last}" if report.records else ""
    yield "Records", f"{report.records}{numbers}; missing: {report.missing}"
    yield "Outcomes", ", ".join(f"{count} {outcome}" for outcome, count in sorted(report.outcomes.items())) or "-"
    yield "Log", "unreadable" if point is None else f"{point.origin}, size {point.size}, root {point.root.hex()}"


def _numbers(finding: Finding) -> str:
    return str(finding.number) if finding.number == finding.last else f"{finding.number} to {finding.last}"


def _why(reason: str) -> str:
    return f"{reason}: {_REASONS[reason]}" if reason in _REASONS else reason


def _report_json(file: Path, report: ExportReport, trust: BundleTrust) -> dict[str, Any]:
    head, point = report.head, report.checkpoint
    return {
        "export": file.name,
        "outcome": report.outcome.value,
        "trust": {
            "authority": None if trust.authority is None else fingerprint(trust.authority).hex(),
            "log_key": None if trust.log_key is None else trust.log_key.to_text(),
        },
        "organisation": head.organisation,
        "key_id": head.key_id,
        "user": head.user,
        "begin": None if head.begin == FIRST_TIME else head.begin.isoformat(),
        "end": None if head.end == LAST_TIME else head.end.isoformat(),
        "records": report.records,
        "first": report.first,
        "last": report.last,
        "missing": report.missing,
        "outcomes": {outcome.value: count for outcome, count in report.outcomes.items()},
        "checkpoint": None if point is None else {"origin": point.origin, "size": point.size, "root": point.root.hex()},
        "checks": [
            {"name": each.name, "outcome": each.outcome.value, "reason": each.reason} for each in report.export.checks
        ],
        "failed": report.failed,
        "findings": [
            {"number": each.number, "last": each.last, "check": each.name, "reason": each.reason}
            for each in report.findings
        ],
    }
