"""``audit``: records of uses of organisations' keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from contract.trusteeship.uses import RecordedUse
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.message_text import visible
from signer_agent.cli.options import TIME_FORMATS, TimeOption
from signer_agent.cli.output import OUTPUT
from signer_agent.cli.trusteeship import with_trusteeship
from signer_agent.evidence.facts import time_text
from signer_agent.trusteeship.records import RecordFilter

app = typer.Typer(help="Records of uses of organisations' keys.", no_args_is_help=True)

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
