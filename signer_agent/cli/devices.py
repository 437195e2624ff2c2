"""``device``: the agents at which the account has logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract.transactions.binding import CodeVariant
from signer_agent.cli.invocation import Invocation, command
from signer_agent.cli.options import KeyOption
from wire.client.output import OUTPUT

if TYPE_CHECKING:
    from datetime import datetime

    from signer_agent.contracts.contracts import Contracts
    from signer_agent.contracts.devices import Device

app = typer.Typer(
    help="The agents at which the account has logged in; and this one as a signing device.", no_args_is_help=True
)


@command(app)
def run(
    invocation: Invocation,
    *,
    key: KeyOption = "",
    own_key: Annotated[bool, typer.Option("--own-key", help="Sign by the account's own signer key.")] = False,
    variant: Annotated[CodeVariant, typer.Option(help="Of what is sealed and signed.")] = CodeVariant.CODE_AND_RANDOM,
    ask_pin: Annotated[
        bool, typer.Option("--ask-pin", help="Ask for PIN or passphrase before a code is shown.")
    ] = False,
    refreshing: Annotated[bool, typer.Option("--refreshing", help="Draw the picture anew with the time.")] = False,
    page: Annotated[bool, typer.Option("--page", help="Show it on a page for a browser, not on this screen.")] = False,
    page_port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0: a free one.")] = 0,
) -> None:
    """Be a signing device: show transactions of terminals on this screen, sign them, and show a code once confirmed.

    Signs by the joint key of the account's personal certificate, unless --own-key is given.
    """
    from signer_agent.cli.signing_device import run_device  # noqa: PLC0415  # takes as long to import as all else

    shown_at = page_port if page else None
    run_device(invocation, key, variant, shown_at, own_key=own_key, asks_pin=ask_pin, refreshing=refreshing)


@command(app, "list")
def list_devices(invocation: Invocation) -> None:
    """List the account's devices: the agents at which it has ever logged in, with the joint keys that they have."""
    found = invocation.with_contracts(lambda contracts: contracts.devices.list())
    rows = [
        (
            each.agent_id,
            f"blocked: {each.block_cause}" if each.state == "blocked" else each.state,
            _minute(each.end_time),
            _minute(each.enrol_time),
            _minute(each.login_time),
            _minute(each.lease_time),
            str(len(each.key_ids)),
            "this one" if each.is_own else "",
        )
        for each in found
    ]
    columns = ("Device", "State", "Since", "Enrolled", "Logged in", "Last lease", "Keys", "")
    OUTPUT.show_table([_content(each) for each in found], columns, rows)


@command(app)
def block(
    invocation: Invocation, name: Annotated[str, typer.Argument(metavar="DEVICE", help="As device list names it.")]
) -> None:
    """Block a device at once, also this one, until its agent enrols with a new ticket of the operator's."""

    async def work(contracts: Contracts) -> None:
        await contracts.devices.block(name)

    invocation.with_contracts(work)
    OUTPUT.show({"agent_id": name, "blocked": True}, [("Blocked", name)])


def _minute(time: datetime | None) -> str:
    return "-" if time is None else f"{time:%Y-%m-%d %H:%M}"


def _content(device: Device) -> dict[str, Any]:
    return {
        "agent_id": device.agent_id,
        "state": device.state,
        "block_cause": device.block_cause,
        "end_time": device.end_time.isoformat() if device.end_time else None,
        "enrol_time": device.enrol_time.isoformat(),
        "login_time": device.login_time.isoformat(),
        "lease_time": device.lease_time.isoformat() if device.lease_time else None,
        "key_ids": list(device.key_ids),
        "is_own": device.is_own,
    }
