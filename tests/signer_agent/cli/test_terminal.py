"""Commands at a terminal: what is asked, what is shown there, what a no does."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from signer_agent.home import Home
from tests.signer_agent.cli.runner import Signer
from tests.signer_agent.cli.terminal import Terminal
from tests.signer_agent.stores import PASSPHRASE


def test_a_new_passphrase_is_asked_for_twice(home: Home) -> None:
    """And is not shown."""
    terminal = Terminal(home, "init")
    terminal.answer("New passphrase: ", PASSPHRASE)
    terminal.answer("The same again: ", PASSPHRASE)
    assert terminal.end() == 0, terminal.seen
    assert PASSPHRASE not in terminal.seen
    assert (home.folder / "keystore.json").exists()


def test_two_different_passphrases_make_nothing(home: Home) -> None:
    """A slip of the finger is not a passphrase."""
    terminal = Terminal(home, "init")
    terminal.answer("New passphrase: ", PASSPHRASE)
    terminal.answer("The same again: ", PASSPHRASE + "x")
    assert terminal.end() == 1
    assert "PASSPHRASE_UNSUITABLE" in terminal.seen
    assert not home.folder.exists()


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1), ("", 1)])
def test_a_signature_is_made_if_somebody_agrees(alone: Signer, tmp_path: Path, answer: str, status: int) -> None:
    """After what is signed was shown; no answer is a no."""
    (tmp_path / "document").write_bytes(b"x")
    terminal = Terminal(alone.home, "sign", tmp_path / "document", "--key", "contracts")
    terminal.answer("Passphrase: ", PASSPHRASE)
    terminal.answer("Sign this?", answer)
    assert terminal.end() == status, terminal.seen
    assert "1 bytes" in terminal.seen
    assert (tmp_path / "document.sig").exists() == (status == 0)
    assert ("NOT_CONFIRMED" in terminal.seen) == (status == 1)


def test_many_signatures_are_made_if_somebody_agrees(alone: Signer, tmp_path: Path) -> None:
    """After all that is signed was shown."""
    files = [tmp_path / name for name in ("one", "two")]
    for file in files:
        file.write_bytes(b"x")
    for answer, status in (("n", 1), ("y", 0)):
        terminal = Terminal(alone.home, "sign", *files, "--key", "contracts")
        terminal.answer("Passphrase: ", PASSPHRASE)
        terminal.answer("Sign these 2 files?", answer)
        assert terminal.end() == status, terminal.seen
        assert terminal.seen.count(hashlib.sha256(b"x").hexdigest()) == 2
        assert [file.with_name(file.name + ".sig").exists() for file in files] == [status == 0] * 2


def test_a_file_name_cannot_command_the_terminal(alone: Signer, tmp_path: Path) -> None:
    """Not even in the progress bar."""
    document = tmp_path / "a\x1b]0;title\x1b\\"
    document.write_bytes(bytes(1 << 20))
    terminal = Terminal(alone.home, "sign", document, "--key", "contracts")
    terminal.answer("Passphrase: ", PASSPHRASE)
    terminal.answer("Sign this?", "n")
    assert terminal.end() == 1
    assert "\x1b]" not in terminal.seen
    assert "Hashing a?]0;title?" in terminal.seen


def test_a_wrong_passphrase_is_refused(alone: Signer) -> None:
    """Once; no waiting for another."""
    terminal = Terminal(alone.home, "key", "list")
    terminal.answer("Passphrase: ", "wrong passphrase")
    assert terminal.end() == 1
    assert "PASSPHRASE_WRONG" in terminal.seen


def test_ctrl_c_ends_a_question(alone: Signer) -> None:
    """Without a traceback."""
    terminal = Terminal(alone.home, "key", "list")
    terminal.answer("Passphrase: ", "\x04")
    assert terminal.end() != 0
    assert "Traceback" not in terminal.seen


def test_a_generation_shows_its_steps(alone: Signer) -> None:
    """While they happen."""
    terminal = Terminal(alone.home, "key", "generate", "sign", "--bits", "2048")
    terminal.answer("Passphrase: ", PASSPHRASE)
    assert terminal.end() == 0
    assert "our commitment" in terminal.seen
    assert "enabled" in terminal.seen
