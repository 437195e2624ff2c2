"""The objects of a PDF file: opened by pikepdf, which repairs nothing here, and unpacked within limits."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pikepdf
from pikepdf import settings

from contract.watermark.refusals import MAX_FILE_BYTES, malformed, too_large
from mpc.errors import MalformedInput

MAX_PAGES: Final = 1000
MAX_STREAM_BYTES: Final = 48 << 20
"""Of a stream that is read."""
_MAX_UNPACKED_BYTES: Final = 256 << 20
_MAX_READ_BYTES: Final = 128 << 20
_MAX_OBJECTS: Final = 400_000
_BEGIN: Final = b"%PDF-"
_BEGINS_WITHIN: Final = 1024
_STREAM: Final = re.compile(rb"stream\r?\n")
_PIECE: Final = 1 << 20
_ZLIB: Final = 8

# For the whole process, and before anything is opened: qpdf knows no other place.
settings.set_qpdf_limits(
    flate_max_memory=MAX_STREAM_BYTES,
    run_length_max_memory=MAX_STREAM_BYTES,
    png_max_memory=MAX_STREAM_BYTES,
    tiff_max_memory=MAX_STREAM_BYTES,
    max_stream_filters=2,
    parser_max_nesting=100,
    doc_max_warnings=100,
)


@contextmanager
def refusing_damage() -> Iterator[None]:
    """Refuse what turns out to be damaged only when it is used: pikepdf reads objects late, and says so in many ways.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED.
    """
    try:
        yield
    except (pikepdf.PikepdfError, AttributeError, KeyError, RuntimeError, TypeError, ValueError):
        raise malformed("an object in it is damaged, or not what it should be") from None


class Objects:
    """The objects of a file.

    Args:
        data: the file.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED: no PDF, damaged or cut off; DOCUMENT_ENCRYPTED; DOCUMENT_TOO_LARGE.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_FILE_BYTES:
            raise too_large("its file")
        _require_small(data)
        self.pdf = _open(data)
        self._left = _MAX_READ_BYTES
        if self.pdf.is_encrypted:
            raise MalformedInput("DOCUMENT_ENCRYPTED", "the document is encrypted")
        if len(self.pdf.objects) > _MAX_OBJECTS:
            raise too_large("the number of its objects")
        with refusing_damage():
            pages = len(self.pdf.pages)
        if pages > MAX_PAGES:
            raise too_large(f"it has more than {MAX_PAGES} pages")
        if not pages:
            raise malformed("it has no pages")

    def read(self, stream: pikepdf.Object) -> bytes:
        """Unpack a stream.

        Raises:
            MalformedInput: DOCUMENT_MALFORMED: damaged, or outside the file; DOCUMENT_TOO_LARGE.
        """
        if not isinstance(stream, pikepdf.Stream) or "/F" in stream:
            raise malformed("a stream that is none, or lies outside the file")
        try:
            content = stream.read_bytes()
        except (pikepdf.PikepdfError, ValueError, RuntimeError):
            raise malformed("a stream that is damaged, packed in an unknown way, or too long") from None
        self._left -= len(content)
        if len(content) > MAX_STREAM_BYTES or self._left < 0:
            raise too_large("what it unpacks to")
        return content


def name_of(dictionary: pikepdf.Object, key: str) -> str:
    """The name that a dictionary has by a key, with its slash; empty if there is none."""
    found = dictionary.get(f"/{key}")
    return str(found) if isinstance(found, pikepdf.Name) else ""


def numbers_of(array: pikepdf.Object | None) -> list[float]:
    """The numbers of an array; empty if it is none.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED.
    """
    try:
        return [float(each) for each in array] if isinstance(array, pikepdf.Array) else []
    except (TypeError, ValueError):
        raise malformed("an array of numbers with something else in it") from None


def _open(data: bytes) -> pikepdf.Pdf:
    if _BEGIN not in data[:_BEGINS_WITHIN]:
        raise malformed("it is no PDF")
    try:
        return pikepdf.open(io.BytesIO(data), attempt_recovery=False)
    except pikepdf.PasswordError:
        raise MalformedInput("DOCUMENT_ENCRYPTED", "the document is encrypted") from None
    except (pikepdf.PikepdfError, ValueError, RuntimeError):
        raise malformed("it is damaged or a part of a PDF") from None


def _require_small(data: bytes) -> None:
    """Unpack every stream to nowhere, before qpdf does: it unpacks streams of objects as soon as it opens a file."""
    if b"LZWDecode" in data or b"/LZW" in data:
        raise malformed("a stream is packed by LZW, whose length nobody can tell")
    unpacked = 0
    for found in _STREAM.finditer(data):
        at = found.end()
        header = data[at : at + 2]
        if len(header) < 2 or header[0] & 0x0F != _ZLIB or int.from_bytes(header, "big") % 31:  # noqa: PLR2004  # RFC 1950
            continue
        unpacking, left = zlib.decompressobj(), data[at : at + _PIECE]
        try:
            while left and not unpacking.eof:
                unpacked += len(unpacking.decompress(left, _PIECE))
                if unpacked > _MAX_UNPACKED_BYTES:
                    raise too_large("what it unpacks to")
                left = unpacking.unconsumed_tail
                if not left:
                    at += _PIECE
                    left = data[at : at + _PIECE]
        except zlib.error:
            continue
