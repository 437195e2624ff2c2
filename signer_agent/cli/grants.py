"""``grant``: asking to use an organisation's key, and deciding about it as an administrator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Optional

import typer

from contract.trusteeship.grants import GrantAction
from signer_agent.cli.digests import read_digest
from signer_agent.cli.grant_text import COLUMNS, grant_json, grant_row, grant_rows, order_lines
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.options import TIME_FORMATS, TimeOption, YesOption
from signer_agent.cli.trusteeship import GrantArgument, OrganisationArgument, PersonalKeyOption, with_trusteeship
from signer_agent.trusteeship.grants import Grant, GrantState
from signer_agent.trusteeship.trusteeship import Trusteeship
from wire.client.output import OUTPUT

app = typer.Typer(help="Grants to use an organisation's key.", no_args_is_help=True)

WhyOption = Annotated[str, typer.Option("--reason", help="Why; it stands in what you sign.")]


@command(app)
def request(
    invocation: Invocation,
    organisation: OrganisationArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The organisation's key, as org show names it.")],
    *,
    uses: Annotated[int, typer.Option(min=1, help="At most so many uses.")],
    until: Annotated[datetime, typer.Option(formats=TIME_FORMATS, help="Until when, UTC.")],
    reason: Annotated[str, typer.Option(help="Why, for the administrators.")],
    begin: Annotated[
        TimeOption, typer.Option("--from", formats=TIME_FORMATS, help="From when on, UTC; now by default.")
    ] = None,
    kinds: Annotated[
        Optional[list[str]],  # noqa: UP045  # typer reads it
        typer.Option("--kind", help="Kind of document that it is for; several are allowed. Any by default."),
    ] = None,
    digests: Annotated[
        Optional[list[str]],  # noqa: UP045  # typer reads it
        typer.Option("--digest", metavar="SHA256", help="Document that it is for alone; several are allowed."),
    ] = None,
    personal_key: PersonalKeyOption = "",
) -> None:
    """Ask to use an organisation's key. Its administrators decide about it."""
    named = [read_digest(each, "--digest") for each in digests or ()]

    async def asked(trusteeship: Trusteeship) -> Grant:
        return await trusteeship.request_grant(
            organisation,
            key,
            uses=uses,
            end=until.replace(tzinfo=UTC),
            reason=reason,
            begin=begin.replace(tzinfo=UTC) if begin else None,
            document_kinds=kinds or (),
            digests=named,
        )

    found = with_trusteeship(invocation, asked, personal_key)
    OUTPUT.show(grant_json(found), grant_rows(found))
    OUTPUT.note(f"Administrators decide: {invocation.call_of(f'grant approve {found.grant_id}')}")


@command(app, "list")
def list_grants(
    invocation: Invocation,
    *,
    organisation: Annotated[str, typer.Option(help="All of an organisation that you administer.")] = "",
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that wait for approvals.")] = False,
) -> None:
    """List your grants, or those of an organisation that you administer; oldest first."""
    found = with_trusteeship(invocation, lambda trusteeship: trusteeship.grants(organisation))
    if waiting:
        found = [each for each in found if each.state in {GrantState.REQUESTED, GrantState.SUSPENDED}]
    OUTPUT.show_table(list(map(grant_json, found)), COLUMNS, list(map(grant_row, found)))


@command(app)
def show(invocation: Invocation, grant: GrantArgument) -> None:
    """Show all that a grant allows, how it stands, and what was ordered about it."""
    found = with_trusteeship(invocation, lambda trusteeship: trusteeship.grant(grant))
    OUTPUT.show(grant_json(found), grant_rows(found))


@command(app)
def approve(
    invocation: Invocation,
    grant: GrantArgument,
    *,
    reason: WhyOption = "",
    personal_key: PersonalKeyOption = "",
    yes: YesOption = False,
) -> None:
    """Approve a grant as an administrator, after seeing all that it allows; a suspended one: again."""
    _order(invocation, grant, GrantAction.APPROVE, reason, personal_key, yes=yes)


@command(app)
def refuse(
    invocation: Invocation,
    grant: GrantArgument,
    *,
    reason: WhyOption = "",
    personal_key: PersonalKeyOption = "",
    yes: YesOption = False,
) -> None:
    """Refuse a grant as an administrator."""
    _order(invocation, grant, GrantAction.REFUSE, reason, personal_key, yes=yes)


@command(app)
def suspend(
    invocation: Invocation,
    grant: GrantArgument,
    *,
    reason: WhyOption = "",
    personal_key: PersonalKeyOption = "",
    yes: YesOption = False,
) -> None:
    """Suspend a grant as an administrator, at once, until it was approved again."""
    _order(invocation, grant, GrantAction.SUSPEND, reason, personal_key, yes=yes)


@command(app)
def revoke(
    invocation: Invocation,
    grant: GrantArgument,
    *,
    reason: WhyOption = "",
    personal_key: PersonalKeyOption = "",
    yes: YesOption = False,
) -> None:
    """Revoke a grant as an administrator, at once and for good, also for uses under way."""
    _order(invocation, grant, GrantAction.REVOKE, reason, personal_key, yes=yes)


def _order(
    invocation: Invocation, grant_id: str, action: GrantAction, reason: str, personal_key: str, *, yes: bool
) -> None:
    async def ordered(trusteeship: Trusteeship) -> Grant:
        grant = await trusteeship.grant(grant_id)
        OUTPUT.note(*order_lines(grant, action, reason))
        OUTPUT.confirm(f"Sign this, to {action}?", yes=yes)
        return await trusteeship.order(grant, action, reason)  # of the very grant that was shown

    found = with_trusteeship(invocation, ordered, personal_key)
    OUTPUT.show(grant_json(found), [("Grant", found.grant_id), ("State", grant_row(found)[-1])])
