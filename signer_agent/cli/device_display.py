"""What the signing device shows on a terminal's screen, line by line."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Final

import segno
from rich.cells import set_cell_size

from contract.errors import TransactionRefused
from contract.transactions.display import wrap
from signer_agent.cli.screen import Line
from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.model import Ended, Stage, View
from signer_agent.signing_device.wording import WAITING, tell_ending
from wire.client.output import message_of

_NOTICE_LINES: Final = 2
_AROUND: Final = 3 + _NOTICE_LINES
"""Lines around a transaction: head, an empty one, notice, keys."""


def size_for_reading(size: tuple[int, int]) -> tuple[int, int]:
    """Cells and lines that are left for a transaction on a screen of this size."""
    columns, lines = size
    return columns, lines - _AROUND


def display(desk: Desk, account: str, size: tuple[int, int], notice: str, now: datetime) -> list[Line]:
    """All lines of the screen; none wider than it is. With the code while that is shown.

    Args:
        desk: whose view it is.
        account: whose device it is.
        size: of the screen, columns and lines.
        notice: what is to be said besides.
        now: UTC.
    """
    view = desk.view
    columns, lines = size
    pages = f", page {view.number} of {view.count}" if view.stage is Stage.READING and view.count else ""
    if view.stage is Stage.WAITING:
        body = _waiting(view.ended, columns)
    elif view.stage is Stage.SHOWING:
        body = _showing(desk, view, size_for_reading(size), now)
    elif view.problem is not None:
        body = _broken(message_of(view.problem), "", columns)
    else:
        body = [(line, "") for line in view.page]
    everything = [
        (f"Signing device of {account}{pages}", "head"),
        ("", ""),
        *_filled(body, lines - _AROUND),
        *_filled(_broken(notice, "strong", columns), _NOTICE_LINES),
        (_keys(view), ""),
    ]
    return [(_cut(text, columns), style) for text, style in everything[:lines]]


def _filled(block: list[Line], height: int) -> list[Line]:
    """A block that is so high."""
    height = max(height, 0)
    return [*block[:height], *[("", "")] * (height - len(block))]


def _broken(text: str, style: str, columns: int) -> list[Line]:
    """A message in lines that fit."""
    return [(line, style) for line in wrap(text, columns)]


def _waiting(ended: Ended | None, columns: int) -> list[Line]:
    if ended is None:
        return [(WAITING, "")]
    lines: list[Line] = []
    for number, sentence in enumerate(tell_ending(ended)):
        lines += _broken(sentence, "" if number % 2 else "strong", columns)
    return [*lines, ("", ""), (WAITING, "")]


def _showing(desk: Desk, view: View, room: tuple[int, int], now: datetime) -> list[Line]:
    seconds = 0 if view.end is None else max(int((view.end - now).total_seconds()), 0)
    below = (f"{seconds} s left{', handed over' if view.handed_over else ''}", "")
    try:
        code: Line = (f"Code: {desk.code(view.revision).to_secret_groups()}", "strong")
        picture = _picture(desk.picture(view.revision))
    except TransactionRefused as error:  # its minute is over in this moment
        return [(message_of(error), "")]
    columns, lines = room
    if len(picture) + 2 > lines or len(picture[0]) > columns:
        return [code, below, ("No room for the picture", "")]
    return [code, below, *[(line, "blocks") for line in picture]]


def _picture(content: str) -> list[str]:
    out = io.StringIO()
    segno.make_qr(content, error="l", boost_error=False).terminal(out, border=4, compact=True)
    return out.getvalue().splitlines()


def _keys(view: View) -> str:
    match view.stage:
        case Stage.WAITING:
            return "q quit"
        case Stage.SHOWING:
            return "d done  h hand over  r refuse  q quit"
        case _:
            turns = "space forward  b back  " if view.count > 1 else ""
            return f"{turns}{'c CONFIRM  ' if view.may_confirm else ''}r refuse  q quit"


def _cut(text: str, columns: int) -> str:
    return set_cell_size(text, columns).rstrip() if text else text
