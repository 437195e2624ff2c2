"""The log's writer: every line, whole and in order, whoever writes it and whatever becomes of the stream."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading

from server.root.log import LineWriter
from tests.server.harness import IMPORT_ROOTS


def test_lines_of_many_threads_are_whole() -> None:
    """No line is torn or lost, and each thread's lines are in order."""
    stream = io.StringIO()
    writer = LineWriter(stream)
    threads = [
        threading.Thread(target=lambda name=name: [writer.info(f"{name} {number}") for number in range(500)])
        for name in "abc"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1500
    for name in "abc":
        assert [line for line in lines if line[0] == name] == [f"{name} {number}" for number in range(500)]


def test_end_of_the_process_writes_what_is_queued() -> None:
    """The last line before the end is not lost, and lower levels are not written."""
    script = (
        "from server.root.log import configure_log; log = configure_log('warning');"
        "log.info('no'); log.warning('last', number=1)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(IMPORT_ROOTS)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (line["event"], line["level"], line["number"]) == ("last", "warning", 1)


def test_stream_that_is_gone() -> None:
    """A log that nobody can read any more does not stop who writes it."""
    stream = io.StringIO()
    writer = LineWriter(stream)
    stream.close()
    writer.info("into the void")
    writer.close()
