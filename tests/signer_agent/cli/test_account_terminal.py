"""Accounts at a terminal: what a person is asked, and what is not shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from signer_agent.home import Home
from tests.signer_agent.cli.terminal import Terminal
from tests.signer_agent.contracts.people import PASSWORD, Person
from tests.signer_agent.real import RealServer
from tests.signer_agent.stores import PASSPHRASE

OTHER_PASSWORD: Final = "another password that only tests have"  # noqa: S105
QUICK: Final = ("--sign-key", "ed25519", "--encrypt-key", "x25519")


@pytest.fixture(scope="session")  # as the server: their names are taken there
def person(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Somebody who registered at a terminal."""
    person = Person("konrad", Home.find(tmp_path_factory.mktemp("terminal") / "agent"))
    server.enrolled(person.home)
    terminal = Terminal(person.home, "register", "konrad", "--display-name", "Konrad", *QUICK)
    terminal.answer("New password: ", PASSWORD)
    terminal.answer("The same again: ", PASSWORD)
    terminal.answer("Passphrase: ", PASSPHRASE)
    terminal.until("otpauth://")
    (secret,) = re.findall(r"secret=([A-Z2-7]+)", terminal.until("Code"))
    person.secret = secret
    terminal.type(f"{person.code()}\n")
    assert terminal.end() == 0, terminal.seen
    assert "▀" in terminal.seen or "█" in terminal.seen, "no picture for the app"
    require_unseen(terminal, PASSWORD, PASSPHRASE)
    return person


def require_unseen(terminal: Terminal, *secrets: str) -> None:
    """See that no secret was shown; the terminal is as it was."""
    assert terminal.echoes
    assert "Traceback" not in terminal.seen
    for secret in secrets:
        assert secret not in terminal.seen


def log_in(person: Person, password: str) -> Terminal:
    """Type password, passphrase and code."""
    terminal = Terminal(person.home, "login", person.name)
    terminal.answer("Password: ", password)
    terminal.answer("Passphrase: ", PASSPHRASE)
    terminal.answer("Code", person.code())
    return terminal


def test_a_person_logs_in(person: Person) -> None:
    """By password and code; neither the password nor the passphrase is shown."""
    terminal = log_in(person, PASSWORD)
    assert terminal.end() == 0, terminal.seen
    assert "Logged in as" in terminal.seen
    require_unseen(terminal, PASSWORD, PASSPHRASE)


def test_a_wrong_code_does_not_log_in(person: Person) -> None:
    """One reason for everything that is wrong."""
    terminal = Terminal(person.home, "login", person.name)
    terminal.answer("Password: ", PASSWORD)
    terminal.answer("Passphrase: ", PASSPHRASE)
    terminal.answer("Code", "000000")
    assert terminal.end() == 1
    assert "LOGIN_FAILED" in terminal.seen


def test_two_different_passwords_register_nobody(server: RealServer, tmp_path: Path) -> None:
    """A slip of the finger is no password; nothing is asked after it."""
    home = Home.find(tmp_path / "agent")
    server.enrolled(home)
    terminal = Terminal(home, "register", "leo", "--display-name", "Leo", *QUICK)
    terminal.answer("New password: ", PASSWORD)
    terminal.answer("The same again: ", PASSWORD + "x")
    assert terminal.end() == 1
    assert "PASSWORD_UNSUITABLE" in terminal.seen
    require_unseen(terminal, PASSWORD)


def test_a_password_is_changed(person: Person) -> None:
    """The old one is asked for, the new one twice; then the new one logs in and the old one does not."""
    terminal = Terminal(person.home, "account", "password")
    terminal.answer("Old password: ", PASSWORD)
    terminal.answer("New password: ", OTHER_PASSWORD)
    terminal.answer("The same again: ", OTHER_PASSWORD)
    terminal.answer("Passphrase: ", PASSPHRASE)
    assert terminal.end() == 0, terminal.seen
    require_unseen(terminal, PASSWORD, OTHER_PASSWORD, PASSPHRASE)
    refused = Terminal(person.home, "login", person.name)
    refused.answer("Password: ", PASSWORD)
    refused.answer("Passphrase: ", PASSPHRASE)
    assert refused.end() == 1
    assert "LOGIN_FAILED" in refused.seen


@pytest.mark.parametrize("answer", ["n", ""])
def test_certificates_stay_unless_somebody_says_yes(person: Person, answer: str) -> None:
    """Neither new keys nor a revocation come from a no."""
    for command in (("certificates", "renew", *QUICK), ("certificates", "revoke", "--reason", "superseded")):
        terminal = Terminal(person.home, *command)
        terminal.answer("[y/N]", answer)
        assert terminal.end() == 1
        assert "NOT_CONFIRMED" in terminal.seen
