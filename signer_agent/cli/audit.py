"""``audit``: records of uses of organisations' keys."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Optional

import typer
from cryptography import x509

from contract.trusteeship.uses import RecordedUse
from signer_agent.cli.exports import show_export
from signer_agent.cli.files import STANDARD_OUTPUT, require_absent, writing_file
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.message_text import visible
from signer_agent.cli.options import TIME_FORMATS, ForceOption, TimeOption
from signer_agent.cli.trust import read_trust, wrong_command
from signer_agent.cli.trusteeship import with_trusteeship
from signer_agent.client.opening import open_key_store
from signer_agent.evidence.facts import time_text
from signer_agent.trusteeship.records import RecordFilter
from wire.catalogue import ServiceError
from wire.client.output import OUTPUT

app = typer.Typer(help="Records of uses of organisations' keys.", no_args_is_help=True)

PathOption = Optional[Path]  # noqa: UP045  # typer reads it
OrganisationOption = Annotated[str, typer.Option(help="One that you administer; your own uses by default.")]
KeyOption = Annotated[str, typer.Option(help="Of one key alone, as org show names it.")]
UserOption = Annotated[str, typer.Option(help="Of one user alone.")]
BeginOption = Annotated[TimeOption, typer.Option("--from", formats=TIME_FORMATS, help="From then on, UTC.")]
EndOption = Annotated[TimeOption, typer.Option("--until", formats=TIME_FORMATS, help="Before then, UTC.")]

_COLUMNS: Final = ("Number", "Key", "Time", "User", "What", "Kind", "Outcome", "Reason")


@command(app, "list")
def list_records(
    invocation: Invocation,
    *,
    organisation: OrganisationOption = "",
    key: KeyOption = "",
    user: UserOption = "",
    begin: BeginOption = None,
    end: EndOption = None,
) -> None:
    """List records in the order of their numbers. A number that is missing is a record that is missing."""
    chosen = RecordFilter(organisation, key, user, _aware(begin), _aware(end))
    found = with_trusteeship(invocation, lambda trusteeship: trusteeship.records(chosen))
    OUTPUT.show_table(list(map(_content, found)), _COLUMNS, list(map(_row, found)))


@command(app, "export")
def export_records(
    invocation: Invocation,
    *,
    organisation: Annotated[str, typer.Option(help="One that you administer.")],
    key: Annotated[str, typer.Option(help="One of its keys, as org show names it.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write; - is standard output.")],
    user: UserOption = "",
    begin: BeginOption = None,
    end: EndOption = None,
    force: ForceOption = False,
) -> None:
    """Write records of a key with all that proves them into a file, to be verified offline: audit verify."""
    require_absent(out, force=force)
    chosen = RecordFilter(organisation, key, user, _aware(begin), _aware(end))
    with writing_file(out) as write, OUTPUT.progress(f"Exporting to {out.name}") as step:
        written = with_trusteeship(
            invocation,
            lambda trusteeship: trusteeship.export(chosen, write, lambda done, of: step(f"Record {done} of {of}")),
        )
    if str(out) != STANDARD_OUTPUT:
        OUTPUT.show({"file": str(out), "records": written}, [("File", str(out)), ("Records", str(written))])


@command(app, "verify")
def verify_records(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="From audit export.")],
    *,
    authority: Annotated[
        PathOption, typer.Option(metavar="PEM", help="File with the authority's certificate; this agent's by default.")
    ] = None,
    log_key: Annotated[
        str, typer.Option(metavar="KEY", help="Key of the log, name+number+key, or a file with it; else as certified.")
    ] = "",
) -> None:
    """Verify an export of records, offline: signatures, grants, the log's proofs, and that none is missing.

    Exit status 0 if it holds, 1 if not, 2 if the command is wrong, 3 if that cannot be said with what is at hand.
    """
    with wrong_command():
        trust = read_trust(authority, log_key, [])
        if trust.authority is None:
            trust = replace(trust, authority=_own_authority(invocation))
    show_export(file, trust)


def _own_authority(invocation: Invocation) -> x509.Certificate:
    """Of the server that this agent is enrolled with. Raises ServiceError: NOT_ENROLLED, those of the key store."""
    identity = asyncio.run(open_key_store(invocation.home, invocation.passphrase())).identity()
    if identity is None:
        raise ServiceError("NOT_ENROLLED")
    return x509.load_pem_x509_certificate(identity.authority_pem)


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time else None


def _row(recorded: RecordedUse) -> tuple[str, ...]:
    asked, record = recorded.asked, recorded.record
    outcome = f"{record.outcome}: {record.detail}" if record.detail else record.outcome.value
    return (
        str(record.number),
        record.key_id,
        time_text(record.time),
        record.user,
        asked.operation.value,
        asked.document_kind or "-",
        outcome,
        visible(asked.reason),
    )


def _content(recorded: RecordedUse) -> dict[str, Any]:
    asked, record = recorded.asked, recorded.record
    return {
        "organisation": record.organisation,
        "key_id": record.key_id,
        "number": record.number,
        "user": record.user,
        "user_number": record.user_number,
        "operation": asked.operation.value,
        "digest": asked.digest.hex(),
        "document_kind": asked.document_kind,
        "reason": asked.reason,
        "grant": asked.grant.hex(),
        "request_id": asked.request_id,
        "request_time": asked.time.isoformat(),
        "outcome": record.outcome.value,
        "detail": record.detail,
        "result": record.result.hex(),
        "record_time": record.time.isoformat(),
    }
