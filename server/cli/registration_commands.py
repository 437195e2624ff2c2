"""The commands ``ra`` and ``authority``. What they need is imported by each, as in ``main``."""

# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from server.cli.options import HomeOption, JsonOption, PageSizeOption, PageTokenOption, ReasonName, home_of

ra_app = typer.Typer(
    help="Registration authority: decide about requests for certificates of joint keys and organisations.",
    no_args_is_help=True,
)
authority_app = typer.Typer(help="Have an outside authority stand above this server's.", no_args_is_help=True)

RequestArgument = Annotated[str, typer.Argument(help="The request, as ra list names it.")]
OfficerOption = Annotated[str, typer.Option(help="Who decides: a name in registration_officers.")]


@ra_app.command("list")
def ra_list(
    state: Annotated[
        Optional[Literal["waiting", "issued", "refused"]],  # noqa: UP045
        typer.Option(help="Only those in this state."),
    ] = None,
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List requests for certificates, oldest first."""
    from server.cli.registration import show_requests as command

    command(home_of(home), state, page_size, page_token, as_json=json)


@ra_app.command("show")
def ra_show(
    request: RequestArgument,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="File to write the certificate to, PEM."),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Show a request: who asked, for which key, who approved, what was issued."""
    from server.cli.registration import show as command

    command(home_of(home), request, out, as_json=json)


@ra_app.command("approve")
def ra_approve(
    request: RequestArgument, officer: OfficerOption, home: HomeOption = None, json: JsonOption = False
) -> None:
    """Approve a request; issues the certificate when enough officers have."""
    from server.cli.registration import approve_request as command

    command(home_of(home), request, officer, as_json=json)


@ra_app.command("refuse")
def ra_refuse(
    request: RequestArgument,
    officer: OfficerOption,
    why: Annotated[str, typer.Option(help="For whoever asked.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Refuse a request."""
    from server.cli.registration import refuse as command

    command(home_of(home), request, officer, why, as_json=json)


@ra_app.command("revoke")
def ra_revoke(
    request: RequestArgument,
    officer: OfficerOption,
    reason: Annotated[ReasonName, typer.Option(help="Why.")] = "privilege_withdrawn",
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Revoke the certificate that a request led to. Holds at once."""
    from server.cli.registration import revoke as command

    command(home_of(home), request, officer, reason, as_json=json)


@ra_app.command("key-change")
def ra_key_change(
    account: Annotated[str, typer.Option(help="Whose keys.")],
    officer: OfficerOption,
    old: Annotated[str, typer.Option("--from", help="Fingerprint of the key until now, or how it begins.")],
    new: Annotated[str, typer.Option("--to", help="Of the key that takes its place, or how it begins.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Decide that a person's new key takes the place of one that is lost: no alarm then. Make sure of the person."""
    from server.cli.registration import key_change as command

    command(home_of(home), account, old, new, officer, as_json=json)


@authority_app.command("request")
def authority_request(
    out: Annotated[Path, typer.Option(help="File to write, PEM.")], home: HomeOption = None, json: JsonOption = False
) -> None:
    """Write a request (PKCS#10) for a certificate of the authority's name and key."""
    from server.cli.authority import request as command

    command(home_of(home), out, as_json=json)


@authority_app.command("accept")
def authority_accept(
    certificate: Annotated[Path, typer.Argument(help="What came back, PEM.")],
    chain: Annotated[Path, typer.Option(help="File of the certificates above it, PEM, the root as the last.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Check the certificate that came back, and keep it: trust writes it out."""
    from server.cli.authority import accept as command

    command(home_of(home), certificate, chain, as_json=json)
