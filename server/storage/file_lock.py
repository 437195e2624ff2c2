"""Locks between processes, of this server and of the operator's commands beside it.

A lock is taken on a file that stays. The kernel gives it back when its holder ends, however that ends: nothing has to
be cleaned up after a crash.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self


class FileLock:
    """A lock that one holder has at a time: one such object, in whatever process. A context manager, which closes it.

    Args:
        path: the file; made if it is missing, for its owner alone.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        """A process that inherits it holds the lock too, until the last of them ends."""

    def take(self) -> bool:
        """Take it, unless somebody else has it; whether it is ours now, or was."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Take it as soon as nobody else has it, for as long as the context lasts. Blocks."""
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give it back, for good; a second time changes nothing."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
