"""Growing files are whole on the disk, and do not go through the page cache (``wire.block_records``)."""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from wire.block_records import RecordWriter, in_blocks

_LENGTH = (1 << 20) + 32
_STRIDE = (1 << 20) + 4096
_RECORDS = [os.urandom(_LENGTH) for _ in range(5)] + [os.urandom(77)]
_WRITTEN = b"".join(each.ljust(_STRIDE, b"\0") for each in _RECORDS[:-1]) + _RECORDS[-1]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    """The descriptor of an empty file."""
    descriptor = os.open(tmp_path / "growing", os.O_RDWR | os.O_CREAT, 0o600)
    yield descriptor
    os.close(descriptor)


def cached_bytes(descriptor: int) -> int:
    """Bytes of a file that are in the page cache."""
    size = os.fstat(descriptor).st_size
    states = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
    with mmap.mmap(descriptor, size, flags=mmap.MAP_PRIVATE) as mapped:
        place = ctypes.c_char.from_buffer(mapped)
        refused = ctypes.CDLL(None).mincore(ctypes.byref(place), ctypes.c_size_t(size), states)
        del place  # which would keep the mapping
    assert not refused
    return sum(state & 1 for state in states) * mmap.PAGESIZE


def write_all(descriptor: int) -> None:
    """Write all records, each from two parts; some twice, as after a break."""
    writer = RecordWriter(descriptor, _LENGTH)
    for first, count in ((0, 2), (0, 1), (1, 4), (5, 1)):
        writer.write(first, ((memoryview(each)[:5], each[5:]) for each in _RECORDS[first : first + count]))
    writer.close()


def lives_in_memory(descriptor: int) -> bool:
    """Whether the file system keeps files in memory alone."""
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    return cached_bytes(descriptor) > 0


def test_records_begin_with_blocks_and_are_not_cached(file: int) -> None:
    """What fills the blocks is zero; only the short end is in the page cache."""
    assert in_blocks(_LENGTH) == _STRIDE
    write_all(file)
    cached = cached_bytes(file)
    assert os.pread(file, 6 * _STRIDE, 0) == _WRITTEN
    if cached > mmap.PAGESIZE and not lives_in_memory(file):
        pytest.fail("what was written is in the page cache")


def test_file_system_that_knows_no_other_way(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same is written, through the page cache."""
    monkeypatch.delattr(os, "O_DIRECT")
    write_all(file)
    assert os.pread(file, 6 * _STRIDE, 0) == _WRITTEN


def test_end_of_the_room_in_the_middle_of_a_block(file: int) -> None:
    """What there is room for is written, then the error comes."""
    limits, writer = resource.getrlimit(resource.RLIMIT_FSIZE), RecordWriter(file, _LENGTH)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_STRIDE + 1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            writer.write(0, [[each] for each in _RECORDS[:2]])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.pread(file, 6 * _STRIDE, 0) == _WRITTEN[: _STRIDE + 1000]
    writer.write(1, [[_RECORDS[1]]])
    writer.close()
    assert os.pread(file, 6 * _STRIDE, 0) == _WRITTEN[: 2 * _STRIDE]
