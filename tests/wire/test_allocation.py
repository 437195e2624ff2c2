"""Freed memory is kept where the C library can do that, and nothing happens where it cannot."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest

from wire.allocation import keep_freed_memory

_PIECE = """
import ctypes, sys
from wire.allocation import keep_freed_memory
class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd u f s d k".split()]
library = ctypes.CDLL(None)
library.mallinfo2.restype = Mallinfo2
if sys.argv[1] == "keep":
    keep_freed_memory()
before = library.mallinfo2().hblkhd
piece = bytearray(8 << 20)
print(library.mallinfo2().hblkhd - before)
"""


@pytest.mark.parametrize(("how", "is_mapped"), [("keep", False), ("leave", True)])
def test_pieces_come_from_memory_that_is_kept(how: str, *, is_mapped: bool) -> None:
    """A piece of 8 MiB has no mapping of its own, as it has by default."""
    done = subprocess.run([sys.executable, "-c", _PIECE, how], capture_output=True, text=True, check=True)
    assert (int(done.stdout) > 0) is is_mapped


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without mallopt nothing is done."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    keep_freed_memory()
