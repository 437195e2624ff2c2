"""``evidence``: messages that were deposited: listed, opened and verified."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from contract.report import Outcome
from signer_agent.cli.bundles import bundle_json, show_checks
from signer_agent.cli.digests import read_digest
from signer_agent.cli.evidence_text import disclosure_lines, told_rows
from signer_agent.cli.files import STANDARD_OUTPUT, require_absent, writing_file
from signer_agent.cli.inbox import print_lines
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.message_text import size_text, visible_lines
from signer_agent.cli.messages import SessionArgument
from signer_agent.cli.options import ForceOption, OutOption, TsaOption, YesOption
from signer_agent.cli.trust import read_certificates
from signer_agent.contracts.contracts import Contracts
from signer_agent.evidence.evidence import Evidence
from signer_agent.evidence.model import EvidenceSummary, OpenedEvidence
from wire.client.output import OUTPUT

app = typer.Typer(help="Messages that were deposited as evidence.", no_args_is_help=True)

_TIME: Final = "%Y-%m-%d %H:%M:%S"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,7}", re.ASCII)
_STATUS: Final = {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.INDETERMINATE: 3}

MessageArgument = Annotated[
    str,
    typer.Argument(
        metavar="MESSAGE", help="Its statement's digest, as evidence list shows it, or its number in inbox."
    ),
]

_Result = TypeVar("_Result")


@command(app, "list")
def list_evidence(invocation: Invocation, session_id: SessionArgument) -> None:
    """List what was deposited of a session and concerns you."""

    async def listed(evidence: Evidence, _: Contracts) -> list[EvidenceSummary]:
        return await evidence.list(session_id)

    found = with_evidence(invocation, listed)
    content = [
        {
            "statement": each.digest.hex(),
            "session_id": each.session_id,
            "author": each.author,
            "log_index": each.log_index,
            "deposit_time": each.deposit_time.isoformat(),
            "sealed_size": each.content_length,
            "content_kept": each.content_kept,
            "answered": each.answered.hex() or None,
        }
        for each in found
    ]
    indexes = {each.digest: each.log_index for each in found}
    columns = ("Statement", "Entry", "Deposited", "Author", "Size", "Answers")
    rows = [
        (
            each.digest.hex(),
            str(each.log_index),
            f"{each.deposit_time:{_TIME}}",
            each.author,
            size_text(each.content_length) if each.content_kept else "not kept any more",
            f"entry {indexes[each.answered]}" if each.answered in indexes else "",
        )
        for each in found
    ]
    OUTPUT.show_table(content, columns, rows)


@command(app, "open")
def open_evidence(
    invocation: Invocation,
    message: MessageArgument,
    *,
    tsa_certificate: TsaOption = None,
    out: OutOption = None,
    force: ForceOption = False,
) -> None:
    """Open a message and its answers, verify all of it, and say who signed what and when.

    Exits with 0 if everything holds, 1 if a check failed, 3 if one could not be made.
    """
    if out is not None:
        require_absent(out, force=force)

    named = read_message(message)
    time_stamps = read_certificates(tsa_certificate or [])

    async def opened(evidence: Evidence, contracts: Contracts) -> OpenedEvidence:
        digest = await digest_of(named, contracts)
        with OUTPUT.progress("Opening and verifying"):
            if out is None:
                return await evidence.open(digest, None, time_stamps)
            with writing_file(out, secret=True) as write:
                return await evidence.open(digest, write, time_stamps)

    found = with_evidence(invocation, opened)
    _show(found, to_standard_output=out is not None and str(out) == STANDARD_OUTPUT)
    if out is None:
        _show_texts(found)
    raise typer.Exit(_STATUS[found.report.outcome])


@command(app)
def disclose(
    invocation: Invocation,
    message: MessageArgument,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="BUNDLE", help="The zip file to write.")],
    force: ForceOption = False,
    yes: YesOption = False,
) -> None:
    """Put a message and its answers into a file by which anybody can verify them, offline: fourseal verify."""
    require_absent(out, force=force)
    named = read_message(message)

    async def disclosed(evidence: Evidence, contracts: Contracts) -> OpenedEvidence:
        async with evidence.opening(await digest_of(named, contracts)) as opening:
            OUTPUT.note(*disclosure_lines(opening.opened.bundle, opening.opened.report, out))
            OUTPUT.confirm("Write this file?", yes=yes)
            with OUTPUT.progress("Writing"):
                await opening.disclose(out)
            return opening.opened

    found = with_evidence(invocation, disclosed)
    content = {"file": str(out)} | bundle_json(found.bundle, found.report)
    OUTPUT.show(content, [("Bundle", str(out)), *told_rows(found.bundle, found.report)])
    OUTPUT.note(f"Next: give it to who is to verify it; fourseal verify {out} says how it stands.")


def _show(found: OpenedEvidence, *, to_standard_output: bool) -> None:
    rows = told_rows(found.bundle, found.report)
    if to_standard_output:
        OUTPUT.note(*(f"{name:<9} {value}" for name, value in rows))
        return
    OUTPUT.show(bundle_json(found.bundle, found.report) | {"texts": found.texts}, rows)
    if not OUTPUT.as_json:
        show_checks(found.report)


def _show_texts(found: OpenedEvidence) -> None:
    if OUTPUT.as_json:
        return
    for each, text in zip(found.bundle.messages, found.texts, strict=True):
        if text:
            print_lines(visible_lines(text, f"{each.statement.author}| "))


def read_message(text: str) -> bytes | int:
    """What names a message: its statement's digest, or its number in the inbox. Raises ServiceError (FIELD_INVALID)."""
    return int(text) if _NUMBER.fullmatch(text) else read_digest(text, "MESSAGE")


async def digest_of(named: bytes | int, contracts: Contracts) -> bytes:
    """The statement's digest of what ``read_message`` read. Raises as ``Messages.message``."""
    if isinstance(named, bytes):
        return named
    async with contracts.messages() as messages:
        return (await messages.message(named)).statement.digest


def with_evidence(invocation: Invocation, work: Callable[[Evidence, Contracts], Awaitable[_Result]]) -> _Result:
    """Open the evidence of the account that is logged in; returns what ``work`` does. Raises what that raises."""

    async def opened(contracts: Contracts) -> _Result:
        return await work(await contracts.evidence(), contracts)

    return invocation.with_contracts(opened)
