"""The one zip file that a set of files makes, byte by byte: docs/formats.md says what it has.

Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (its
end) and 4.5.3 (zip64). Nothing is compressed, dates are fixed, and there is no choice left. So a reader writes again
what it read, and compares: no two programs see two things in one file, and nothing can hide where no program looks.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contract.bundle.files import malformed

_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END_64: Final = struct.Struct("<IQHHIIQQQQ")
_LOCATOR_64: Final = struct.Struct("<IIQI")
_END: Final = struct.Struct("<IHHHHIIH")

_LOCAL_MARK: Final = 0x04034B50
_CENTRAL_MARK: Final = 0x02014B50
_END_64_MARK: Final = 0x06064B50
_LOCATOR_64_MARK: Final = 0x07064B50
_END_MARK: Final = 0x06054B50

_VERSION: Final = 20
_VERSION_64: Final = 45
_UNIX: Final = 3 << 8
_MODE: Final = 0o100600 << 16  # a regular file; it may have a content key
_DATE: Final = (1 << 5) | 1  # the first day there is, 1 January 1980
_FULL: Final = 0xFFFFFFFF
_EXTRA_64: Final = 1
_NO_ZIP: Final = "it is no zip file as Fourseal writes it"

LOCAL_BYTES: Final = _LOCAL.size
"""Bytes of a local header before the name."""
MAX_NAME_BYTES: Final = 100
"""Longest name that is read; those of bundles are shorter."""
_MAX_EXTRA_BYTES: Final = 20
MAX_HEADER_BYTES: Final = LOCAL_BYTES + MAX_NAME_BYTES + _MAX_EXTRA_BYTES
"""Longest local header."""


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A file in a zip.

    Args:
        name: ASCII.
        length: bytes.
        checksum: CRC-32 of the content.
        place: where its local header begins.
    """

    name: str
    length: int
    checksum: int
    place: int

    @property
    def content_place(self) -> int:
        """Where its content begins."""
        return self.place + len(local_header(self))

    @property
    def end(self) -> int:
        """Where the next thing begins."""
        return self.content_place + self.length


def local_header(entry: ZipEntry) -> bytes:
    """What stands before the content."""
    name, extra = entry.name.encode("ascii"), b""
    length, version = entry.length, _VERSION
    if length >= _FULL:
        extra = _extra(length, length)
        length, version = _FULL, _VERSION_64
    head = (_LOCAL_MARK, version, 0, 0, 0, _DATE, entry.checksum, length, length, len(name), len(extra))
    return _LOCAL.pack(*head) + name + extra


def parse_local_header(data: bytes, place: int) -> ZipEntry | None:
    """Read ``local_header``.

    Args:
        data: of the file from ``place`` on, ``MAX_HEADER_BYTES`` or all that is left.
        place: where that is.

    Returns:
        None: the entries end here.

    Raises:
        MalformedInput: BUNDLE_MALFORMED: it is none.
    """
    if data.startswith(_CENTRAL_MARK.to_bytes(4, "little")):
        return None
    try:
        *_, checksum, _, length, name_length, extra_length = _LOCAL.unpack_from(data)
        name = data[LOCAL_BYTES : LOCAL_BYTES + name_length].decode("ascii")
        if extra_length:
            length = struct.unpack_from("<Q", data, LOCAL_BYTES + name_length + 4)[0]
    except (struct.error, UnicodeDecodeError):
        raise malformed(_NO_ZIP) from None
    entry = ZipEntry(name, length, checksum, place)
    if name_length > MAX_NAME_BYTES or not data.startswith(local_header(entry)):
        raise malformed(_NO_ZIP)
    return entry


def directory(entries: Sequence[ZipEntry]) -> bytes:
    """What stands behind the last content.

    Args:
        entries: all, as they stand in the file.
    """
    start = entries[-1].end if entries else 0
    headers = b"".join(map(_central_header, entries))
    count, end = len(entries), b""
    if start >= _FULL:
        fields = (_END_64.size - 12, _UNIX | _VERSION_64, _VERSION_64, 0, 0, count, count, len(headers), start)
        end = _END_64.pack(_END_64_MARK, *fields)
        end += _LOCATOR_64.pack(_LOCATOR_64_MARK, 0, start + len(headers), 1)
    end += _END.pack(_END_MARK, 0, 0, count, count, len(headers), min(start, _FULL), 0)
    return headers + end


def _central_header(entry: ZipEntry) -> bytes:
    name, large = entry.name.encode("ascii"), []
    length, place = entry.length, entry.place
    if length >= _FULL:
        large += [length, length]
        length = _FULL
    if place >= _FULL:
        large.append(place)
        place = _FULL
    extra = _extra(*large) if large else b""
    version = _VERSION_64 if large else _VERSION
    head = (_CENTRAL_MARK, _UNIX | version, version, 0, 0, 0, _DATE, entry.checksum, length, length)
    return _CENTRAL.pack(*head, len(name), len(extra), 0, 0, 0, _MODE, place) + name + extra


def _extra(*values: int) -> bytes:
    return struct.pack(f"<HH{len(values)}Q", _EXTRA_64, 8 * len(values), *values)
