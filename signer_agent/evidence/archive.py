"""Bundles as zip files: ``zip_format``. One bundle makes one file, byte by byte, whoever writes it and whenever.

A file is there whole or not at all, for its owner alone. Contents are streamed: memory does not grow with them.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from contract.bundle.files import MAX_FILES, BundleFile, FileDigest, malformed
from contract.bundle.parts import Bundle, content_digests
from contract.bundle.writing import write_bundle
from contract.stream import Buffer
from signer_agent.evidence.zip_format import (
    MAX_HEADER_BYTES,
    ZipEntry,
    directory,
    local_header,
    parse_local_header,
)
from wire.catalogue import ServiceError
from wire.client.named_files import translated, writing_whole

Write = Callable[[Buffer], None]
"""Takes the next piece of a content."""

_PIECE_BYTES: Final = 1 << 20
_NOT_DESCRIBED: Final = "a content that is not the one described"


class ArchiveWriter:
    """A bundle's zip file while it is written: from ``writing_archive``. Blocks; for one thread at a time.

    Args:
        file: to write to, from its beginning.
        bundle: that goes into it.
    """

    def __init__(self, file: BinaryIO, bundle: Bundle) -> None:
        self._file = file
        self._entries: list[ZipEntry] = []
        self._missing = content_digests(bundle)
        for name, data in write_bundle(bundle).items():
            self._begin(ZipEntry(name, len(data), zlib.crc32(data), self._place))
            file.write(data)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the contents that are not written yet, in the order in which they must be."""
        return tuple(self._missing)

    @contextmanager
    def content(self, name: str) -> Iterator[Write]:
        """Write a content; yields what takes its pieces.

        Args:
            name: the first of ``missing``.

        Raises:
            MalformedInput: BUNDLE_MALFORMED: it is not the content that its description says.
            ServiceError: FILE_UNUSABLE.
        """
        if name != next(iter(self._missing), None) or self._file.tell() != self._place:
            raise AssertionError(name)  # a fault of the caller's: another's turn, or after one that failed
        expected = self._missing[name]
        empty = ZipEntry(name, expected.length, 0, self._place)
        self._begin(empty)
        digest, length, checksum = hashlib.sha256(), 0, 0

        def write(piece: Buffer) -> None:
            nonlocal length, checksum
            checksum, length = zlib.crc32(piece, checksum), length + len(piece)
            if length > expected.length:
                raise malformed(_NOT_DESCRIBED)
            digest.update(piece)
            self._file.write(piece)

        yield write
        if FileDigest(length, digest.digest()) != expected:
            raise malformed(_NOT_DESCRIBED)
        self._entries[-1] = ZipEntry(name, length, checksum, empty.place)
        self._file.seek(empty.place)
        self._file.write(local_header(self._entries[-1]))
        self._file.seek(0, os.SEEK_END)
        del self._missing[name]

    def finish(self) -> None:
        """Write what stands behind the contents, which must all be there."""
        if self._missing:
            raise AssertionError(self.missing)  # a fault of the caller's
        self._file.write(directory(self._entries))

    @property
    def _place(self) -> int:
        return self._entries[-1].end if self._entries else 0

    def _begin(self, entry: ZipEntry) -> None:
        self._entries.append(entry)
        self._file.write(local_header(entry))


@contextmanager
def writing_archive(path: Path, bundle: Bundle) -> Iterator[ArchiveWriter]:
    """Write a bundle's zip file: whole and durable, or not at all.

    Args:
        path: where; replaced if it exists.
        bundle: all but the contents, which the block writes: ``ArchiveWriter.content``.

    Raises:
        MalformedInput, PeerMisbehaved, VerificationFailed: as ``write_bundle``.
        ServiceError: FILE_UNUSABLE: cannot be written.
    """
    with writing_whole(path, secret=True) as file:
        writer = ArchiveWriter(file, bundle)
        yield writer
        writer.finish()


@contextmanager
def reading_archive(path: Path) -> Iterator[list[BundleFile]]:
    """Open a bundle's zip file; yields its files, which can be read as long as the block lasts.

    Names and contents are for ``read_bundle`` to judge. Checksums are checked where a file is read to its end.

    Raises:
        MalformedInput: BUNDLE_MALFORMED: it is not byte by byte what ``writing_archive`` writes. Also of a file's
            ``read``.
        ServiceError: FILE_UNUSABLE: cannot be read.
    """
    with translated(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # which waits for no writer of a pipe
    try:
        with translated(path):
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ServiceError("FILE_UNUSABLE", file=str(path), problem="it is no regular file")
            entries = _read_entries(descriptor, found.st_size)
        yield [BundleFile(each.name, each.length, partial(_read, path, descriptor, each)) for each in entries]
    finally:
        os.close(descriptor)


def _read_entries(descriptor: int, size: int) -> list[ZipEntry]:
    entries: list[ZipEntry] = []
    place = 0
    while (entry := parse_local_header(os.pread(descriptor, MAX_HEADER_BYTES, place), place)) is not None:
        entries.append(entry)
        place = entry.end
        if place > size or len(entries) > MAX_FILES:
            raise malformed("its zip file is cut off, or has too many files")
    end = directory(entries)
    if size != place + len(end) or os.pread(descriptor, len(end), place) != end:
        raise malformed("the end of its zip file is missing, or another than Fourseal writes")
    return entries


def _read(path: Path, descriptor: int, entry: ZipEntry) -> Iterator[bytes]:
    place, end, checksum = entry.content_place, entry.end, 0
    while place < end:
        with translated(path):
            piece = os.pread(descriptor, min(_PIECE_BYTES, end - place), place)
        if not piece:
            raise malformed("its zip file became shorter while it was read")
        checksum = zlib.crc32(piece, checksum)
        place += len(piece)
        yield piece
    if checksum != entry.checksum:
        raise malformed("a file with another checksum than the zip file says")
