"""Ctrl-C and its like: an exception, but never while a process is being started."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Turns SIGINT, SIGTERM and SIGHUP into KeyboardInterrupt. One for the whole process, on its main thread."""

    def __init__(self) -> None:
        self._held = False
        self._waiting = False
        for number in _SIGNALS:
            signal.signal(number, self._arrive)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let an interrupt wait until the end of the block: what is started in it is known by then."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._waiting:
            self._waiting = False
            raise KeyboardInterrupt

    def _arrive(self, _number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._waiting = True
        else:
            raise KeyboardInterrupt
