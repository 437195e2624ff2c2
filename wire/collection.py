"""How often Python looks for garbage that refers to itself.

By default it looks after each seven hundred new objects, and through all of them as the process ends. A command makes
some hundred thousand while it imports, and all of them stay: a fifth of its time went into looking. How a program
spends its time is for the program to say, so this is called by programs, and not by the library.
"""

from __future__ import annotations

import atexit
import gc
from typing import Final

_USUAL: Final = gc.get_threshold()
_NEW_OBJECTS: Final = 100_000


def collect_rarely() -> None:
    """Look for garbage after each 100000 new objects, and not at the end of the process."""
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)


def collect_as_usual() -> None:
    """Look as often as by default again, but never through what is there now: it stays. For what serves from now on."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
