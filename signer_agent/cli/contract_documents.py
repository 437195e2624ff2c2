"""``contract``: contract documents. Written in turns, signed, consented to, finished as a PDF that everybody signs."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from contract.documents.diff import word_diff
from contract.documents.draft import DraftFormat
from mpc.errors import MalformedInput
from signer_agent.cli.contract_finish import finish
from signer_agent.cli.contract_text import (
    COLUMNS,
    PARTY_COLUMNS,
    VERSION_COLUMNS,
    contract_json,
    contract_rows,
    party_row,
    show_changes,
    summary_json,
    summary_row,
    version_row,
)
from signer_agent.cli.contract_verify import verify
from signer_agent.cli.drafting import ContractArgument, with_drafting
from signer_agent.cli.files import STANDARD_OUTPUT, require_absent, write_file
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.message_text import visible
from signer_agent.cli.options import ForceOption, YesOption
from signer_agent.cli.trusteeship import PersonalKeyOption
from signer_agent.drafting.drafting import Drafting
from signer_agent.drafting.model import Contract, Draft, DraftFile
from wire.client.named_files import read_file
from wire.client.output import OUTPUT, print_json

app = typer.Typer(help="Contract documents: drafts, signatures, watermarked PDF.", no_args_is_help=True)

command(app)(finish)
command(app)(verify)

MAX_DRAFT_BYTES: Final = 3 << 20
"""Longest draft: docs/contracts.md."""
DraftArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The draft: .docx, .md or .txt.")]
VersionOption = Annotated[int, typer.Option("--version", min=0, help="Which version.", show_default="the last one")]


@command(app)
def new(
    invocation: Invocation,
    file: DraftArgument,
    *,
    others: Annotated[list[str], typer.Option("--with", metavar="NAME", help="Another party; may be repeated.")],
    title: Annotated[str, typer.Option(help="What it is called; by default as the file.")] = "",
) -> None:
    """Make a contract with its first version. You have the pen."""
    draft = read_draft_file(file)
    called = title or file.stem
    made = with_drafting(invocation, lambda drafting: drafting.create(called, others, draft))
    _show(made)
    OUTPUT.note(f"The others see it: {invocation.call_of(f'contract show {made.contract_id}')}")


@command(app, "list")
def list_contracts(invocation: Invocation) -> None:
    """List your contracts, newest first."""
    found = with_drafting(invocation, lambda drafting: drafting.contracts())
    OUTPUT.show_table(list(map(summary_json, found)), COLUMNS, list(map(summary_row, found)))


@command(app)
def show(invocation: Invocation, contract: ContractArgument) -> None:
    """Show how a contract stands: versions, parties, what each did."""
    _show(with_drafting(invocation, lambda drafting: drafting.contract(contract)), whole=True)


@command(app)
def get(
    invocation: Invocation,
    contract: ContractArgument,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write; - is standard output.")],
    version: VersionOption = 0,
    pdf: Annotated[bool, typer.Option("--pdf", help="The PDF as it is now, to look at it, not a version.")] = False,
    force: ForceOption = False,
) -> None:
    """Write the file of a version, or the PDF that was made of the contract."""
    require_absent(out, force=force)
    if pdf:
        _get_pdf(invocation, contract, out)
        return
    found = with_drafting(invocation, lambda drafting: drafting.draft(contract, version))
    write_file(out, found.file.content)
    if str(out) != STANDARD_OUTPUT:
        OUTPUT.show(
            {"version": found.version.number, "sha256": found.version.sha256.hex(), "file": str(out)},
            [("Version", str(found.version.number)), ("By", found.version.author), ("Written", str(out))],
        )


def _get_pdf(invocation: Invocation, contract: str, out: Path) -> None:
    async def fetched(drafting: Drafting) -> bytes:
        return await drafting.documents.pdf(await drafting.contract(contract))

    content = with_drafting(invocation, fetched)
    write_file(out, content)
    if str(out) != STANDARD_OUTPUT:
        OUTPUT.show({"sha256": sha256(content).hexdigest(), "file": str(out)}, [("Written", str(out))])


@command(app)
def edit(
    invocation: Invocation,
    contract: ContractArgument,
    file: DraftArgument,
    *,
    based_on: Annotated[
        int, typer.Option("--based-on", min=0, help="The version that you edited.", show_default="the last one")
    ] = 0,
) -> None:
    """Add a version, with the pen in hand. Everybody confirms anew then."""
    draft = read_draft_file(file)

    async def edited(drafting: Drafting) -> Contract:
        number = based_on or (await drafting.contract(contract)).summary.last_version
        return await drafting.edit(contract, number, draft)

    _show(with_drafting(invocation, edited))


@command(app)
def diff(
    invocation: Invocation,
    contract: ContractArgument,
    *,
    first: Annotated[
        int, typer.Option("--from", min=0, help="The earlier version.", show_default="the one before")
    ] = 0,
    last: Annotated[int, typer.Option("--to", min=0, help="The later version.", show_default="the last one")] = 0,
) -> None:
    """Show what changed from one version to another, word by word."""

    async def both(drafting: Drafting) -> tuple[Draft, Draft]:
        after = await drafting.draft(contract, last)
        return await drafting.draft(contract, first or max(1, after.version.number - 1)), after

    before, after = with_drafting(invocation, both)
    changes = word_diff(before.text, after.text)
    numbers = (before.version.number, after.version.number)
    if OUTPUT.as_json:
        told = [{"kind": each.kind.value, "text": each.text} for each in changes]
        print_json({"from": numbers[0], "to": numbers[1], "changes": told})
        return
    OUTPUT.note(f"Version {numbers[0]} by {before.version.author} to version {numbers[1]} by {after.version.author}")
    show_changes(changes)


@command(app, "pass")
def pass_pen(
    invocation: Invocation,
    contract: ContractArgument,
    account: Annotated[str, typer.Argument(metavar="NAME", help="The party that has the pen from now on.")],
) -> None:
    """Hand the pen to another party."""
    _show(with_drafting(invocation, lambda drafting: drafting.pass_pen(contract, account)))


@command(app)
def confirm(
    invocation: Invocation,
    contract: ContractArgument,
    *,
    version: VersionOption = 0,
    personal_key: PersonalKeyOption = "",
) -> None:
    """Confirm the last version. When all have confirmed it, it is locked, and can be signed."""

    async def confirmed(drafting: Drafting) -> Contract:
        number = version or (await drafting.contract(contract)).summary.last_version
        return await drafting.confirm(contract, number)

    _show(with_drafting(invocation, confirmed, personal_key))


@command(app)
def sign(
    invocation: Invocation,
    contract: ContractArgument,
    *,
    personal_key: PersonalKeyOption = "",
    yes: YesOption = False,
) -> None:
    """Sign the version that all have confirmed. Your agent computes what is signed from the text that it shows."""

    async def signed(drafting: Drafting) -> Contract:
        found = await drafting.contract(contract)
        draft = await drafting.draft(contract, found.agreed_version)
        rows = [
            ("Title", visible(found.summary.title)),
            ("Version", f"{draft.version.number} by {draft.version.author}"),
            ("SHA-256", draft.version.sha256.hex()),
            ("of its text", draft.version.text_digest.hex()),
            ("With", ", ".join(found.summary.accounts)),
        ]
        OUTPUT.note(*(f"{name:<12}  {value}" for name, value in rows))
        OUTPUT.note("Read it before: fourseal contract get.")
        OUTPUT.confirm("Sign it?", yes=yes)
        return await drafting.sign(found, draft)  # of the very bytes whose digests were shown

    _show(with_drafting(invocation, signed, personal_key))


@command(app)
def reopen(
    invocation: Invocation,
    contract: ContractArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the others.")],
) -> None:
    """Go back to editing. What was confirmed and signed is void."""
    _show(with_drafting(invocation, lambda drafting: drafting.reopen(contract, reason)))


@command(app)
def refuse(
    invocation: Invocation,
    contract: ContractArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the others.")],
    yes: YesOption = False,
) -> None:
    """End a contract for good: nobody can sign it any more, or consent to it."""
    OUTPUT.confirm("End it for good?", yes=yes)
    _show(with_drafting(invocation, lambda drafting: drafting.refuse(contract, reason)))


def read_draft_file(path: Path) -> DraftFile:
    """A draft's file; its name's ending says what it is.

    Raises:
        ServiceError: FILE_UNUSABLE.
        MalformedInput: DRAFT_MALFORMED: another ending.
    """
    try:
        form = DraftFormat(path.suffix.lower().removeprefix("."))
    except ValueError:
        problem = "its name does not end in .docx, .md or .txt"
        raise MalformedInput("DRAFT_MALFORMED", f"the draft is refused: {problem}", problem=problem) from None
    return DraftFile(read_file(path, MAX_DRAFT_BYTES, "a draft"), form)


def _show(contract: Contract, *, whole: bool = False) -> None:
    OUTPUT.show(contract_json(contract), contract_rows(contract))
    if whole and not OUTPUT.as_json:
        OUTPUT.show_table([], PARTY_COLUMNS, list(map(party_row, contract.parties)))
        OUTPUT.show_table([], VERSION_COLUMNS, list(map(version_row, contract.versions)))
