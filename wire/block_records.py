"""Large files while they grow: records that begin with a block, written to the disk past the system's page cache.

Through the page cache a content of a gibibyte costs a third of a second of processor time at each end: for each block a
page is found, filled, entered, flushed and dropped again. Left there, it would besides drive out what others have in
the cache. So whole records go to the disk as they are (``O_DIRECT``), and are there when ``write`` returns, though not
yet durably. Whoever reads such a file later reads it from the disk, once; what is read stays in the cache as ever.

Where a file system cannot do that, records are written as any file is.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterable, Sequence
from typing import Final

_BLOCK_BYTES: Final = 4096  # of memory and of every common disk; one with larger blocks is written as any file is
_AT_A_TIME: Final = 2  # records that go to the disk together


def in_blocks(length: int) -> int:
    """Bytes from one record of that length to the next."""
    return -(-length // _BLOCK_BYTES) * _BLOCK_BYTES


class RecordWriter:
    """Writes records of one length, and a shorter one at the end. For one thread at a time.

    Args:
        descriptor: of the file, for reading and writing; stays its owner's, who closes it after this.
        length: bytes of a record; behind it zeros fill the block.
    """

    def __init__(self, descriptor: int, length: int) -> None:
        self._descriptor = descriptor
        self._length = length
        self._stride = in_blocks(length)
        # Of whole pages, as the disk must have it; no record reaches the end of its last block, which stays zero.
        gathered = mmap.mmap(-1, _AT_A_TIME * self._stride, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._gathered = memoryview(gathered)
        self._direct: int | None = None
        self._opened = False

    def write(self, first: int, records: Iterable[Sequence[bytes | memoryview]]) -> None:
        """Write records, some at a time.

        Args:
            first: place of the first one, from 0.
            records: one after the other, each in parts. A shorter one is the last, and nothing can follow it.

        Raises:
            OSError: no space, for example; a part of it may be there.
        """
        begin, end = first * self._stride, 0
        for parts in records:
            if sum(map(len, parts)) < self._length:
                self._write_fully(self._gathered[:end], begin)
                self._write_fully(memoryview(b"".join(parts)), begin + end)
                return
            if end == len(self._gathered):
                self._write_fully(self._gathered, begin)
                begin, end = begin + end, 0
            _copy(parts, self._gathered[end:])
            end += self._stride
        self._write_fully(self._gathered[:end], begin)

    def close(self) -> None:
        """Write no more."""
        if self._direct is not None:
            os.close(self._direct)
            self._direct = None

    def _write_fully(self, data: memoryview, begin: int) -> None:
        while data:  # a disk that is nearly full takes a part
            written = self._write(data, begin)
            begin, data = begin + written, data[written:]

    def _write(self, data: memoryview, begin: int) -> int:
        if len(data) % _BLOCK_BYTES:
            return os.pwrite(self._descriptor, data, begin)
        if not self._opened:
            self._opened, self._direct = True, _open_direct(self._descriptor)
        if self._direct is not None:
            try:
                return os.pwrite(self._direct, data, begin)
            except OSError as error:
                if error.errno != errno.EINVAL:  # larger blocks, a limit in the middle of one, or a short record
                    raise
            self.close()
        return os.pwrite(self._descriptor, data, begin)


def _copy(parts: Sequence[bytes | memoryview], to: memoryview) -> None:
    begin = 0
    for part in parts:
        to[begin : begin + len(part)] = part
        begin += len(part)


def _open_direct(descriptor: int) -> int | None:
    """The same file once more, past the page cache; None where that cannot be."""
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
    except (AttributeError, OSError):
        return None
