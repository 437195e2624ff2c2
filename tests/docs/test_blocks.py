"""Every block of code on every page works: somebody follows each page from top to bottom, with real programs.

A page starts with an empty folder that is the home of whoever reads it. Commands are those of this installation: as
installed for the README, and forked for the other pages. What differs from a reader's machine: ports are free ones, and
the passphrase comes from a file instead of a keyboard.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.docs.pages import Block, blocks, pages
from tests.docs.reader import Reader, console_commands
from tests.programs import INSTALLED, quick_programs
from tests.server.custody.pkcs11.softhsm import require_softhsm

PASSPHRASE = "correct horse battery staple"  # noqa: S105  # as the README has it

ELSEWHERE = {
    "make demo": "tests/demo/test_demo.py",
    "make demo-hsm": "tests/demo/test_demo_hsm.py",
    "make demo-trust": "tests/demo/test_demo_trust.py",
    "make demo-transaction": "tests/demo/test_demo_transaction.py",
    "make demo-guard": "tests/demo/test_demo_guard.py",
    "make demo-contract": "tests/demo/test_demo_drafting.py",
    "make test": "tests/docs/test_blocks.py",  # which is running
}
"""Commands that a page may have and that another test runs."""

STAND_INS = {
    "make run": ("fourseal-server init --home .fourseal-dev", "fourseal-server run --home .fourseal-dev &"),
}
"""What a target of the Makefile does once everything is installed."""

PAGES_WITH_BLOCKS = [page for page in pages() if any(blocks(page))]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: a Unix socket's path has at most 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="docs-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def cheap(page: Path) -> bool:
    """Whether the page's key stores cost little: only programs that are forked open them."""
    return page.name != "README.md" and "fourseal agent start" not in page.read_text(encoding="utf-8")


@pytest.fixture
def programs(page: Path, cheap: bool) -> Iterator[Path]:  # noqa: FBT001  # a fixture
    """A folder with our programs."""
    if page.name == "README.md":
        yield INSTALLED
    else:
        with quick_programs(cheap=cheap) as made:
            yield made


@pytest.fixture
def environment(folder: Path, tmp_path: Path, programs: Path) -> Iterator[dict[str, str]]:
    """Variables of a reader's shell."""
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE, encoding="utf-8")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("FOURSEAL_")}
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        ports = [opened.getsockname()[1] for opened in sockets]
    variables = {
        **ours,
        "PATH": os.pathsep.join([str(programs), str(INSTALLED), ours["PATH"]]),
        "HOME": str(folder),
        "FOURSEAL_PASSPHRASE_FILE": str(passphrase),
        "FOURSEAL_LISTEN": f"127.0.0.1:{ports[0]}",
        "FOURSEAL_ENROLMENT_LISTEN": f"127.0.0.1:{ports[1]}",
    }
    yield variables
    subprocess.run(["fourseal", "agent", "stop"], env=variables, capture_output=True, check=False)  # none may run


def _as_followed(block: Block) -> Block:
    """The block with what runs elsewhere taken out, and stand-ins put in."""
    lines: list[str] = []
    for line in block.text.splitlines():
        if line in ELSEWHERE:
            assert (ROOT / ELSEWHERE[line]).exists()
        else:
            lines += STAND_INS.get(line, (line,))
    return Block(block.page, block.line, block.language, "\n".join(lines))


@pytest.mark.parametrize("page", PAGES_WITH_BLOCKS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_the_page_works(page: Path, folder: Path, environment: dict[str, str], cheap: bool) -> None:  # noqa: FBT001
    """In order, each in the state that those before it left. A block that nobody can follow fails."""
    if page.name == "hsm.md":
        require_softhsm()
    with Reader(folder, environment, cheap=cheap) as reader:
        for block in blocks(page):
            reader.follow(_as_followed(block))


def test_pages_have_blocks() -> None:
    """The pages that show commands are among those that are followed."""
    names = {str(page.relative_to(ROOT)) for page in PAGES_WITH_BLOCKS}
    assert names >= {"README.md", "docs/protocol.md", "docs/operations.md"}


def test_stand_ins_are_what_the_makefile_does() -> None:
    """The recipes of the targets that pages name, with the Makefile's variables filled in."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = " ".join(command for lines in STAND_INS.values() for command in lines)
    for recipe in re.findall(r"fourseal-server \w+ --home \$\(SERVER_HOME\)", text):
        assert recipe.replace("$(SERVER_HOME)", ".fourseal-dev") in commands
    assert "SERVER_HOME := .fourseal-dev\n" in text
    assert "python -m demo\n" in text


def _broken(language: str, text: str) -> Block:
    return Block("page.md", 1, language, text)


@pytest.mark.parametrize(
    "block",
    [
        _broken("", "nobody says what this is"),
        _broken("ruby", "puts 1"),
        _broken("bash", "false\ntrue"),
        _broken("bash", "false | true"),
        _broken("console", "$ echo one\ntwo"),
        _broken("console", "$ echo one two\none"),
        _broken("console", "echo without a prompt"),
        _broken("console", "$ false"),
        _broken("python", "assert False"),
        _broken("python", "raise SystemExit(0)"),
        _broken("toml", "listen = "),
    ],
)
def test_reader_refuses(block: Block, tmp_path: Path) -> None:
    """A block that does not do what it says fails, whatever its language."""
    with Reader(tmp_path, dict(os.environ)) as reader, pytest.raises((AssertionError, ValueError)):
        reader.follow(block)


def test_reader_keeps_state_within_a_page(tmp_path: Path) -> None:
    """Files stay, names of Python stay, and output is compared with gaps."""
    with Reader(tmp_path, dict(os.environ)) as reader:
        reader.follow(_broken("bash", "echo 'one two three' > file"))
        reader.follow(_broken("console", "$ cat file\none ... three\n$ cat \\\n  file\n...two..."))
        reader.follow(_broken("python", "from pathlib import Path\nwords = Path('file').read_text().split()"))
        reader.follow(_broken("python", "assert words == ['one', 'two', 'three']"))


def test_console_commands_are_cut_at_prompts() -> None:
    """A command goes on where a line ends with a backslash; output follows it."""
    text = "$ one \\\n  two\nout\n$ three\n"
    assert list(console_commands(text)) == [("one \\\n  two", "out"), ("three", "")]
