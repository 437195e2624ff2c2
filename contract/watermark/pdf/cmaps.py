"""CMaps: which bytes are a code, and which characters or glyphs it stands for (ISO 32000, 9.7.5 and 9.10.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from contract.watermark.pdf.syntax import operations
from contract.watermark.refusals import malformed, too_large

_MAX_CODES: Final = 200_000
"""Of a CMap: an alphabet has some ten thousand, and a range of a few bytes may say that it has all there are."""
_SECTION: Final = re.compile(rb"end(codespacerange|bfchar|bfrange|cidchar|cidrange)$")
_MAX_LENGTH: Final = 4


class CMap:
    """A CMap that a file brings along.

    Args:
        data: of its stream.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED, DOCUMENT_TOO_LARGE.
    """

    def __init__(self, data: bytes) -> None:
        self.texts: dict[int, str] = {}
        self.glyphs: dict[int, int] = {}
        self.lengths: list[tuple[int, int, int]] = []
        self._left = _MAX_CODES
        self._all_of_one: int | None = None  # bytes of every code, where one range has all of them
        for each in operations(data):
            section = _SECTION.match(each.operator)
            if section is not None:
                getattr(self, f"_read_{section[1].decode()}")(each.operands)

    def length(self, data: bytes, at: int) -> int:
        """How many bytes the code at a place has; one where no range has it."""
        if self._all_of_one is not None:
            return self._all_of_one
        for size, low, high in self.lengths:
            code = data[at : at + size]
            if len(code) == size and all(
                low >> shift & 0xFF <= byte <= high >> shift & 0xFF
                for byte, shift in zip(code, range(8 * size - 8, -1, -8), strict=True)
            ):
                return size
        return 1

    def _read_codespacerange(self, operands: list[object]) -> None:
        for low, high in _groups(operands, 2):
            self.lengths.append((len(_bytes(low)), _code(low), _code(high)))
        self.lengths.sort()
        size, low, high = self.lengths[0]
        is_whole = len(self.lengths) == 1 and not low and high == (1 << 8 * size) - 1
        self._all_of_one = size if is_whole else None

    def _read_bfchar(self, operands: list[object]) -> None:
        for code, text in _groups(operands, 2):
            self._count(1)
            self.texts[_code(code)] = _text(text)

    def _read_bfrange(self, operands: list[object]) -> None:
        for low, high, said in _groups(operands, 3):
            codes = range(_code(low), _code(high) + 1)
            self._count(len(codes))
            if isinstance(said, list):
                self.texts.update(zip(codes, map(_text, said), strict=False))
            else:
                first = _text(said)
                for turn, code in enumerate(codes):
                    self.texts[code] = first[:-1] + character(ord(first[-1]) + turn) if first else ""

    def _read_cidchar(self, operands: list[object]) -> None:
        for code, glyph in _groups(operands, 2):
            self._count(1)
            self.glyphs[_code(code)] = _number(glyph)

    def _read_cidrange(self, operands: list[object]) -> None:
        for low, high, glyph in _groups(operands, 3):
            codes = range(_code(low), _code(high) + 1)
            self._count(len(codes))
            self.glyphs.update(zip(codes, range(_number(glyph), _number(glyph) + len(codes)), strict=True))

    def _count(self, codes: int) -> None:
        self._left -= codes
        if self._left < 0:
            raise too_large("a font's table of characters")


def _groups(operands: list[object], size: int) -> Iterator[list[object]]:
    """The operands in groups."""
    if len(operands) % size:
        raise malformed("a font's table of characters")
    for at in range(0, len(operands), size):
        yield operands[at : at + size]


def _bytes(operand: object) -> bytes:
    if not isinstance(operand, bytes) or not 1 <= len(operand) <= _MAX_LENGTH:
        raise malformed("a font's table of characters")
    return operand


def _code(operand: object) -> int:
    return int.from_bytes(_bytes(operand), "big")


def _number(operand: object) -> int:
    if not isinstance(operand, float):
        raise malformed("a font's table of characters")
    return int(operand)


def _text(operand: object) -> str:
    if not isinstance(operand, bytes):
        raise malformed("a font's table of characters")
    if len(operand) == 1:
        return chr(operand[0])
    return operand.decode("utf-16-be", errors="replace")


def character(code: int) -> str:
    """The character of a code, if it is one."""
    try:
        return chr(code).encode(errors="replace").decode()  # a half of a pair is no character
    except (ValueError, OverflowError):
        return "\ufffd"
