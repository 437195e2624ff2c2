"""How glibc's allocator treats the large pieces that content comes in.

By default it gives each piece of a mebibyte back to the system as soon as it is free, and asks for it again a moment
later: every page is then mapped, cleared and unmapped once for each piece, under one lock for all threads. Large
content spent more time with that than with encryption. What a program does with its memory is for the program to say,
so this is called by programs, and not by the library.
"""

from __future__ import annotations

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1  # parameters of mallopt(3)
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
_PIECE_BYTES: Final = 16 << 20
_KEPT_BYTES: Final = 16 << 20


def keep_freed_memory() -> None:
    """Keep up to 16 MiB of freed memory in each of two arenas, for the next pieces.

    Does nothing where the C library is another one.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, _PIECE_BYTES)
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    mallopt(_ARENA_MAX, 2)
