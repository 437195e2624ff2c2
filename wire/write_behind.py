"""Large files while they grow: what was written goes to the disk soon, and does not stay in the system's page cache.

Left alone, Linux keeps every page that was written. A content of a gibibyte then takes a gibibyte of memory that
nothing else has touched, which costs far more than to use the same few pages again and again (ten times as much in a
virtual machine whose host gives it memory page by page), drives out what others had in the cache, and leaves the whole
flush to the end. Whoever reads such a file later reads it from the disk, once; what is read stays in the cache as ever.
"""

from __future__ import annotations

import os
from typing import Final

_STEP_BYTES: Final = 8 << 20
_WINDOW_BYTES: Final = 32 << 20


def write_behind(descriptor: int, begin: int, end: int) -> None:
    """Say that a part of a growing file was written.

    The advice makes the system begin to write what is new, and drop what is on the disk already; it waits for neither.
    So each part is advised more than once: the first time it is only begun. It makes nothing durable.

    Args:
        descriptor: of the file.
        begin: where the part begins.
        end: where it ends, and the file does too.
    """
    if begin // _STEP_BYTES != end // _STEP_BYTES:
        os.posix_fadvise(descriptor, max(0, end - _WINDOW_BYTES), 0, os.POSIX_FADV_DONTNEED)
