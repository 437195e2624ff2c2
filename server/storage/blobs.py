"""Contents in files that are named by their own digest: write once, never changed.

A content grows in a part file. Finishing it has it on the disk, and then gives it its name: so a file with a digest for
its name is whole, whatever crashed. Who has a part open has it alone, of all processes; who gives a file its name, or
takes files away, first takes the folder's lock. Every method blocks: call them in a thread for files.

::

    <folder>/parts/<name>            grows
    <folder>/<two hex>/<64 hex>      SHA-256 of what is in it
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Final

from server.storage.file_lock import FileLock

_CHUNK_BYTES: Final = 1 << 20
_PARTS: Final = "parts"


class PartBusy(Exception):
    """Somebody else has the part open."""


class Blobs:
    """All contents.

    Args:
        folder: made if it is missing.

    Raises:
        OSError: of the file system.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = folder / _PARTS
        self._parts.mkdir(mode=0o700, parents=True, exist_ok=True)

    def lock(self) -> FileLock:
        """The folder's lock, not taken yet. Raises OSError."""
        return FileLock(self._folder.with_name(f"{self._folder.name}-lock"))

    def open_part(self, name: str) -> BlobPart:
        """Open a part, made if it is missing.

        Raises:
            PartBusy: somebody else has it open, or has just ended it.
            OSError: of the file system.
        """
        path = self._parts / name
        part = BlobPart(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            part.take(path)
        except BaseException:
            part.close()
            raise
        return part

    def part_length(self, name: str) -> int:
        """Bytes of a part, forced to the disk; 0 if there is none."""
        try:
            descriptor = os.open(self._parts / name, os.O_RDWR)
        except FileNotFoundError:
            return 0
        try:
            os.fdatasync(descriptor)
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def finish(self, name: str, digest: bytes) -> None:
        """Give a part that is on the disk its name for good, durably. The same content may be there already."""
        path = self._path(digest)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        (self._parts / name).replace(path)
        for folder in (path.parent, self._folder):
            _sync_folder(folder)

    def drop_part(self, name: str) -> None:
        """Delete a part, if it is there."""
        (self._parts / name).unlink(missing_ok=True)

    def remove(self, digest: bytes) -> None:
        """Delete a content, if it is there."""
        self._path(digest).unlink(missing_ok=True)

    def length(self, digest: bytes) -> int | None:
        """Bytes of a content; None if it is not there."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, digest: bytes, first: int, count: int) -> bytes:
        """Bytes of a content. Raises OSError, FileNotFoundError if it is not there."""
        with self._path(digest).open("rb") as file:
            file.seek(first)
            return file.read(count)

    def digest_of(self, digest: bytes) -> bytes | None:
        """SHA-256 of what is in the file of that name; None if it is not there."""
        try:
            with self._path(digest).open("rb") as file:
                return hashlib.file_digest(file, hashlib.sha256).digest()
        except FileNotFoundError:
            return None

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / name


class BlobPart:
    """A content that grows, open. From ``Blobs.open_part``."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.length = 0
        self._hash = hashlib.sha256()

    def take(self, path: Path) -> None:
        """Have the part alone, until ``close``. Raises PartBusy."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            there = path.stat()
        except (BlockingIOError, FileNotFoundError):
            raise PartBusy from None
        if not os.path.samestat(there, os.fstat(self._descriptor)):  # ours has got its name meanwhile: it is whole
            raise PartBusy
        self.length = os.fstat(self._descriptor).st_size

    def go_on(self, first: int) -> None:
        """Go on behind so many bytes, at most ``length``; what lies beyond them is cut off."""
        os.ftruncate(self._descriptor, first)
        self.length = first
        for start in range(0, first, _CHUNK_BYTES):
            self._hash.update(os.pread(self._descriptor, min(_CHUNK_BYTES, first - start), start))

    def append(self, piece: bytes) -> None:
        """Write the next bytes. Raises OSError: no space, for example."""
        view = memoryview(piece)
        while view:
            written = os.pwrite(self._descriptor, view, self.length)
            self._hash.update(view[:written])
            self.length += written
            view = view[written:]

    def seal(self) -> bytes:
        """Have it on the disk; returns the SHA-256 of all of it. Raises OSError."""
        os.fdatasync(self._descriptor)
        return self._hash.digest()

    def close(self) -> None:
        """Close the file. What is in it stays."""
        os.close(self._descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
