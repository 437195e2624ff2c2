"""Marked strings: the operators that show them, written anew so that each character has its colour and its place.

A character is moved so that the gap before it is one of its level, and stays as near as can be to where it stood: at
most 12 thousandths of the font's size from there, so that no line becomes longer. What an operator leaves behind it,
place and colour, is what it left before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from contract.watermark.characters import with_lowest_bits
from contract.watermark.pdf.colours import rgb_operator
from contract.watermark.pdf.levels import CENTRES, PERIOD
from contract.watermark.pdf.reading import Placed, step
from contract.watermark.pdf.shows import Show

_STILL: Final = (0.0, 12.0, -12.0, 24.0, -24.0)
"""Where a character may go whose gap carries nothing, so that it does not come to carry."""
_SMALLEST_MOVE: Final = 0.005


@dataclass(frozen=True, slots=True)
class Wanted:
    """Levels, by place in the text."""

    colours: Mapping[int, int | None]
    kernings: Mapping[int, int | None]


@dataclass(slots=True)
class _Marks:
    """Of one show: colours of 24 bits and shifts, by glyph."""

    colours: dict[int, int]
    shifts: dict[int, float]


def rewritten(placed: Iterable[Placed], wanted: Wanted) -> Iterator[tuple[Show, bytes]]:
    """The operators of a page that change, with what stands for each."""
    marks: dict[Show, _Marks] = {}
    last: Placed | None = None
    last_shift = 0.0
    for each in placed:
        of_show = marks.setdefault(each.show, _Marks({}, {}))
        bits = wanted.colours.get(each.place) if each.carries else None
        base = each.show.colour.marked
        if bits is not None and base is not None:
            of_show.colours[each.at] = with_lowest_bits(base, bits)
        shift = 0.0
        if last is not None and each.step is not None:
            level = wanted.kernings.get(last.place) if last.carries and each.carries else None
            shift = _shift(last, last_shift, each, level)
        if shift:
            of_show.shifts[each.at] = shift
        last, last_shift = each, shift
    for show, of_show in marks.items():
        if of_show.colours or of_show.shifts:
            yield show, _written(show, of_show)


def _shift(last: Placed, last_shift: float, placed: Placed, level: int | None) -> float:
    before = placed.step
    if before is None or (level is None and not last_shift):
        return 0.0
    choices: Iterable[float] = _STILL
    if level is not None and before.gap is not None:
        gap = before.gap - last_shift
        nearest = (CENTRES[level] - gap + PERIOD / 2) % PERIOD - PERIOD / 2
        choices = sorted((nearest, nearest - PERIOD, nearest + PERIOD), key=abs)
    for shift in choices:
        after = step(last.show, last.at, placed.show, placed.at, last_shift, shift)
        if after.joined == before.joined and (after.gap is None) == (before.gap is None):
            return shift
    return 0.0


def _written(show: Show, marks: _Marks) -> bytes:
    parts = [show.before]
    strings: list[bytes] = []
    at_now, colour = 0.0, show.colour.marked

    def flush() -> None:
        if strings:
            parts.append(b"[" + b"".join(strings) + b"]TJ ")
            strings.clear()

    for at, glyph in enumerate(show.glyphs):
        wanted = marks.colours.get(at, show.colour.marked)
        if wanted != colour and wanted is not None:
            flush()
            parts.append((show.colour.source if wanted == show.colour.marked else rgb_operator(wanted)) + b" ")
            colour = wanted
        at_now -= _move(strings, at_now - show.offsets[at] - marks.shifts.get(at, 0.0))
        if strings and strings[-1].endswith(b">"):
            strings[-1] = strings[-1][:-1] + glyph.code.hex().encode() + b">"
        else:
            strings.append(b"<" + glyph.code.hex().encode() + b">")
        at_now += show.advance(glyph)
    _move(strings, at_now - show.width)
    flush()
    if colour != show.colour.marked:
        parts.append(show.colour.source)
    return b"".join(parts).rstrip()


def _move(strings: list[bytes], wanted: float) -> float:
    """Add a move back by so much; what came of it."""
    number = round(wanted, 2)
    if abs(number) < _SMALLEST_MOVE:
        return 0.0
    strings.append(f"{number:g}".encode())
    return number
