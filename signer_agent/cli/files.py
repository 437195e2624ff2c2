"""Files that a user names: read with a limit, hashed in a stream, written whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from mpc.four_prime_rsa import HashAlgorithm
from wire.catalogue import ServiceError
from wire.client.named_files import opened, writing_whole
from wire.client.output import OUTPUT, console, safe_text

STANDARD_OUTPUT: Final = "-"
"""Stands for standard output where an output file is named."""

_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A document as it was when it was read.

    Args:
        path: where.
        size: bytes.
        digest: by the hash that was asked for.
    """

    path: Path
    size: int
    digest: bytes


def hash_file(path: Path, algorithm: HashAlgorithm) -> HashedFile:
    """Hash a file of any size in a stream, with a progress bar on a terminal.

    Raises:
        ServiceError: FILE_UNUSABLE: cannot be read.
    """
    with opened(path) as file, file_progress(f"Hashing {path.name}") as progress:
        found = os.fstat(file.fileno())
        total = found.st_size if stat.S_ISREG(found.st_mode) else None
        digest, size = algorithm.new(), 0
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            progress(size, total)
    return HashedFile(path, size, digest.digest())


@contextmanager
def file_progress(text: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on a terminal; yields what is told how many bytes are done, and of how many."""
    terminal = console()
    if OUTPUT.as_json or not terminal.is_terminal:
        yield lambda _, __: None
        return
    with _progress() as progress:
        task = progress.add_task(safe_text(text).plain, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def require_absent(path: Path, *, force: bool) -> None:
    """Raise ServiceError (FILE_EXISTS) if the output file is there and must not be replaced."""
    if str(path) != STANDARD_OUTPUT and not force and os.path.lexists(path):
        raise ServiceError("FILE_EXISTS", file=str(path))


def write_file(path: Path, content: bytes, *, secret: bool = False) -> None:
    """Write an output file, whole or not at all; ``-`` is standard output.

    Args:
        path: where; replaced if it exists.
        content: all of it.
        secret: whether only its owner may read it.

    Raises:
        ServiceError: FILE_UNUSABLE: cannot be written.
    """
    with writing_file(path, secret=secret) as write:
        write(content)


@contextmanager
def writing_file(path: Path, *, secret: bool = False) -> Iterator[Callable[[bytes], object]]:
    """Write an output file piece by piece, whole or not at all; yields what takes a piece. Else as ``write_file``."""
    if str(path) == STANDARD_OUTPUT:
        yield sys.stdout.buffer.write
        return
    with writing_whole(path, secret=secret) as file:
        yield file.write


def _progress() -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, TimeRemainingColumn(), console=console(), transient=True)
