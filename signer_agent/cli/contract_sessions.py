"""``session``: contract sessions. What a session promises is said in plain words before anybody agrees to anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Optional

import typer

from contract.session_info import Scheme, SessionInfo
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.options import TIME_FORMATS, TimeOption, YesOption
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.model import MemberCertificates, SessionState, SessionSummary, VerifiedSession
from signer_agent.contracts.sessions import Sessions
from wire.client.output import OUTPUT

app = typer.Typer(help="Contract sessions: meetings of signers, limited in time.", no_args_is_help=True)

_SCHEMES: Final = {
    Scheme.JOINT: "joint: one RSA signature by the signer and the session together, neither can sign alone",
    Scheme.SEPARATE: "separate: the signer and the session sign side by side, each with a key of its own",
}

SessionArgument = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")]
NamesArgument = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of accounts.")]


@command(app)
def create(
    invocation: Invocation,
    *,
    subject: Annotated[str, typer.Option(help="What it is about, 1 to 200 characters.")],
    members: Annotated[str, typer.Option("--with", metavar="NAME,NAME", help="Accounts that are invited.")],
    place: Annotated[str, typer.Option(metavar="URI", help="The meeting link.")] = "",
    begin: Annotated[TimeOption, typer.Option(formats=TIME_FORMATS, help="From when on, UTC; now by default.")] = None,
    until: Annotated[TimeOption, typer.Option(formats=TIME_FORMATS, help="Until when, UTC.")] = None,
    hours: Annotated[
        Optional[float],  # noqa: UP045  # typer reads it
        typer.Option(min=0.01, max=9000.0, help="How long, instead of --until."),
    ] = None,
    scheme: Annotated[Scheme, typer.Option(help="How statements are signed in it.")] = Scheme.JOINT,
    evidence: Annotated[bool, typer.Option("--evidence", help="All its messages are deposited as evidence.")] = False,
    yes: YesOption = False,
) -> None:
    """Make a session and join it."""
    first, last = _times(begin, until, hours)
    names = [name.strip() for name in members.split(",") if name.strip()]
    OUTPUT.note(
        f"You are about to make a session on {subject!r}:",
        f"  with        {', '.join(names)}",
        f"  from        {f'{first:%Y-%m-%d %H:%M} UTC' if first else 'now'}",
        f"  until       {last:%Y-%m-%d %H:%M} UTC",
        f"  where       {place or '-'}",
        f"  scheme      {_SCHEMES[scheme]}",
        f"  evidence    {_evidence(rule=evidence)}",
        "  at its end  the session's signing share is destroyed, and nothing can be signed in it any more",
    )
    OUTPUT.confirm("Make it?", yes=yes)

    async def work(contracts: Contracts) -> VerifiedSession:
        sessions = Sessions(await contracts.signer())
        with OUTPUT.progress("Making the session"):
            return await sessions.create(
                subject, names, last, begin=first, place=place, scheme=scheme, all_is_evidence=evidence
            )

    session = invocation.with_contracts(work)
    _show(session)
    OUTPUT.note(f"The others join by: fourseal session join {session.session_id}")


@command(app)
def invite(
    invocation: Invocation, session_id: SessionArgument, names: NamesArgument, *, yes: YesOption = False
) -> None:
    """Invite others. Who made the session alone."""

    async def work(contracts: Contracts) -> VerifiedSession:
        signer = await contracts.signer()
        _promise((await signer.session(session_id)).info)
        OUTPUT.confirm(f"Invite {', '.join(names)}?", yes=yes)
        return await Sessions(signer).invite(session_id, names)

    _show(invocation.with_contracts(work))


@command(app)
def join(invocation: Invocation, session_id: SessionArgument, *, yes: YesOption = False) -> None:
    """Join a session, after seeing what its certificates promise."""

    async def work(contracts: Contracts) -> VerifiedSession:
        signer = await contracts.signer()
        session = await signer.session(session_id)
        _promise(session.info)
        _fingerprints(session)
        OUTPUT.confirm("Join it?", yes=yes)
        return await Sessions(signer).join(session_id)

    _show(invocation.with_contracts(work))


@command(app)
def info(invocation: Invocation, session_id: SessionArgument) -> None:
    """Show a session, verified now."""

    async def work(contracts: Contracts) -> VerifiedSession:
        return await (await contracts.signer()).session(session_id)

    _show(invocation.with_contracts(work))


@command(app, "list")
def list_sessions(invocation: Invocation) -> None:
    """List the sessions that you were invited to, newest first, as the server says; session info verifies one."""

    async def work(contracts: Contracts) -> list[SessionSummary]:
        return await Sessions(await contracts.signer()).list()

    found = invocation.with_contracts(work)
    columns = ("Session", "Subject", "State", "From", "Until", "Made by", "People")
    rows = [
        (
            each.session_id,
            each.subject,
            each.state.value,
            f"{each.begin:%Y-%m-%d %H:%M}",
            f"{each.end:%Y-%m-%d %H:%M}",
            each.creator,
            ", ".join(f"{name} ({state})" for name, state in sorted(each.people.items())),
        )
        for each in found
    ]
    OUTPUT.show_table([_summary(each) for each in found], columns, rows)


@command(app)
def leave(invocation: Invocation, session_id: SessionArgument, *, yes: YesOption = False) -> None:
    """Leave a session, for good unless invited again."""

    async def work(contracts: Contracts) -> None:
        signer = await contracts.signer()
        _promise((await signer.session(session_id)).info)
        OUTPUT.confirm("Leave it? What you signed in it stays signed", yes=yes)
        await Sessions(signer).leave(session_id)

    invocation.with_contracts(work)
    OUTPUT.show({"session_id": session_id, "left": True}, [("Left", session_id)])


@command(app)
def remove(
    invocation: Invocation,
    session_id: SessionArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who.")],
    *,
    yes: YesOption = False,
) -> None:
    """Make somebody leave. Who made the session alone."""

    async def work(contracts: Contracts) -> VerifiedSession:
        signer = await contracts.signer()
        _promise((await signer.session(session_id)).info)
        OUTPUT.confirm(f"Remove {name}?", yes=yes)
        return await Sessions(signer).remove(session_id, name)

    _show(invocation.with_contracts(work))


@command(app)
def close(invocation: Invocation, session_id: SessionArgument, *, yes: YesOption = False) -> None:
    """Close a session: its signing share is destroyed. Who made the session alone."""

    async def work(contracts: Contracts) -> VerifiedSession:
        signer = await contracts.signer()
        _promise((await signer.session(session_id)).info)
        OUTPUT.confirm("Close it? Nothing can be signed in it any more; what came can still be read", yes=yes)
        return await Sessions(signer).close(session_id)

    _show(invocation.with_contracts(work))


def _times(begin: datetime | None, until: datetime | None, hours: float | None) -> tuple[datetime | None, datetime]:
    if (until is None) == (hours is None):
        raise typer.BadParameter("say how long by --until or by --hours, one of the two")
    first = begin.replace(tzinfo=UTC) if begin else None
    if until is not None:
        return first, until.replace(tzinfo=UTC)
    start = first or datetime.now(UTC).replace(microsecond=0)
    return first, start + timedelta(seconds=round(3600 * (hours or 0)))


def _evidence(*, rule: bool) -> str:
    if rule:
        return "every message: its author deposits it with the evidence server before it is delivered"
    return "the messages whose author says so"


def _promise(said: SessionInfo) -> None:
    """Say in plain words what the session certificates promise."""
    joined = ", ".join(member.name for member in said.members) or "nobody"
    OUTPUT.note(
        "The certificates of this session, which the authority signed, say:",
        f"  who         {joined}" + (f"; invited: {', '.join(said.invited)}" if said.invited else ""),
        f"  made by     {said.creator}",
        f"  what        {said.subject}",
        f"  when        {said.begin:%Y-%m-%d %H:%M} to {said.end:%Y-%m-%d %H:%M} UTC; outside nothing is signed",
        f"  where       {said.place or '-'}",
        f"  scheme      {_SCHEMES[said.scheme]}",
        f"  keys        {said.half_bits} bits each half",
        f"  evidence    {_evidence(rule=said.all_is_evidence)}",
        f"  it closes   at its end, or when {said.creator} closes it; its signing share is destroyed then, with a",
        "              record, and nothing can be signed in it any more",
    )


def _fingerprints(session: VerifiedSession) -> None:
    OUTPUT.note("Fingerprints of the certificates for signing (SHA-256):")
    OUTPUT.note(f"  the session: {session.sign_certificate.fingerprint.hex()}")
    for name, member in sorted(session.members.items()):
        OUTPUT.note(f"  {name}: {member.sign_certificate.fingerprint.hex()}")


def _show(session: VerifiedSession) -> None:
    said = session.info
    rows = [
        ("Session", session.session_id),
        ("Subject", said.subject),
        ("State", session.state.value),
        ("From", f"{said.begin:%Y-%m-%d %H:%M} UTC"),
        ("Until", f"{said.end:%Y-%m-%d %H:%M} UTC"),
        ("Where", said.place or "-"),
        ("Made by", said.creator),
        ("Scheme", _SCHEMES[said.scheme]),
        ("Keys", f"{said.half_bits} bits each half"),
        ("Evidence", _evidence(rule=said.all_is_evidence)),
        ("Revision", str(session.revision)),
        ("Certificate", session.sign_certificate.fingerprint.hex()),
    ]
    for name, state in sorted(session.people.items()):
        member = session.members.get(name)
        text = f"{state}  {member.sign_certificate.fingerprint.hex()}" if member else state.value
        rows.append((name, text + _validity(member)))
    if session.state is SessionState.OPEN:
        rows.append(("At its end", "the signing share is destroyed; nothing can be signed any more"))
    elif session.close_time is not None:
        rows.append(("Closed", f"{session.close_time:%Y-%m-%d %H:%M} UTC; the signing share was destroyed"))
    OUTPUT.show(_content(session), rows)


def _validity(member: MemberCertificates | None) -> str:
    if member is not None and member.revoke_time is not None:
        return "  REVOKED"
    return "  EXPIRED" if member is not None and member.has_expired(datetime.now(UTC)) else ""


def _content(session: VerifiedSession) -> dict[str, Any]:
    said = session.info
    return {
        "session_id": session.session_id,
        "revision": session.revision,
        "state": session.state.value,
        "scheme": said.scheme.value,
        "half_bits": said.half_bits,
        "subject": said.subject,
        "place": said.place,
        "begin_time": said.begin.isoformat(),
        "end_time": said.end.isoformat(),
        "close_time": session.close_time.isoformat() if session.close_time else None,
        "creator": said.creator,
        "all_is_evidence": said.all_is_evidence,
        "sign_certificate": session.sign_certificate.fingerprint.hex(),
        "encrypt_certificate": session.encrypt_certificate.fingerprint.hex(),
        "relay_address": session.relay_address,
        "members": [_member(session, name) for name in sorted(session.people)],
    }


def _member(session: VerifiedSession, name: str) -> dict[str, Any]:
    member = session.members.get(name)
    return {
        "name": name,
        "state": session.people[name].value,
        "sign_certificate": member.sign_certificate.fingerprint.hex() if member else None,
        "encrypt_certificate": member.encrypt_certificate.fingerprint.hex() if member else None,
        "revoke_time": member.revoke_time.isoformat() if member and member.revoke_time else None,
        "expire_time": member.expire_time.isoformat() if member else None,
    }


def _summary(found: SessionSummary) -> dict[str, Any]:
    return {
        "session_id": found.session_id,
        "subject": found.subject,
        "state": found.state.value,
        "scheme": found.scheme.value,
        "begin_time": found.begin.isoformat(),
        "end_time": found.end.isoformat(),
        "creator": found.creator,
        "members": [{"name": name, "state": state.value} for name, state in sorted(found.people.items())],
    }
