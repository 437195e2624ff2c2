"""Content ciphertext in files, one an envelope, and how damage to them is found.

A file is a row of records, each a segment as it came and 16 bytes of AES-256-GMAC over it, under a key that stands in
the database (NIST SP 800-38D; the record's number is the nonce). So a flipped bit, a torn write and a segment in the
wrong place are found when it is read, at several gigabytes a second. It is no protection of the content: that is
encrypted, and its recipients check it. Each record begins with a block of the disk (``wire.block_records``).

::

    content/<last two characters>/<envelope id>.<16 characters from the key>

A record is of one length, but for the last of an envelope. So the length of a file says how many full records it may
have; ``Content.count_sound`` says how many of them hold after a crash. A file keeps its name for its whole life: the
row alone says that an envelope is finished, so there is no moment between a new name and a new row.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import starmap
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.stream import SEALED_SEGMENT_BYTES
from wire.block_records import RecordWriter, in_blocks
from wire.catalogue import ServiceError
from wire.segments import Segment

CHECK_BYTES: Final = 16
CHECK_KEY_BYTES: Final = 32
_RECORD_BYTES: Final = SEALED_SEGMENT_BYTES + CHECK_BYTES
_STRIDE_BYTES: Final = in_blocks(_RECORD_BYTES)
_NONCE_BYTES: Final = 12


class Content:
    """The file of one envelope, open. Every method blocks; no two may write at a time.

    A thread may still be at work when whoever sent it there has gone: so the descriptor is closed by the last to leave.
    Its number would else be that of another file while the thread writes.

    Args:
        descriptor: of the file; closed by ``close``.
        key: 32 bytes.
    """

    def __init__(self, descriptor: int, key: bytes) -> None:
        self._descriptor = descriptor
        self._check = AESGCM(key)
        self._writer = RecordWriter(descriptor, _RECORD_BYTES)
        self._lock = threading.Lock()
        self._users = 1
        self._closed = False
        self._flushing = threading.Lock()
        self._doubtful = False

    def append(self, first: int, segments: Sequence[Segment]) -> None:
        """Write segments from a number on. Raises OSError: no space, for example; a flush has failed."""
        with self._in_use():
            self._writer.write(first, starmap(self._record, enumerate(segments, first)))
        self._require_sure()

    def read(self, number: int) -> Segment:
        """Read a segment.

        Raises:
            ServiceError: CONTENT_LOST: it is not as it was written, or cannot be read.
        """
        try:
            with self._in_use() as descriptor:
                record = memoryview(os.pread(descriptor, _RECORD_BYTES, number * _STRIDE_BYTES))
        except OSError:
            raise ServiceError("CONTENT_LOST") from None
        segment, check = record[:-CHECK_BYTES], record[-CHECK_BYTES:]
        try:
            self._check.decrypt(_nonce(number), check, segment)
        except (InvalidTag, ValueError):
            raise ServiceError("CONTENT_LOST") from None
        return Segment.of(segment)

    def count_sound(self) -> int:
        """Full segments that are as they were written, from the first on. Raises OSError."""
        with self._in_use() as descriptor:
            full = _full_records(os.fstat(descriptor).st_size)
        for number in range(full):
            try:
                self.read(number)
            except ServiceError:
                return number
        return full

    def settle(self, segments: int, content_bytes: int) -> None:
        """Cut off what a broken write left behind the last segment, and have the rest on the disk. Raises OSError."""
        self._require_sure()
        with self._in_use() as descriptor:
            before = segments - 1
            last = content_bytes - before * SEALED_SEGMENT_BYTES
            os.ftruncate(descriptor, before * _STRIDE_BYTES + last + CHECK_BYTES)
            self._flush(descriptor)

    def flush(self) -> None:
        """Have what was written on the disk.

        When that fails, nothing in the file is sure any more: the system tells of a failure once, and says of the same
        bytes the next time that they are written. So every later flush and write fails, until the file is closed.

        Raises:
            OSError: it failed, or has failed before.
        """
        with self._in_use() as descriptor:
            self._flush(descriptor)

    def close(self) -> None:
        """Close the file, once nobody reads or writes it."""
        with self._lock:
            self._closed = True
        self._leave()

    def _record(self, number: int, segment: Segment) -> tuple[memoryview, bytes]:
        return segment.data, self._check.encrypt(_nonce(number), b"", segment.data)

    def _flush(self, descriptor: int) -> None:
        with self._flushing:
            self._require_sure()
            try:
                os.fdatasync(descriptor)
            except OSError:
                self._doubtful = True
                raise

    def _require_sure(self) -> None:
        if self._doubtful:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    @contextmanager
    def _in_use(self) -> Iterator[int]:
        with self._lock:
            if self._closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self._users += 1
        try:
            yield self._descriptor
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
        self._writer.close()
        os.close(self._descriptor)


class ContentFolder:
    """All files.

    Args:
        folder: made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    def open(self, envelope_id: str, key: bytes, *, create: bool = False) -> Content:
        """Open a file; with ``create``, made durably if it is missing.

        Raises:
            ServiceError: CONTENT_LOST: it is not there.
            OSError: of the file system.
        """
        path = self._path(name_of(envelope_id, key))
        if create:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
        except FileNotFoundError:
            raise ServiceError("CONTENT_LOST") from None
        if create:
            for folder in (path.parent, self._folder):
                _sync_folder(folder)
        return Content(descriptor, key)

    def size(self, envelope_id: str, key: bytes) -> int:
        """Bytes of content in a file, as its length has it; 0 if there is none."""
        try:
            length = self._path(name_of(envelope_id, key)).stat().st_size
        except FileNotFoundError:
            return 0
        full = _full_records(length)
        return full * SEALED_SEGMENT_BYTES + max(0, length - full * _STRIDE_BYTES - CHECK_BYTES)

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """The names of all files, as ``name_of`` makes them."""
        for path in self._folder.glob("??/envelope-*"):  # a file system of its own has a lost+found beside them
            yield path.name

    def _path(self, name: str) -> Path:
        return self._folder / name[-2:] / name


def name_of(envelope_id: str, key: bytes) -> str:
    """The name of an envelope's file.

    The id was checked (``wire.ids``): it has no character that means something in a path. The key makes it another file
    when an id is used again after it was dropped, for the old one may be deleted later than the new one is made.
    """
    return f"{envelope_id}.{sha256(key).hexdigest()[:16]}"


def _full_records(length: int) -> int:
    """How many a file of that length may have; the last may lack what fills its block."""
    return (length + _STRIDE_BYTES - _RECORD_BYTES) // _STRIDE_BYTES


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
