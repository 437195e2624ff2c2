"""The commands ``media`` and ``gateway``. What they need is imported by each, as in ``main``.

Annotations are evaluated here at once: typer could not see what those of ``_add_setup`` are made of.
"""

# ruff: noqa: PLC0415, FBT002

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.options import HomeOption, JsonOption, home_of

if TYPE_CHECKING:
    from server.cli.outposts import OutpostName

media_app = typer.Typer(help="Set a media server up, and run it.", no_args_is_help=True)
gateway_app = typer.Typer(help="Set a gateway between agents and media server up, and run it.", no_args_is_help=True)


def _add_setup(app: typer.Typer, name: "OutpostName", title: str) -> None:
    """Add the commands by which either gets its folder, key and certificate."""

    @app.command(help=f"Make what a {title} needs: configuration, database, a key of its own, a certificate request.")
    def init(
        server_name: Annotated[
            list[str], typer.Option(help="Host name or address under which agents reach it; may be repeated.")
        ],
        home: HomeOption = None,
        json: JsonOption = False,
    ) -> None:
        from server.cli.outposts import init as command

        command(name, home_of(home), server_name, as_json=json)

    @app.command(help=f"At the evidence server: make a certificate for a {title}.")
    def certify(
        request: Annotated[Path, typer.Option(help=f"The {title}'s request.")],
        out: Annotated[Path, typer.Option(help="File to write, which must not exist.")],
        home: HomeOption = None,
    ) -> None:
        from server.cli.outposts import certify as command

        command(name, home_of(home), request, out)

    @app.command(help=f"Take the certificate. A running {title} shows it to new connections within a minute.")
    def accept(
        certificate: Annotated[Path, typer.Option(help=f"What {name} certify has written.")], home: HomeOption = None
    ) -> None:
        from server.cli.outposts import accept as command

        command(name, home_of(home), certificate)


_add_setup(media_app, "media", "media server")
_add_setup(gateway_app, "gateway", "gateway")


@media_app.command("run")
def media_run(home: HomeOption = None) -> None:
    """Relay envelopes until SIGTERM or SIGINT. Says where like run does."""
    from server.cli.media import run as command

    command(home_of(home))


@media_app.command("check")
def media_check(home: HomeOption = None, json: JsonOption = False) -> None:
    """Read all contents that are kept, while no media server runs. Exit status 1 if some are damaged."""
    from server.cli.media import check as command

    command(home_of(home), as_json=json)


@gateway_app.command("run")
def gateway_run(home: HomeOption = None) -> None:
    """Hand calls on to the media server until SIGTERM or SIGINT. Says where like run does."""
    from server.cli.run import run_gateway as command

    command(home_of(home))


@gateway_app.command("held")
def gateway_held(home: HomeOption = None, json: JsonOption = False) -> None:
    """List what is held, and what was put aside as evidence; also while the gateway runs."""
    from server.cli.gateway import held as command

    command(home_of(home), as_json=json)
