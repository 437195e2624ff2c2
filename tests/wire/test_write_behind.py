"""Growing files leave the page cache (``wire.write_behind``)."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wire.write_behind import write_behind

_MEBIBYTE = 1 << 20


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[int]:
    """The descriptor of a file of 64 MiB that is on the disk."""
    descriptor = os.open(tmp_path / "grown", os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(64):
        os.write(descriptor, os.urandom(_MEBIBYTE))
    os.fsync(descriptor)
    yield descriptor
    os.close(descriptor)


def cached_mebibytes(descriptor: int) -> int:
    """MiB of a file that are in the page cache."""
    size = os.fstat(descriptor).st_size
    states = (ctypes.c_ubyte * (size // mmap.PAGESIZE))()
    with mmap.mmap(descriptor, size, flags=mmap.MAP_PRIVATE) as mapped:
        place = ctypes.c_char.from_buffer(mapped)
        refused = ctypes.CDLL(None).mincore(ctypes.byref(place), ctypes.c_size_t(size), states)
        del place  # which would keep the mapping
    assert not refused
    return sum(state & 1 for state in states) * mmap.PAGESIZE // _MEBIBYTE


def require_disk(descriptor: int) -> None:
    """Skip where files are kept in memory alone."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    if cached_mebibytes(descriptor) > 1:
        pytest.skip("files of this file system live in memory")


def test_what_is_on_the_disk_is_dropped(grown: int) -> None:
    """The newest part goes when the next step begins, and what a reader brought in before it stays."""
    assert cached_mebibytes(grown) == 64
    write_behind(grown, 63 * _MEBIBYTE, 64 * _MEBIBYTE)
    if cached_mebibytes(grown) != 32:
        require_disk(grown)
        pytest.fail("what was written is still in the page cache")


def test_no_step_no_advice(grown: int) -> None:
    """Small writes cost no system call."""
    write_behind(grown, 60 * _MEBIBYTE, 61 * _MEBIBYTE)
    assert cached_mebibytes(grown) == 64
