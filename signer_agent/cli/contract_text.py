"""Contracts as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from contract.documents.diff import Change, ChangeKind
from signer_agent.cli.message_text import size_text, visible
from signer_agent.drafting.model import Contract, ContractState, ContractSummary, DraftVersion, Party
from signer_agent.evidence.facts import time_text

COLUMNS: Final = ("Contract", "Title", "Parties", "Version", "Pen", "State")
VERSION_COLUMNS: Final = ("Version", "Author", "Time", "Format", "Size", "SHA-256 of text")
PARTY_COLUMNS: Final = ("Party", "Confirmed", "Signed", "Consented", "Signed the PDF", "Certified as")
_YES: Final = {True: "yes", False: "-"}
_SHORT: Final = 16
_NEXT: Final = {
    ContractState.DRAFTING: "Who has the pen edits; when all have confirmed the last version, it is locked.",
    ContractState.LOCKED: "Each party signs: fourseal contract sign.",
    ContractState.SIGNED: "Each party consents: fourseal contract finish.",
    ContractState.CONSENTED: "Have the documents made: fourseal contract finish.",
    ContractState.FINISHED: "Each party signs the PDF: fourseal contract finish.",
    ContractState.COMPLETE: "All is signed: fourseal contract finish writes the document.",
    ContractState.ENDED: "It was refused, and cannot go on.",
    ContractState.UNKNOWN: "This version of the program does not know this state.",
}
_DRAWN: Final = ("\n", "\u3000")
"""White space that a terminal draws. Headings in Chinese have wide spaces."""
_STYLES: Final = {ChangeKind.EQUAL: "", ChangeKind.INSERT: "green underline", ChangeKind.DELETE: "red strike"}
_BESIDE: Final = 40
"""Characters of unchanged text that are shown beside a change."""


def summary_row(summary: ContractSummary) -> tuple[str, ...]:
    """A line of a list."""
    parties, version = ", ".join(summary.accounts), str(summary.last_version)
    return summary.contract_id, visible(summary.title), parties, version, summary.pen_holder, summary.state.value


def contract_rows(contract: Contract) -> list[tuple[str, str]]:
    """How a contract stands."""
    summary = contract.summary
    rows = [
        ("Contract", summary.contract_id),
        ("Title", visible(summary.title)),
        ("State", summary.state.value),
        ("Pen", summary.pen_holder),
        ("Made", f"{time_text(summary.create_time)} by {summary.creator}"),
    ]
    if summary.serial:
        rows.append(("Serial number", str(summary.serial)))
    if contract.finish_time is not None:
        rows.append(("Finished", time_text(contract.finish_time)))
    if contract.last_return is not None:
        turn = contract.last_return
        why = "signed another text than the server has" if turn.text_differs else f"says: {visible(turn.reason)}"
        rows.append(("Back to editing", f"{time_text(turn.time)}: {turn.account} {why}"))
    if contract.end is not None:
        said = visible(contract.end.reason)
        rows.append(("Refused", f"{time_text(contract.end.time)} by {contract.end.account}, who says: {said}"))
    return [*rows, ("Next", _NEXT[summary.state])]


def version_row(version: DraftVersion) -> tuple[str, ...]:
    """A line of a list."""
    digest = version.text_digest.hex()[:_SHORT]
    return (
        *(str(version.number), version.author, time_text(version.create_time)),
        *(version.form.value, size_text(version.size), digest),
    )


def party_row(party: Party) -> tuple[str, ...]:
    """A line of a list."""
    confirmed = f"version {party.confirmed_version}" if party.confirmed_version else "-"
    done = (party.statement is not None, party.consent is not None, party.pdf_signed)
    return party.account, confirmed, *(_YES[each] for each in done), certified_as(party)


def certified_as(party: Party) -> str:
    """Who a party is, as the authority certified it."""
    if party.certificate is None:
        return "-"
    certificate = party.certificate.certificate
    subject = ", ".join(f"{each.rfc4514_attribute_name}={each.value!s}" for each in certificate.subject)
    revoked = f"; REVOKED {time_text(party.revoke_time)}" if party.revoke_time else ""
    return f"{visible(subject)}, until {time_text(certificate.not_valid_after_utc)}{revoked}"


def summary_json(summary: ContractSummary) -> dict[str, Any]:
    """For programs."""
    return {
        "contract_id": summary.contract_id,
        "title": summary.title,
        "state": summary.state.value,
        "creator": summary.creator,
        "pen_holder": summary.pen_holder,
        "accounts": list(summary.accounts),
        "last_version": summary.last_version,
        "serial": summary.serial,
        "create_time": summary.create_time.isoformat(),
        "update_time": summary.update_time.isoformat(),
    }


def contract_json(contract: Contract) -> dict[str, Any]:
    """For programs."""
    return {
        **summary_json(contract.summary),
        "parties": [_party_json(each) for each in contract.parties],
        "versions": [_version_json(each) for each in contract.versions],
        "last_return": None
        if contract.last_return is None
        else {
            "account": contract.last_return.account,
            "text_differs": contract.last_return.text_differs,
            "reason": contract.last_return.reason,
            "time": contract.last_return.time.isoformat(),
        },
        "refused_by": None if contract.end is None else contract.end.account,
        "finish_time": None if contract.finish_time is None else contract.finish_time.isoformat(),
    }


def _party_json(party: Party) -> dict[str, Any]:
    return {
        "account": party.account,
        "confirmed_version": party.confirmed_version,
        "certified_as": None if party.certificate is None else certified_as(party),
        "signed": party.statement is not None,
        "consented": party.consent is not None,
        "pdf_signed": party.pdf_signed,
    }


def _version_json(version: DraftVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "based_on": version.based_on,
        "author": version.author,
        "create_time": version.create_time.isoformat(),
        "format": version.form.value,
        "size": version.size,
        "sha256": version.sha256.hex(),
        "text_sha256": version.text_digest.hex(),
    }


def show_changes(changes: list[Change]) -> None:
    """Show what changed: what was put in green and underlined, what was taken out red and struck through.

    Where there are no colours, ``[+...+]`` and ``[-...-]`` say the same.
    """
    target = Console(highlight=False)
    plain = target.no_color or not target.is_terminal
    shown = Text()
    for change in _shortened(changes):
        text = "".join(each if each.isprintable() or each in _DRAWN else "?" for each in change.text)
        if plain and change.kind is not ChangeKind.EQUAL:
            sign = "+" if change.kind is ChangeKind.INSERT else "-"
            text = f"[{sign}{text}{sign}]"
        shown.append(text, style=_STYLES[change.kind])
    target.print(shown, soft_wrap=True)


def _shortened(changes: list[Change]) -> Iterator[Change]:
    """Without most of the text that stayed."""
    for number, change in enumerate(changes):
        text = change.text
        if change.kind is ChangeKind.EQUAL and len(text) > 2 * _BESIDE:
            head = "" if number == 0 else text[:_BESIDE]
            tail = "" if number == len(changes) - 1 else text[-_BESIDE:]
            text = f"{head}\u2026{tail}"
        yield Change(change.kind, text)
