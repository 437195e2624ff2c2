"""The commands ``guard``. What they need is imported by each, as in ``main``."""

# ruff: noqa: PLC0415, FBT002

from __future__ import annotations

from typing import Annotated, Literal

import typer

from server.cli.options import HomeOption, JsonOption, PageSizeOption, PageTokenOption, home_of

app = typer.Typer(
    help="The guard against forged signers: how it stands, its alarms, what a person decides, the black list.",
    no_args_is_help=True,
)
blacklist_app = typer.Typer(help="Keys and addresses that signed as somebody else.", no_args_is_help=True)
app.add_typer(blacklist_app, name="blacklist")
gateways_app = typer.Typer(help="Gateways that the guard knows, and those that are shut out.", no_args_is_help=True)
app.add_typer(gateways_app, name="gateways")

AlarmArgument = Annotated[str, typer.Argument(metavar="ALARM", help="Name of an alarm.")]
KindArgument = Annotated[Literal["key", "address"], typer.Argument(help="What is listed.")]
GatewayArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of a gateway.")]
ValueArgument = Annotated[str, typer.Argument(help="SHA-256 of the key's SubjectPublicKeyInfo, in hex; an IP address.")]
KeysOption = Annotated[list[str], typer.Option(help="Fingerprint of a key of the alarm, or how it begins; repeatable.")]


@app.command()
def status(
    home: HomeOption = None,
    json: JsonOption = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew each second, until it is interrupted.")] = False,
) -> None:
    """Show gateways, how many alarms there are, and what is held."""
    from server.cli.guard import status as command
    from server.cli.guard import watch as watching

    if watch:
        watching(home_of(home))
    else:
        command(home_of(home), as_json=json)


@app.command()
def alarms(
    alarm: Annotated[str, typer.Argument(metavar="[ALARM]", help="Show this one, and all about it.")] = "",
    open_only: Annotated[bool, typer.Option("--open", help="Only those whose traffic is held.")] = False,
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List alarms, newest first; or show one."""
    from server.cli.guard import alarm as one_command
    from server.cli.guard import alarms as command

    if alarm:
        one_command(home_of(home), alarm, as_json=json)
    else:
        command(home_of(home), page_size, page_token, open_only=open_only, as_json=json)


@app.command()
def decide(
    alarm: AlarmArgument,
    genuine: KeysOption = [],  # noqa: B006  # typer takes a copy
    impostor: KeysOption = [],  # noqa: B006
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Decide about an alarm: what genuine keys sent is released, what impostors' did is kept as evidence."""
    from server.cli.guard import decide as command

    command(home_of(home), alarm, genuine, impostor, as_json=json)


@app.command()
def page(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of 127.0.0.1; 0: a free one.")] = 0,
    json: JsonOption = False,
) -> None:
    """Show a page for a browser on this machine, on which a person looks at alarms and decides; until Ctrl-C."""
    from server.cli.guard_page import run_page as command

    command(home_of(home), port, as_json=json)


@blacklist_app.command("list")
def blacklist_list(
    home: HomeOption = None,
    page_size: PageSizeOption = 100,
    page_token: PageTokenOption = "",
    json: JsonOption = False,
) -> None:
    """List what is on the black list, oldest first."""
    from server.cli.guard import black_list as command

    command(home_of(home), page_size, page_token, as_json=json)


@blacklist_app.command("add")
def blacklist_add(
    kind: KindArgument,
    value: ValueArgument,
    cause: Annotated[str, typer.Option(help="Why, for people.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List a key, which is certified no more and proves no login; or an address."""
    from server.cli.guard import black_list_add as command

    command(home_of(home), kind, value, cause, as_json=json)


@blacklist_app.command("remove")
def blacklist_remove(
    kind: KindArgument, value: ValueArgument, home: HomeOption = None, json: JsonOption = False
) -> None:
    """Take a key or an address off the list."""
    from server.cli.guard import black_list_remove as command

    command(home_of(home), kind, value, as_json=json)


@gateways_app.command("list")
def gateways_list(home: HomeOption = None, json: JsonOption = False) -> None:
    """List gateways that the guard knows, or that are shut out."""
    from server.cli.guard_gateways import list_all as command

    command(home_of(home), as_json=json)


@gateways_app.command("shut-out")
def gateways_shut_out(
    gateway: GatewayArgument,
    cause: Annotated[str, typer.Option(help="Why, for people.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Listen to a gateway no more, and tell it nothing: it has lied."""
    from server.cli.guard_gateways import shut_one_out as command

    command(home_of(home), gateway, cause, as_json=json)


@gateways_app.command("readmit")
def gateways_readmit(gateway: GatewayArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Listen to a gateway again, and tell it what it has missed."""
    from server.cli.guard_gateways import readmit_one as command

    command(home_of(home), gateway, as_json=json)
