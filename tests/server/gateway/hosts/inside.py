"""``main`` of a program that is forked, in a network namespace: for ``tests.forked.Forked``."""

from __future__ import annotations

import ctypes
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.forked import NAMES

_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Go into the namespaces of a process, and run a program: process id, module, and what it is given."""
    _, pid, program, *arguments = sys.argv
    for kind in ("user", "net"):
        with Path("/proc", pid, "ns", kind).open("rb") as file:
            if _LIBC.setns(file.fileno(), 0):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), file.name)
    sys.argv = [NAMES.get(program, program), *arguments]
    import_module(program).main()
