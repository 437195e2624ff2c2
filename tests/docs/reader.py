"""Somebody who reads a page and does what it says, block by block, in an empty folder.

* ``bash``: run as one script, which stops at the first command that fails.
* ``console``: each line after ``$`` is a command. What follows it is what it must print; ``...`` stands for anything.
  With nothing after it, its output does not matter.
* ``python``: run in one interpreter a page, so that a block goes on where the one before it stopped.
* ``toml``: must parse.

Commands go on in the background where a page says ``&``; they end with the reader.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.docs.pages import Block

_SECONDS: Final = 120
_END_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 0.02
_INTERPRETER: Final = """
import json, sys, traceback
names = {"__name__": "__main__"}
for line in sys.stdin:
    block = json.loads(line)
    try:
        exec(compile("\\n" * (block["line"] - 1) + block["text"], block["page"], "exec"), names)
        answer = ""
    except BaseException:
        answer = traceback.format_exc()
    print("\\x00" + json.dumps(answer), flush=True)
"""


class Reader:
    """Reads in one folder.

    Args:
        folder: where commands run; empty at first.
        environment: of every command.
        cheap: whether key stores of the page cost little (tests/cheap.py): the interpreter opens them too.
    """

    def __init__(self, folder: Path, environment: dict[str, str], *, cheap: bool = False) -> None:
        self._folder = folder
        self._environment = {**environment, "COLUMNS": "100", "NO_COLOR": "1"}
        self._interpreter = (
            f"from tests import cheap; cheap.make_what_is_cheap(){_INTERPRETER}" if cheap else _INTERPRETER
        )
        self._groups: list[int] = []
        self._python: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._python is not None:
            self._python.communicate()
        for group in self._groups:
            _end(group)

    def follow(self, block: Block) -> None:
        """Do what a block says. Raises AssertionError where it does not do what the page promises."""
        where = f"{block.page}:{block.line}"
        if block.language == "python":
            self._run_python(block)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "bash":
            self._run_shell(block.text, where)
        elif block.language == "console":
            for command, expected in console_commands(block.text):
                printed = self._run_shell(command, where)
                assert not expected or _fits(expected, printed), f"{where}: $ {command}\nprinted:\n{printed}"
        else:
            raise AssertionError(f"{where}: nobody can follow a block of {block.language or 'no language'}")

    def _run_shell(self, script: str, where: str) -> str:
        output = self._folder / f".output-{len(self._groups)}"
        with output.open("wb") as file:  # a file and no pipe: what goes on in the background keeps it open
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", script],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._groups.append(process.pid)
            status = process.wait(_SECONDS)
        printed = output.read_text(encoding="utf-8", errors="replace")
        assert status == 0, f"{where}: {script}\nended with status {status} and printed:\n{printed}"
        return printed

    def _run_python(self, block: Block) -> None:
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-c", self._interpreter],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            self._groups.append(self._python.pid)
        assert self._python.stdin is not None
        assert self._python.stdout is not None
        request = {"page": block.page, "line": block.line, "text": block.text}
        self._python.stdin.write(json.dumps(request) + "\n")
        self._python.stdin.flush()
        for line in self._python.stdout:  # what the block prints comes before the answer
            if line.startswith("\x00"):
                failure = json.loads(line[1:])
                assert not failure, failure
                return
        raise AssertionError(f"{block.page}:{block.line}: the interpreter ended")


def _end(group: int) -> None:
    """Have all processes of a group end, and wait until they have: their files are about to be removed."""
    number, end = int(signal.SIGTERM), time.monotonic() + _END_SECONDS
    while True:
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        number = 0 if time.monotonic() < end else signal.SIGKILL
        time.sleep(_PAUSE_SECONDS)


def console_commands(text: str) -> Iterator[tuple[str, str]]:
    """Cut a block of console into commands and what each must print."""
    assert text.startswith("$ "), "a console block begins with a command"
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        length = 1
        while lines[length - 1].endswith("\\"):
            length += 1
        yield "\n".join(lines[:length]), "\n".join(lines[length:]).strip()


def _fits(expected: str, printed: str) -> bool:
    """Say whether the output is the expected one, spaces at the ends of lines aside."""
    pattern = ".*".join(re.escape(_trimmed(part)) for part in expected.split("..."))
    return re.fullmatch(pattern, _trimmed(printed).strip(), re.DOTALL) is not None


def _trimmed(text: str) -> str:
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
