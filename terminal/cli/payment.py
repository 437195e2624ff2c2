"""``pay``: the whole way of a payment, or what is left of it after a crash."""

# ruff: noqa: UP045  # typer reads Optional; flags are booleans

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Optional

import typer

from contract.transactions.money import Amount
from contract.transactions.progress import TransactionState
from contract.transactions.transaction import Transfer
from mpc.errors import FoursealError
from terminal.cli.codes import Way
from terminal.cli.options import HomeOption, JsonOption, with_terminal
from terminal.terminal import KIND, LIFE, Terminal
from wire.client.output import INCOMPLETE, OUTPUT, message_of
from wire.client.transaction_text import content_of, rows_of
from wire.client.transactions import ShownTransaction

_MINUTE: Final = timedelta(minutes=1)
_MINUTES: Final = LIFE // _MINUTE
_UNDECIDED: Final = frozenset({TransactionState.PROPOSED, TransactionState.SIGNED, TransactionState.CONFIRMED})

_DECIDED: Final = frozenset({"CODE_USED", "TRANSACTION_CLOSED"})  # used by us, it may be, and the answer was lost

_PayeeArgument = Annotated[Optional[str], typer.Argument(metavar="PAYEE", help="Account that gets it.")]
_AmountArgument = Annotated[Optional[str], typer.Argument(metavar="AMOUNT", help="Such as 12.50.")]
_CurrencyArgument = Annotated[Optional[str], typer.Argument(metavar="CURRENCY", help="Its code, such as EUR.")]
_PayerOption = Annotated[
    Optional[str], typer.Option("--from", metavar="PAYER", help="Account that gives it, and whose device signs.")
]
_TextOption = Annotated[str, typer.Option(help="For people to read, up to 500 characters.")]
_KindOption = Annotated[str, typer.Option(help="Of transaction, as the back end knows it.")]
_MinutesOption = Annotated[int, typer.Option(min=1, max=24 * 60, help="Until it ends.")]
_RequestOption = Annotated[
    Optional[str],
    typer.Option(help="Chosen once for this payment: the same again goes on with it. 16 to 64 of [A-Za-z0-9_-]."),
]
_ResumeOption = Annotated[
    Optional[str], typer.Option("--resume", metavar="TRANSACTION", help="Go on with this one, instead of a new one.")
]
_DeviceOption = Annotated[
    Optional[Path],
    typer.Option("--device", metavar="SOCKET", envvar="FOURSEAL_DEVICE", help="Socket of the signing device."),
]
_CodeOption = Annotated[
    Optional[str],
    typer.Option(help="With --resume: the code that the device shows. Else it is read from standard input."),
]
_PictureOption = Annotated[
    Optional[Path],
    typer.Option(help="File with a picture of the device's display (PNG, JPEG, WebP), instead of a typed code."),
]
_RefreshingOption = Annotated[
    bool,
    typer.Option("--refreshing", help="The device draws its picture anew: take none that is older than 3 seconds."),
]
_ChannelOption = Annotated[
    bool, typer.Option("--channel", help="The device hands the code over, once its user lets it.")
]


def pay(
    payee: _PayeeArgument = None,
    amount: _AmountArgument = None,
    currency: _CurrencyArgument = None,
    *,
    payer: _PayerOption = None,
    text: _TextOption = "",
    kind: _KindOption = KIND,
    minutes: _MinutesOption = _MINUTES,
    request_id: _RequestOption = None,
    resume: _ResumeOption = None,
    device: _DeviceOption = None,
    code: _CodeOption = None,
    picture: _PictureOption = None,
    refreshing: _RefreshingOption = False,
    channel: _ChannelOption = False,
    home: HomeOption = None,
    json: JsonOption = False,  # noqa: ARG001  # see its callback
) -> None:
    """Propose a payment, have a device show it, and bring the code that it shows once it was confirmed there.

    Exit status 0 if it is executed, 1 if it was refused or failed, 3 if that is not decided yet.
    """
    way = Way(home, device, code, picture, refreshing, channel, resumed=resume is not None)
    _require_one_way(way)
    name = resume
    if name is None:
        if payee is None or amount is None or currency is None or payer is None:
            raise typer.BadParameter("a payment has PAYEE, AMOUNT, CURRENCY and --from PAYER; or goes on by --resume")
        transfer, life = Transfer(payer, payee, Amount.parse(amount, currency)), minutes * _MINUTE
        name = with_terminal(home, lambda terminal: _prepare(terminal, transfer, kind, text, request_id, life))
    elif (payee, amount, currency, payer, request_id, text, kind, minutes) != (*[None] * 5, "", KIND, _MINUTES):
        raise typer.BadParameter("a payment that goes on stays as it is: beside --resume nothing of it can be named")
    OUTPUT.note(f"Transaction: {name}")
    found = _go_on(name, way)
    show_transaction(found)
    if found.state is not TransactionState.EXECUTED:
        raise typer.Exit(INCOMPLETE if found.state in _UNDECIDED else 1)


def show_transaction(found: ShownTransaction) -> None:
    """Show how a transaction stands, and what can be done."""
    OUTPUT.show(content_of(found), rows_of(found))
    if found.state in {TransactionState.PROPOSED, TransactionState.SIGNED}:
        OUTPUT.note(f"Go on with it: fourseal-terminal pay --resume {found.transaction_id}")
    elif found.state is TransactionState.CONFIRMED:
        OUTPUT.note(f"It is being executed. Look again: fourseal-terminal show {found.transaction_id}")
    elif found.state is not TransactionState.EXECUTED:
        OUTPUT.note("Nothing of it was done. If it is still wanted, propose a new one.")


def _go_on(name: str, way: Way) -> ShownTransaction:
    """Take every step that is left. What was decided meanwhile is no refusal: how it stands is looked up."""
    try:
        found = with_terminal(way.home, lambda terminal: _until_signed(terminal, name, way.device))
        return way.confirm(name) if found.state is TransactionState.SIGNED else found
    except FoursealError as error:
        if error.reason not in _DECIDED:
            raise
        OUTPUT.note(message_of(error))
    return with_terminal(way.home, lambda terminal: terminal.get(name))


def _require_one_way(way: Way) -> None:
    if sum((way.code is not None, way.picture is not None, way.channel)) > 1:
        raise typer.BadParameter("the code comes one way: --code, --picture or --channel")
    if way.refreshing and way.picture is None:
        raise typer.BadParameter("--refreshing is for a --picture")
    if way.code is not None and not way.resumed:
        raise typer.BadParameter("there is no code before a device has shown the transaction: --code is for --resume")


async def _prepare(
    terminal: Terminal, transfer: Transfer, kind: str, text: str, request_id: str | None, life: timedelta
) -> str:
    kept = await terminal.prepare(transfer.payer, [transfer], kind=kind, text=text, request_id=request_id, life=life)
    return kept.transaction_id


async def _until_signed(terminal: Terminal, name: str, device: Path | None) -> ShownTransaction:
    with OUTPUT.progress("Registering it at the back end") as say:
        found = await terminal.propose(name)
        if found.state is TransactionState.PROPOSED:
            say("Presenting it at the device")
            await terminal.present(name, device)
            say("Bringing what the device signed")
            found = await terminal.sign(name)
    return found
