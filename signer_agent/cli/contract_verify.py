"""``contract verify``: whether a finished contract holds; offline, and with the server's archive if that is asked."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Optional

import typer

from contract.documents.draft import DraftFormat
from contract.documents.reading import read_draft
from contract.report import Check, Outcome
from contract.watermark.alignment import Alteration
from signer_agent.cli.drafting import with_drafting
from signer_agent.cli.invocation import Invocation
from signer_agent.cli.message_text import visible
from signer_agent.cli.options import TsaOption
from signer_agent.cli.trust import read_authority, read_certificates, wrong_command
from signer_agent.drafting.model import Archived
from signer_agent.drafting.wording import MEANINGS, kind_of, reason_text
from signer_agent.evidence.facts import time_text
from wire.client.named_files import read_file
from wire.client.output import EXIT_STATUS, OUTPUT, print_json
from wire.status import RemoteError

if TYPE_CHECKING:  # it reads PDFs, which is long to import for the other commands
    from contract.drafting.verification import ContractReport, Original

_MAX_BYTES: Final = 16 << 20
_LONGEST_SHOWN: Final = 60
_CHECKS: Final = ("Of", "Check", "Outcome", "What it says")
_ALTERED: Final = ("Paragraph", "Was", "Before", "After")


def verify(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The contract: PDF or DOCX.")],
    *,
    authority: Annotated[Path, typer.Option(metavar="PEM", help="File with the authority's certificate.")],
    original: Annotated[
        Optional[Path],  # noqa: UP045  # typer reads it
        typer.Option(metavar="DRAFT", help="The draft that was signed: says which part of the text was altered."),
    ] = None,
    server: Annotated[bool, typer.Option("--server", help="Ask the server's archive too.")] = False,
    tsa_certificate: TsaOption = None,
) -> None:
    """Verify a finished contract: its text, watermark, statements, consents and PDF signatures. Offline.

    Exit status 0 if it holds, 1 if not, 2 if the command is wrong, 3 if that cannot be said with what is at hand.
    """
    from contract.drafting.verification import verify_contract  # noqa: PLC0415

    with wrong_command():
        known, stamps = read_authority(authority), read_certificates(tsa_certificate or [])
        draft = None if original is None else _read_original(original)
        content = read_file(file, _MAX_BYTES, "a contract")
    with OUTPUT.progress(f"Verifying {file.name}"):
        report = verify_contract(content, known, draft, stamps)
    archived, archive_problem = _ask(invocation, report) if server else (None, "")
    very_file = archived is not None and sha256(content).digest() in {*archived.pdf_sha256, archived.docx_sha256}
    outcome = Outcome.FAILED if archive_problem else report.outcome
    if OUTPUT.as_json:
        print_json(_report_json(file, report, outcome, archived, archive_problem, very_file=very_file))
    else:
        _show(file, report, outcome, archived, archive_problem, very_file=very_file)
    raise typer.Exit(EXIT_STATUS[outcome])


def _read_original(path: Path) -> Original:
    """A draft, or a document without a watermark."""
    from contract.drafting.verification import Original  # noqa: PLC0415
    from contract.watermark.documents import open_document  # noqa: PLC0415

    content = read_file(path, _MAX_BYTES, "a draft")
    form = {f".{each.value}": each for each in DraftFormat}.get(path.suffix.lower())
    if form is None or form is DraftFormat.DOCX:
        document = open_document(content)
        return Original(document.text, document)
    return Original(read_draft(content, form).text)


def _ask(invocation: Invocation, report: ContractReport) -> tuple[Archived | None, str]:
    """What the archive has; and in what it differs, empty if in nothing."""
    payload = report.payload
    if payload is None:
        return None, "it cannot be asked: the watermark was not read"
    try:
        found = with_drafting(invocation, lambda drafting: drafting.documents.archived(payload.serial, payload.digest))
    except RemoteError as error:
        if error.reason != "CONTRACT_NOT_FOUND":
            raise
        return None, "it has no contract with this serial number and text"
    if found.finish_time != payload.time:
        return found, "it has another time"
    if report.evidence is not None and report.evidence.digest != found.evidence_sha256:
        return found, "it has other evidence"
    return found, ""


def _show(
    file: Path,
    report: ContractReport,
    outcome: Outcome,
    archived: Archived | None,
    archive_problem: str,
    *,
    very_file: bool,
) -> None:
    OUTPUT.show({}, _rows(file, report))
    checks = [_row("document", each) for each in report.document.checks]
    checks += [_row(signer.account, each) for signer in report.signers for each in signer.report.checks]
    OUTPUT.show_table({}, _CHECKS, checks)
    if report.alterations:
        OUTPUT.show_table({}, _ALTERED, list(map(_alteration_row, report.alterations)))
    for each in report.remarks:
        OUTPUT.note(f"Note: {each}")
    if archived is not None or archive_problem:
        which = "this very file" if very_file else "another file with the same text"
        said = archive_problem or f"the same: {archived.contract_id if archived else ''}, {which}"
        OUTPUT.show({}, [("Archive", said)])
    OUTPUT.show({}, [("Verdict", outcome.value)])


def _rows(file: Path, report: ContractReport) -> list[tuple[str, str]]:
    rows = [("File", file.name), ("SHA-256 of text", report.text_digest.hex())]
    if report.evidence is not None:
        first = report.evidence.signers[0].statement
        rows += [("Contract", report.evidence.contract_id), ("Title", visible(first.title))]
    if report.payload is not None:
        rows += [("Serial number", str(report.payload.serial)), ("Finished", time_text(report.payload.time))]
    for signer in report.signers:
        rows.append(("Signer", f"{signer.account}{_signed_text(signer.signature)}"))
    return rows


def _signed_text(signature: Any) -> str:  # noqa: ANN401
    if signature is None:
        return ""
    stamped = f", stamped {time_text(signature.stamp_time)}" if signature.stamp_time else ""
    when = time_text(signature.time) if signature.time else "at an unknown time"
    return f", signed the PDF {when} (PAdES {signature.level}){stamped}"


def _row(who: str, check: Check) -> tuple[str, str, str, str]:
    said = MEANINGS[check.name] if check.outcome is Outcome.PASSED else reason_text(check.reason)
    return who, check.name, check.outcome.value, said


def _alteration_row(altered: Alteration) -> tuple[str, ...]:
    return str(altered.paragraph), kind_of(altered), _short(altered.before), _short(altered.after)


def _short(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[: _LONGEST_SHOWN - 1]}\u2026"


def _report_json(
    file: Path,
    report: ContractReport,
    outcome: Outcome,
    archived: Archived | None,
    archive_problem: str,
    *,
    very_file: bool,
) -> dict[str, Any]:
    payload, evidence, altered = report.payload, report.evidence, report.alterations
    return {
        "file": file.name,
        "outcome": outcome.value,
        "text_sha256": report.text_digest.hex(),
        "contract_id": None if evidence is None else evidence.contract_id,
        "serial": None if payload is None else payload.serial,
        "time": None if payload is None else payload.time.isoformat(),
        "checks": list(map(_check_json, report.document.checks)),
        "signers": [
            {
                "account": each.account,
                "checks": list(map(_check_json, each.report.checks)),
                "pdf_signature": _signature_json(each.signature),
            }
            for each in report.signers
        ],
        "signatures": list(map(_signature_json, report.signatures)),
        "alterations": altered
        and [
            {
                "paragraph": each.paragraph,
                "place": each.place,
                "kind": kind_of(each),
                "before": each.before,
                "after": each.after,
            }
            for each in altered
        ],
        "remarks": list(report.remarks),
        "archive": {
            "contract_id": None if archived is None else archived.contract_id,
            "problem": archive_problem or None,
            "this_file": very_file,
        }
        if archived is not None or archive_problem
        else None,
    }


def _check_json(check: Check) -> dict[str, str]:
    return {"name": check.name, "outcome": check.outcome.value, "reason": check.reason}


def _signature_json(signature: Any) -> dict[str, Any] | None:  # noqa: ANN401
    if signature is None:
        return None
    return {
        "field": signature.field,
        "account": signature.account,
        "time": signature.time and signature.time.isoformat(),
        "stamp_time": signature.stamp_time and signature.stamp_time.isoformat(),
        "level": signature.level.value,
        "covers_whole_file": signature.whole,
        "problems": list(signature.problems),
    }
