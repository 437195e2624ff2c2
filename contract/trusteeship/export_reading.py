"""A records export from its file, part by part: memory does not grow with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from contract import der
from contract.trusteeship.export import HEAD, MAX_PART_BYTES, REASON, ExportHead, Part, read_part
from mpc.errors import MalformedInput

Read = Callable[[int], bytes]
"""Gives the next bytes of a file: so many, fewer at its end, then none."""

_SEQUENCE: Final = 0x30
_SHORT: Final = 0x80  # lengths below stand in the length's first byte; else that says how many bytes follow
_LONGEST_LENGTH: Final = 4
_TAG_AND_LENGTH: Final = 2


def is_export(beginning: bytes) -> bool:
    """Whether a file that begins so says of itself that it is a records export."""
    return beginning[:1] == bytes([_SEQUENCE]) and HEAD.encode() in beginning[: _LONGEST_LENGTH + 4 + len(HEAD)]


def read_export(read: Read) -> tuple[ExportHead, Iterator[Part]]:
    """Read a file: its head, and what follows, part by part as it is asked for.

    Raises:
        MalformedInput: EXPORT_MALFORMED, at once or with the part that is asked for; what the parts raise.
    """
    parts = _read_parts(read)
    head = next(parts, None)
    if not isinstance(head, ExportHead):
        raise _malformed("it does not begin with a head")
    return head, _followers(parts)


def _followers(parts: Iterator[Part]) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, ExportHead):
            raise _malformed("a second head")
        yield part


def _read_parts(read: Read) -> Iterator[Part]:
    while data := _read_frame(read):
        yield read_part(data)


def _read_frame(read: Read) -> bytes:
    """The bytes of the next part; empty at the end."""
    begin = read(_TAG_AND_LENGTH)
    if not begin:
        return b""
    if len(begin) < _TAG_AND_LENGTH or begin[0] != _SEQUENCE:
        raise _malformed("a part that is no sequence")
    length, digits = begin[1], b""
    if length >= _SHORT:
        count = length - _SHORT
        der.require_that(1 <= count <= _LONGEST_LENGTH, "a part that is too long", reason=REASON)
        digits = _read_all(read, count)
        length = int.from_bytes(digits)
    der.require_that(length <= MAX_PART_BYTES, "a part that is too long", reason=REASON)
    return begin + digits + _read_all(read, length)


def _read_all(read: Read, length: int) -> bytes:
    data = read(length)
    if len(data) != length:
        raise _malformed("it ends within a part")
    return data


def _malformed(problem: str) -> MalformedInput:
    return MalformedInput(REASON, f"the records export is refused: {problem}", problem=problem)
