"""A folder that only its owner can enter, with files that are there whole or not at all.

Every write goes: temporary file, fsync, rename, fsync of the folder. A crash leaves the old file or the new one, and
perhaps a temporary file, which the next writer removes. Writers of one folder take turns by a file lock, across
processes. Readers need no lock.

Owner and permissions are checked before every use: a key store that others can write to is no longer ours, and one
that others can read lets them try passphrases at their leisure.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from wire.catalogue import ServiceError

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_FOREIGN_BITS: Final = 0o077
_TEMPORARY_NAME: Final = ".tmp"  # one writer at a time: no need to look for others, however many files there are
_LOCK_NAME: Final = ".lock"
_MAX_FILE_BYTES: Final = 256 * 1024  # the largest entry, a 4096-bit share, has some 10 KiB


class PrivateFolder:
    """One folder. Use ``create`` or ``open``.

    Args:
        path: the folder; exists, is ours, and has permissions 0700 or less.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> PrivateFolder:
        """Make the folder, and its parents, unless it is there.

        Raises:
            ServiceError: STORE_UNUSABLE, STORE_PERMISSIONS.
        """
        with translated(path):
            _make(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> PrivateFolder:
        """Take an existing folder, after checking that it is ours alone.

        Raises:
            ServiceError: STORE_UNUSABLE, STORE_PERMISSIONS.
        """
        with translated(path):
            _require_private(path, path.stat(), folder=True)
        return cls(path)

    def read(self, name: str) -> bytes | None:
        """Return the file's content, or None if there is no such file.

        Raises:
            ServiceError: STORE_PERMISSIONS; STORE_UNUSABLE if it cannot be read; STORE_DAMAGED if it is far too large.
        """
        path = self.path / name
        with translated(path):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                _require_private(path, found, folder=False)
                if found.st_size > _MAX_FILE_BYTES:
                    raise ServiceError("STORE_DAMAGED", file=str(path), problem="it is far too large")
                return file.read()

    def write(self, name: str, content: bytes) -> None:
        """Write or replace a file, durably: when this returns it survives a power failure.

        Raises:
            ServiceError: STORE_UNUSABLE (no space, read-only, ...); the old file, if any, is then still there.
        """
        path = self.path / name
        temporary = self.path / _TEMPORARY_NAME
        with translated(path), self.lock():
            temporary.unlink(missing_ok=True)  # of a writer that died: we hold the lock
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            try:
                with os.fdopen(os.open(temporary, flags, _FILE_MODE), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
            sync(self.path)

    def remove(self, name: str) -> None:
        """Remove a file durably, if it is there.

        Raises:
            ServiceError: STORE_UNUSABLE.
        """
        path = self.path / name
        with translated(path), self.lock():
            path.unlink(missing_ok=True)
            sync(self.path)

    def names(self, suffix: str) -> list[str]:
        """Names of the files that end with ``suffix``, sorted, without hidden ones.

        Raises:
            ServiceError: STORE_UNUSABLE.
        """
        with translated(self.path):
            names = (entry.name for entry in self.path.iterdir())
            return sorted(name for name in names if name.endswith(suffix) and not name.startswith("."))

    def version(self) -> int:
        """Return the time, in nanoseconds, at which a file was last added, replaced or removed.

        As fine as the system's clock ticks: some milliseconds.

        Raises:
            ServiceError: STORE_UNUSABLE.
        """
        with translated(self.path):
            return self.path.stat().st_mtime_ns

    @contextmanager
    def lock(self, name: str = _LOCK_NAME) -> Iterator[None]:
        """Hold a lock of the folder, by default the writer's; waits for other holders. Not reentrant."""
        descriptor = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)  # releases the lock; a process that dies releases it too


def _make(path: Path) -> None:
    if not path.is_dir():
        _make(path.parent)
        path.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        sync(path.parent)  # else a power failure could take the folder away with all that was written durably in it


def sync(folder: Path) -> None:
    """Make durable what was added to a folder, or removed. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_private(path: Path, found: os.stat_result, *, folder: bool) -> None:
    wanted = _FOLDER_MODE if folder else _FILE_MODE
    if folder != stat.S_ISDIR(found.st_mode) or not (folder or stat.S_ISREG(found.st_mode)):
        raise ServiceError("STORE_UNUSABLE", file=str(path), problem=f"it is not a {'folder' if folder else 'file'}")
    if found.st_uid != os.geteuid():
        problem = f"it belongs to user {found.st_uid}, not to {os.geteuid()}"
    elif found.st_mode & _FOREIGN_BITS:
        problem = f"its permissions are {stat.S_IMODE(found.st_mode):04o}, must be {wanted:04o}"
    else:
        return
    raise ServiceError("STORE_PERMISSIONS", file=str(path), problem=problem, wanted=f"{wanted:o}")


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Hold a lock unless somebody else does; yields whether it is held. A process that dies lets go of it."""
    with translated(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals into ours."""
    try:
        yield
    except OSError as error:
        raise ServiceError("STORE_UNUSABLE", file=str(path), problem=error.strerror or str(error)) from error
