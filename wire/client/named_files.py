"""Files that a user names: the operating system's refusals in our words, and output that is whole or not there."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from wire.catalogue import ServiceError


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals into FILE_UNUSABLE."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        problem = error.strerror if isinstance(error, OSError) else "its name is no file name"
        raise ServiceError("FILE_UNUSABLE", file=str(path), problem=problem or "it cannot be used") from error


def read_file(path: Path, maximum: int, what: str) -> bytes:
    """Read a small file.

    Args:
        path: where.
        maximum: bytes.
        what: what it should be, for the error.

    Raises:
        ServiceError: FILE_UNUSABLE: cannot be read, or is longer.
    """
    with opened(path) as file:
        content = file.read(maximum + 1)
    if len(content) > maximum:
        raise ServiceError("FILE_UNUSABLE", file=str(path), problem=f"it is too long for {what}")
    return content


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file to read. Raises ServiceError (FILE_UNUSABLE)."""
    with translated(path):
        file = path.open("rb")
    with file, translated(path):
        yield file


@contextmanager
def writing_whole(path: Path, *, secret: bool = False) -> Iterator[BinaryIO]:
    """Write a file, whole and durable, or not at all; yields what to write to.

    Args:
        path: where; replaced if it exists.
        secret: whether only its owner may read it.

    Raises:
        ServiceError: FILE_UNUSABLE: cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with translated(path):
        try:
            with os.fdopen(os.open(temporary, flags, 0o600 if secret else 0o666), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """Else a power failure could take the file's name away again."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
