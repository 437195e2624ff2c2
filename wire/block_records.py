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
from typing import Final

_BLOCK_BYTES: Final = 4096  # of memory and of every common disk; one with larger blocks is written as any file is


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
        # Of whole pages, as the disk must have it; no record reaches the end of it, which stays zero.
        self._record = memoryview(mmap.mmap(-1, in_blocks(length), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        self._direct: int | None = None
        self._opened = False

    def write(self, number: int, *parts: bytes | memoryview) -> None:
        """Write a record.

        Args:
            number: its place, from 0.
            parts: of the record, one after the other; together at most its length.

        Raises:
            OSError: no space, for example; a part of it may be there.
        """
        length = 0
        for part in parts:
            self._record[length : length + len(part)] = part
            length += len(part)
        begin, left = number * len(self._record), self._record if length == self._length else self._record[:length]
        while left:  # a disk that is nearly full takes a part
            written = self._write(left, begin)
            begin, left = begin + written, left[written:]

    def close(self) -> None:
        """Write no more."""
        if self._direct is not None:
            os.close(self._direct)
            self._direct = None

    def _write(self, data: memoryview, begin: int) -> int:
        if len(data) % _BLOCK_BYTES:
            return os.pwrite(self._descriptor, data, begin)
        if not self._opened:
            self._opened, self._direct = True, _open_direct(self._descriptor)
        if self._direct is not None:
            try:
                return os.pwrite(self._direct, data, begin)
            except OSError as error:
                if error.errno != errno.EINVAL:  # larger blocks, or a limit in the middle of one
                    raise
            self.close()
        return os.pwrite(self._descriptor, data, begin)


def _open_direct(descriptor: int) -> int | None:
    """The same file once more, past the page cache; None where that cannot be."""
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
    except (AttributeError, OSError):
        return None
