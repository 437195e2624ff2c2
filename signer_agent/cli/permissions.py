"""``evidence permit``, ``permissions``, ``revoke``, ``ask``, ``requests``, ``refuse``: letting others see a message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from signer_agent.cli.digests import read_digest
from signer_agent.cli.evidence import MessageArgument, app, digest_of, read_message, with_evidence
from signer_agent.cli.evidence_text import permission_lines
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.message_text import visible
from signer_agent.cli.options import TIME_FORMATS, YesOption
from signer_agent.contracts.contracts import Contracts
from signer_agent.evidence.evidence import Evidence
from signer_agent.evidence.facts import time_text
from signer_agent.evidence.permissions import Permission, PermissionRequest, require_lasting
from wire.client.output import OUTPUT

AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Name of the account.")]
PermissionArgument = Annotated[str, typer.Argument(metavar="PERMISSION", help="As evidence permissions shows it.")]
StatementArgument = Annotated[str, typer.Argument(metavar="STATEMENT", help="Digest of the message's statement.")]


@command(app)
def permit(
    invocation: Invocation,
    message: MessageArgument,
    account: AccountArgument,
    *,
    until: Annotated[datetime, typer.Option(formats=TIME_FORMATS, help="Until when, UTC.")],
    yes: YesOption = False,
) -> None:
    """Let another account see one message, for a time, after saying what it will see."""
    end = until.replace(tzinfo=UTC)
    require_lasting(account, end)
    named = read_message(message)

    async def permitted(evidence: Evidence, contracts: Contracts) -> Permission:
        digest = await digest_of(named, contracts)
        described = await evidence.describe(digest)
        await evidence.permissions.grantee_certificate(described.statement, account)
        OUTPUT.note(*permission_lines(described, account, end))
        OUTPUT.confirm("Permit this?", yes=yes)
        return await evidence.permit(described.statement.digest, account, end)

    made = with_evidence(invocation, permitted)
    OUTPUT.show(_permission_json(made), list(zip(_COLUMNS, _row(made), strict=True)))


@command(app)
def permissions(invocation: Invocation) -> None:
    """List the permissions that you gave, and those that you were given."""

    async def listed(evidence: Evidence, _: Contracts) -> list[Permission]:
        return await evidence.permissions.all()

    found = with_evidence(invocation, listed)
    OUTPUT.show_table([_permission_json(each) for each in found], _COLUMNS, list(map(_row, found)))


@command(app)
def revoke(invocation: Invocation, permission: PermissionArgument) -> None:
    """End a permission that you gave. What was seen stays seen."""
    digest = read_digest(permission, "PERMISSION")

    async def revoked(evidence: Evidence, _: Contracts) -> datetime:
        return await evidence.permissions.revoke(digest)

    time = with_evidence(invocation, revoked)
    OUTPUT.show({"permission": digest.hex(), "revoke_time": time.isoformat()}, [("Revoked", time_text(time))])


@command(app)
def ask(
    invocation: Invocation,
    statement: StatementArgument,
    *,
    why: Annotated[str, typer.Option(help="Why; author, recipients and the server read it.")],
) -> None:
    """Ask author and recipients of a message for a permission."""
    digest = read_digest(statement, "STATEMENT")

    async def asked(evidence: Evidence, _: Contracts) -> None:
        await evidence.permissions.ask(digest, why)

    with_evidence(invocation, asked)
    OUTPUT.show({"statement": digest.hex()}, [("Asked", "whoever it concerns, if there is such a message")])


@command(app)
def requests(invocation: Invocation) -> None:
    """List who asks you for a permission."""

    async def listed(evidence: Evidence, _: Contracts) -> list[PermissionRequest]:
        return await evidence.permissions.requests()

    found = with_evidence(invocation, listed)
    content = [
        {
            "statement": each.statement.hex(),
            "asker": each.asker,
            "why": each.why,
            "ask_time": each.ask_time.isoformat(),
            "expire_time": each.expire_time.isoformat(),
        }
        for each in found
    ]
    rows = [
        (each.statement.hex(), each.asker, visible(each.why), time_text(each.ask_time), time_text(each.expire_time))
        for each in found
    ]
    OUTPUT.show_table(content, ("Statement", "Who asks", "Why", "Asked", "Until"), rows)


@command(app)
def refuse(invocation: Invocation, statement: StatementArgument, account: AccountArgument) -> None:
    """Refuse a request for a permission, for yourself."""
    digest = read_digest(statement, "STATEMENT")

    async def refused(evidence: Evidence, _: Contracts) -> None:
        await evidence.permissions.refuse(digest, account)

    with_evidence(invocation, refused)
    OUTPUT.show({"statement": digest.hex(), "asker": account}, [("Refused", account)])


_COLUMNS = ("Permission", "Statement", "From", "For", "Begin", "End", "Revoked")


def _row(permission: Permission) -> tuple[str, ...]:
    core = permission.core
    revoked = time_text(permission.revoke_time) if permission.revoke_time else ""
    digests = (permission.digest.hex(), core.statement.hex())
    return (*digests, core.grantor, core.grantee, time_text(core.begin), time_text(core.end), revoked)


def _permission_json(permission: Permission) -> dict[str, Any]:
    core = permission.core
    return {
        "permission": permission.digest.hex(),
        "statement": core.statement.hex(),
        "grantor": core.grantor,
        "grantee": core.grantee,
        "begin_time": core.begin.isoformat(),
        "end_time": core.end.isoformat(),
        "log_index": permission.log_index,
        "grant_time": permission.grant_time.isoformat(),
        "revoke_time": permission.revoke_time.isoformat() if permission.revoke_time else None,
    }
