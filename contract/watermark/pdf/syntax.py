"""Content streams: operators, and where each stands, so that one can be replaced (ISO 32000, 7.8.2)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from contract.watermark.refusals import malformed

Operand = Any
"""A number is a float, a name a str with its slash, a string bytes; else a list or a dict of them."""

_SHORT: Final = 4 << 10
_MAX_OPERANDS: Final = 100_000
_MAX_NESTING: Final = 32
_WHITE: Final = rb"\x00\t\n\f\r "
_DELIMITERS: Final = rb"()<>\[\]{}/%"
_TOKEN: Final = re.compile(
    rb"(?:[" + _WHITE + rb"]|%[^\r\n]*)*(?:"
    rb"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))"
    rb"|(?P<operator>[A-Za-z'\"][A-Za-z0-9*'\"]*)"
    rb"|/(?P<name>[^" + _WHITE + _DELIMITERS + rb"]*)"
    rb"|<(?P<hex>[0-9A-Fa-f" + _WHITE + rb"]*)>"
    rb"|\((?P<string>[^()\\]*)\)"
    rb"|(?P<special>\(|<<|>>|\[|\])"
    rb"|(?P<end>\Z))"
)
_STRING_PART: Final = re.compile(rb"[^()\\]+|\\(?:[0-7]{1,3}|\r\n|.)|[()]", re.DOTALL)
_ESCAPED: Final = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\f",
    b"\n": b"",
    b"\r": b"",
    b"\r\n": b"",
}
_HEX_IN_NAME: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_IMAGE_END: Final = re.compile(rb"[" + _WHITE + rb"]EI(?=[" + _WHITE + rb"]|\Z)")
_READABLE: Final = frozenset(b"\x00\t\n\f\r" + bytes(range(0x20, 0x7F)))
_WORDS: Final = {b"true": True, b"false": False, b"null": None}


@dataclass(slots=True)
class Operation:
    """An operator with its operands.

    Args:
        operator: its name; ``BI`` is a whole inline image.
        operands: in order.
        start: of the first operand in the stream.
        end: behind the operator.
    """

    operator: bytes
    operands: list[Operand]
    start: int
    end: int


def operations(data: bytes) -> Iterable[Operation]:
    """Read a content stream; a short one, as of a form that is shown again and again, once for all times.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED.
    """
    return _read_short(data) if len(data) < _SHORT else _read(data)


@lru_cache(maxsize=256)
def _read_short(data: bytes) -> tuple[Operation, ...]:
    return tuple(_read(data))


def _read(data: bytes) -> Iterator[Operation]:
    reader = _Reader(data)
    operands: list[Operand] = []
    start = -1
    while True:
        kind, value, begin = reader.token()
        if kind == "end":
            return
        if start < 0:
            start = begin
        if kind != "operator" or value in _WORDS:
            operands.append(reader.operand(kind, value))
            if len(operands) > _MAX_OPERANDS:
                raise malformed("an operator with operands without end")
            continue
        if value == b"BI":
            reader.skip_image()
        yield Operation(value, operands, start, reader.at)
        operands, start = [], -1


def _name(value: bytes) -> str:
    return "/" + _HEX_IN_NAME.sub(lambda found: bytes.fromhex(found[1].decode()), value).decode("latin-1")


def _hex(value: bytes) -> bytes:
    digits = value.translate(None, b"\x00\t\n\f\r ")
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())


def _lines(value: bytes) -> bytes:
    return value.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


_SIMPLE: Final[dict[str, Callable[[bytes], Operand]]] = {"name": _name, "hex": _hex, "string": _lines}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def token(self) -> tuple[str, bytes, int]:
        """The next token: kind, what it says, and where it begins."""
        found = _TOKEN.match(self._data, self.at)
        if found is None:
            raise malformed("a content stream that is none")
        self.at = found.end()
        kind = found.lastgroup or ""
        value = found[kind]
        begin = found.start(kind)
        if kind in ("name", "hex", "string"):
            begin -= 1
        return kind, value, begin

    def operand(self, kind: str, value: bytes, depth: int = 0) -> Operand:
        if kind == "number":
            number = float(value)
            if not math.isfinite(number):
                raise malformed("a number without end")
            return number
        simple = _SIMPLE.get(kind)
        if simple is not None:
            return simple(value)
        if value in _WORDS:
            return _WORDS[value]
        if value == b"(":
            return self._string()
        if value in (b"[", b"<<") and depth < _MAX_NESTING:
            return self._container(value, depth)
        raise malformed("a content stream that is none")

    def _container(self, opening: bytes, depth: int) -> Operand:
        closing = b"]" if opening == b"[" else b">>"
        items: list[Operand] = []
        while True:
            kind, value, _ = self.token()
            if kind == "special" and value == closing:
                break
            if len(items) > _MAX_OPERANDS:
                raise malformed("an array without end")
            items.append(self.operand(kind, value, depth + 1))
        if opening == b"[":
            return items
        if len(items) % 2 or not all(isinstance(key, str) for key in items[::2]):
            raise malformed("a dictionary that is none")
        return dict(zip(items[::2], items[1::2], strict=True))

    def _string(self) -> bytes:
        """A string with escapes or parentheses in it; the reader is behind the opening one."""
        parts: list[bytes] = []
        depth = 1
        while True:
            found = _STRING_PART.match(self._data, self.at)
            if found is None:
                raise malformed("a string without end")
            self.at, part = found.end(), found[0]
            depth += (part == b"(") - (part == b")")
            if not depth:
                return b"".join(parts)
            if part[:1] != b"\\":
                parts.append(_lines(part))
            elif part[1:].isdigit():
                parts.append(bytes([int(part[1:], 8) & 0xFF]))
            else:
                parts.append(_ESCAPED.get(part[1:], part[1:]))

    def skip_image(self) -> None:
        """Skip an inline image: its data may hold anything, and ends where ``EI`` stands and operators follow."""
        while True:
            kind, value, _ = self.token()
            if kind == "end":
                raise malformed("a picture without end")
            if (kind, value) == ("operator", b"ID"):
                break
        for found in _IMAGE_END.finditer(self._data, self.at):
            if _is_readable(self._data[found.end() : found.end() + 20]):
                self.at = found.end()
                return
        raise malformed("a picture without end")


def _is_readable(following: bytes) -> bool:
    return all(byte in _READABLE for byte in following)
