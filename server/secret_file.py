"""Files with secrets: only their owner may read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from server.errors import OperatorError

MAX_SECRET_BYTES: Final = 64 * 1024
"""Longest such file."""
_OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_secret_file(path: Path, what: str, action: str) -> bytes:
    """What is in it.

    Args:
        path: the file.
        what: it has, for messages: "the master key".
        action: what an operator does if it cannot be read.

    Raises:
        OperatorError: the file is missing, not readable, too long, or open to others than its owner.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise OperatorError(f"{what} {path} cannot be read: {error.strerror}", action) from error
    if mode & _OPEN_TO_OTHERS:
        raise OperatorError(f"{what} {path} is open to others than its owner", f"Close it: chmod 600 {path}")
    if len(content) > MAX_SECRET_BYTES:
        raise OperatorError(f"{what} {path} is longer than {MAX_SECRET_BYTES} bytes", action)
    return content
