"""Content ciphertext in files, one an envelope, and how damage to them is found.

A file is a row of records, each a segment as it came and 16 bytes of AES-256-GMAC over it, under a key that stands in
the database (NIST SP 800-38D; the record's number is the nonce). So a flipped bit, a torn write and a segment in the
wrong place are found when it is read, at several gigabytes a second. It is no protection of the content: that is
encrypted, and its recipients check it.

::

    content/<two characters>/<envelope id>

A record is of one length, but for the last of an envelope. So the length of a file says how many whole records it has;
after a crash those that do not hold are cut off (``Content.open``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.stream import SEALED_SEGMENT_BYTES
from wire.catalogue import ServiceError

CHECK_BYTES: Final = 16
CHECK_KEY_BYTES: Final = 32
_RECORD_BYTES: Final = SEALED_SEGMENT_BYTES + CHECK_BYTES
_NONCE_BYTES: Final = 12


class Content:
    """The file of one envelope, open. Every method blocks; no two may run at a time, but ``read`` beside ``append``.

    Args:
        descriptor: of the file; closed by ``close``.
        key: 32 bytes.
    """

    def __init__(self, descriptor: int, key: bytes) -> None:
        self._descriptor = descriptor
        self._check = AESGCM(key)

    def append(self, number: int, segment: bytes) -> None:
        """Write a segment. Raises OSError: no space, for example."""
        record = segment + self._check.encrypt(_nonce(number), b"", segment)
        written = 0
        while written < len(record):
            written += os.pwrite(self._descriptor, record[written:], number * _RECORD_BYTES + written)

    def read(self, number: int) -> bytes:
        """Read a segment.

        Raises:
            ServiceError: CONTENT_LOST: it is not as it was written.
            OSError: of the file.
        """
        record = os.pread(self._descriptor, _RECORD_BYTES, number * _RECORD_BYTES)
        segment, check = record[:-CHECK_BYTES], record[-CHECK_BYTES:]
        try:
            self._check.decrypt(_nonce(number), check, segment)
        except (InvalidTag, ValueError):
            raise ServiceError("CONTENT_LOST") from None
        return segment

    def count_sound(self) -> int:
        """Whole segments that are as they were written, from the first on; what follows is cut off."""
        length = os.fstat(self._descriptor).st_size
        sound = 0
        while sound < length // _RECORD_BYTES:
            try:
                self.read(sound)
            except ServiceError:
                break
            sound += 1
        if length != sound * _RECORD_BYTES:
            os.ftruncate(self._descriptor, sound * _RECORD_BYTES)
        return sound

    def flush(self) -> None:
        """Have what was written on the disk. Raises OSError."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
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
        path = self._path(envelope_id)
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

    def remove(self, envelope_id: str) -> None:
        """Delete a file, if it is there."""
        self._path(envelope_id).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """The envelope ids of all files."""
        for folder in self._folder.iterdir():
            for path in folder.iterdir():
                yield path.name

    def _path(self, envelope_id: str) -> Path:
        """Of an id that was checked (``wire.ids``): it has no character that means something in a path."""
        return self._folder / envelope_id[-2:] / envelope_id


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
