"""Accounts and contract sessions at the command line, with a real server: what programs and people see and type."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from signer_agent.contracts.entries import CURRENT, Drawers
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.server.cli.test_cli import command
from tests.signer_agent.cli.runner import Signer
from tests.signer_agent.contracts.people import PASSWORD, Person
from tests.signer_agent.real import RealServer, running_daemon
from tests.signer_agent.stores import PASSPHRASE

PROMISES: Final = ("who ", "what ", "when ", "where ", "scheme ", "keys ", "evidence ", "share is destroyed")


class CommandLine(Signer):
    """Somebody at a command line."""

    def __init__(self, server: RealServer, folder: Path, name: str) -> None:
        folder.mkdir()
        super().__init__(Home.find(folder / "agent"), folder)
        server.enrolled(self.home)
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.person = Person(name, self.home)
        self.said: list[bytes] = []

    def json(self, *arguments: str | Path) -> Any:  # noqa: ANN401  # a JSON document
        """Run a command; returns what it shows to programs."""
        ran = self.run(*arguments, "--json")
        self.said += [ran.out, ran.err.encode()]
        return json.loads(ran.out)

    def register(self) -> None:
        """Register, set the second factor up, log in."""
        name, password = self.person.name, ("--password-file", self.password_file)
        keys = ("--half-bits", "2048")
        registered = self.json("register", name, "--display-name", name.title(), *password, *keys)
        assert registered["state"] == "awaiting-factor"
        self.person.set_up(registered["setup"]["totp_uri"])
        factor_id = registered["setup"]["factor_id"]
        confirming = ("account", "factor", "confirm", name, factor_id)
        assert self.json(*confirming, *password, "--code", self.person.code())["state"] == "active"
        assert self.json("logins")[0]["proven"]

    def token(self) -> str:
        """The token of the login."""
        login = Drawers(KeyStore.open(self.home, Passphrase(PASSPHRASE))).logins.get(CURRENT)
        assert login is not None
        return login.token


@pytest.fixture(scope="session")  # as the server: their names are taken there
def people(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[CommandLine, CommandLine]:
    """Dora and Egon, logged in."""
    folder = tmp_path_factory.mktemp("command-lines")
    dora, egon = (CommandLine(server, folder / name, name) for name in ("dora", "egon"))
    dora.register()
    egon.register()
    return dora, egon


def test_a_session_from_its_making_to_its_end(people: tuple[CommandLine, CommandLine]) -> None:
    """Everything that is agreed to is said first, in plain words; and nothing of it shows the token."""
    dora, egon = people
    wish = ("session", "create", "--subject", "A house", "--with", "egon", "--hours", "1")
    assert "every message: its author deposits it" in dora.refused("NOT_CONFIRMED", *wish, "--evidence").err
    made = dora.json(*wish, "--evidence", "--yes")
    session_id = made["session_id"]
    assert [(each["name"], each["state"]) for each in made["members"]] == [("dora", "joined"), ("egon", "invited")]
    joining = egon.run("session", "join", session_id, "--yes")
    assert all(promise in joining.err for promise in PROMISES)
    assert "every message: its author deposits it" in joining.err
    assert made["sign_certificate"] in joining.err
    assert "A house" in joining.text
    seen = dora.json("session", "info", session_id)
    assert seen == egon.json("session", "info", session_id)
    assert (seen["revision"], seen["all_is_evidence"]) == (2, True)
    assert "every message: its author deposits it" in dora.run("session", "info", session_id).text.replace("\n", " ")
    listed = egon.run("session", "list")
    assert session_id in listed.text
    contacts = egon.json("contacts", "list")
    own = dora.json("certificates", "show")
    assert contacts == [
        {
            "name": "dora",
            "accepted": [
                {
                    "sign": own["sign_certificate"]["fingerprint"],
                    "encrypt": own["encrypt_certificate"]["fingerprint"],
                }
            ],
            "offered": None,
        }
    ]
    egon.refused("NOT_THE_CREATOR", "session", "close", session_id, "--yes")
    assert dora.json("session", "close", session_id, "--yes")["state"] == "closed"
    said = b"".join(dora.said + egon.said) + listed.out + joining.out + joining.err.encode()
    assert dora.token().encode() not in said
    assert egon.token().encode() not in said


def test_nothing_is_agreed_to_by_nobody(people: tuple[CommandLine, CommandLine]) -> None:
    """Without --yes, and without a person to ask."""
    dora, _ = people
    refused = dora.refused("NOT_CONFIRMED", "session", "create", "--subject", "X", "--with", "egon", "--hours", "1")
    assert "share is destroyed" in refused.err


def test_sessions_work_beside_a_daemon(people: tuple[CommandLine, CommandLine]) -> None:
    """The key store is opened by both."""
    dora, _ = people
    with running_daemon(dora.home):
        assert isinstance(dora.json("session", "list"), list)


def test_a_certificate_for_a_joint_key(
    people: tuple[CommandLine, CommandLine], server: RealServer, tmp_path: Path
) -> None:
    """Asked for, issued, fetched, taken by OpenSSL for a joint signature, revoked; another account sees nothing."""
    dora, egon = people
    key = dora.json("key", "generate", "sign", "--bits", "2048")["key_id"]
    asked = dora.json("certificate", "request", key)
    number = asked["certificate_request_id"]
    assert asked["state"] == "waiting"
    dora.refused("KEY_CERTIFIED_BEFORE", "certificate", "request", key)
    certificate, document, signature = tmp_path / "dora.pem", tmp_path / "contract", tmp_path / "signature"
    dora.refused("CERTIFICATE_NOT_ACTIVE", "certificate", "fetch", number, "--out", certificate)
    egon.refused("CERTIFICATE_REQUEST_NOT_FOUND", "certificate", "show", number)
    officers = {"FOURSEAL_REGISTRATION_OFFICERS": '["olga"]'}
    done = command(server.home.folder, "ra", "approve", number, "--officer", "olga", **officers)
    assert done.returncode == 0, done.stderr
    assert "waiting" not in command(server.home.folder, "ra", "list", **officers).stdout

    dora.run("certificate", "fetch", number, "--out", certificate)
    document.write_bytes(b"text")
    dora.run("sign", document, "--key", key, "--algorithm", "rsa-pkcs1-sha256", "--out", signature, "--yes")
    public = ["openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"]
    (tmp_path / "public.pem").write_bytes(subprocess.run(public, check=True, capture_output=True).stdout)
    checking = ["openssl", "dgst", "-sha256", "-verify", str(tmp_path / "public.pem"), "-signature", str(signature)]
    assert subprocess.run([*checking, str(document)], check=True, capture_output=True).stdout == b"Verified OK\n"
    assert dora.json("certificate", "list")[0]["state"] == "issued"
    dora.run("certificate", "revoke", number, "--reason", "superseded", "--yes")
    assert dora.json("certificate", "show", number)["state"] == "revoked"
    assert egon.json("certificate", "list") == []


def test_an_account_without_keys_here_or_without_a_login_is_told_what_to_do(
    people: tuple[CommandLine, CommandLine], server: RealServer, tmp_path: Path
) -> None:
    """Each with the command that helps."""
    stranger = CommandLine(server, tmp_path / "stranger", "stranger")
    assert "fourseal login" in stranger.refused("LOGIN_REQUIRED", "session", "list").err
    stranger.refused("LOGIN_FAILED", "login", "stranger", "--password-file", stranger.password_file)
    stranger.refused("PASSWORD_MISSING", "login", "dora")
    dora, _ = people
    dora.refused("CODE_MISSING", "login", "dora", "--password-file", dora.password_file)


def test_logins_are_listed_revoked_and_ended(people: tuple[CommandLine, CommandLine]) -> None:
    """And the token is erased."""
    _, egon = people
    (login,) = egon.json("logins")
    assert login["is_own"]
    assert egon.json("account", "show")["name"] == "egon"
    login = egon.json("login", "egon", "--password-file", egon.password_file, "--code", egon.person.code())
    assert login["proven"]
    (device,) = egon.json("device", "list")
    assert (device["state"], device["is_own"], device["key_ids"]) == ("active", True, [])
    assert device["lease_time"] is not None
    egon.refused("DEVICE_NOT_FOUND", "device", "block", "agent-of-nobody")
    first, second = egon.json("logins")
    assert (first["login_id"], first["is_own"], second["is_own"]) == (login["login_id"], True, False)
    (left,) = egon.json("logins", "--revoke", second["login_id"])
    assert left["login_id"] == login["login_id"]
    egon.json("logout")
    assert Drawers(KeyStore.open(egon.home, Passphrase(PASSPHRASE))).logins.get(CURRENT) is None
    egon.refused("LOGIN_REQUIRED", "logins")
