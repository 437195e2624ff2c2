"""The log: one JSON object a line, to standard error. Never a secret, a partial or a document; digests as hex.

Lines are written by a thread of their own, many at a time: a write from the event loop would hand the interpreter over
to another thread, and wait to get it back, once for every call. A line is some hundredths of a second late; a process
that is killed loses those of its last moment. What must not be lost stands in the journal. Lines are written whole, for
other processes may write to the same place.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import queue
import select
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Final, TextIO

import structlog

_GATHER_SECONDS: Final = 0.02


class LineWriter:
    """Writes lines to a stream in the background, until ``close``. Has the one method that structlog calls.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def msg(self, line: str) -> None:
        """Queue a line."""
        self._lines.put(line)

    debug = info = warning = error = critical = msg

    def close(self) -> None:
        """Write all that is queued, and end the thread."""
        self._lines.put(None)
        self._thread.join()

    def _run(self) -> None:
        open_for_more = True
        while open_for_more:
            line = self._lines.get()
            if line is not None:
                time.sleep(_GATHER_SECONDS)
            lines = []
            while line is not None:
                lines.append(line)
                try:
                    line = self._lines.get_nowait()
                except queue.Empty:
                    break
            open_for_more = line is not None
            with contextlib.suppress(OSError, ValueError):  # nobody reads the log any more: the work goes on
                for piece in _pieces(lines):
                    self._stream.write(piece)
                    self._stream.flush()


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    """Whole lines, as many as a pipe takes in one piece (POSIX: PIPE_BUF). They are ASCII."""
    piece = ""
    for line in lines:
        if piece and len(piece) + len(line) >= select.PIPE_BUF:
            yield piece
            piece = ""
        piece += f"{line}\n"
    if piece:
        yield piece


def configure_log(level: str) -> structlog.stdlib.BoundLogger:
    """Set the log up for the whole process; what is queued at the end of the process is written then.

    Args:
        level: least level: debug, info, warning, error.
    """
    writer = LineWriter(sys.stderr)
    atexit.register(writer.close)
    log: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        writer,
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    ).bind()
    return log
