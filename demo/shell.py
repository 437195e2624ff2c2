"""``python -m demo.shell PACKAGE``: a process that runs one command line after the other, as a shell does.

Most of what a command computes are imports: 0.4 s of a core. A demo of many commands has one process for each person,
which imports them once and calls what the programs ``fourseal`` and ``fourseal-server`` call.

Reads a JSON object a line: ``arguments`` behind the program's name, ``environment``, ``seconds_back`` of the clock.
Answers by one: the ``status``, and what was ``printed``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from importlib import import_module
from typing import IO


def _run(main: Callable[[], object], arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(arguments)
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _printed(file: IO[bytes]) -> str:
    sys.stdout.flush()
    sys.stderr.flush()
    file.seek(0)
    return file.read().decode()


def _answer(package: str, asked: str, answers: IO[str], output: IO[bytes]) -> None:
    order = json.loads(asked)
    output.seek(0)
    output.truncate()
    main = import_module(package).main  # sets what gRPC reads when it is imported
    with ExitStack() as stack:
        if order["seconds_back"]:
            set_back = import_module("demo.clocks").set_back
            stack.callback(set_back(timedelta(seconds=order["seconds_back"])))
        status = _run(main, order["arguments"], order["environment"])
    print(json.dumps({"status": status, "printed": _printed(output)}), file=answers, flush=True)


def _serve(package: str) -> None:
    answers = os.fdopen(os.dup(1), "w")
    with tempfile.TemporaryFile() as output:
        for number in (1, 2):
            os.dup2(output.fileno(), number)
        for asked in sys.stdin:
            _answer(package, asked, answers, output)


if __name__ == "__main__":
    _serve(sys.argv[1])
