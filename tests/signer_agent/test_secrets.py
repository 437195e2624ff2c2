"""Searches a full run for secrets: all that was printed, logged and written, in every form they could take."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpc.four_prime_rsa import KeyShare
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.mpc.leaks import leaked
from tests.signer_agent.cli.runner import Signer
from tests.signer_agent.real import RealServer, fourseal, running_daemon
from tests.signer_agent.stores import PASSPHRASE

PLAINTEXT = b"the plaintext that nobody else may see"
WRONG_PASSPHRASE = "a wrong passphrase that is somebody's right one"  # noqa: S105  # searched for


class Run:
    """What a full run left behind."""

    def __init__(self, server: RealServer, folder: Path) -> None:
        self.home = Home.find(folder / "agent")
        self.said: list[bytes] = []
        self._signer = Signer(self.home, folder)
        self._ticket = json.loads(server.ticket())
        (folder / "ticket.json").write_text(json.dumps(self._ticket))
        (folder / "document").write_bytes(b"contract")
        (folder / "plain").write_bytes(PLAINTEXT)
        (folder / "wrong").write_text(WRONG_PASSPHRASE)
        self._run("init")
        self._run("enrol", "--ticket", folder / "ticket.json")
        self._run("key", "generate", "sign", "--bits", "2048", "--label", "s")
        self._run("key", "generate", "decrypt", "--bits", "2048", "--label", "d")
        self._refuse("key", "list", "--passphrase-file", folder / "wrong")
        self._use(folder)
        with running_daemon(self.home):
            self._use(folder)
            self._refuse("agent", "unlock", "--passphrase-file", folder / "wrong")
        server_log = server.process.log_path.read_bytes()
        self.logs = self.home.daemon_log.read_bytes() + server_log
        self.files = b"\n".join(path.read_bytes() for path in self.home.folder.rglob("*") if path.is_file())
        store = KeyStore.open(self.home, Passphrase(PASSPHRASE))
        self.shares = [share for record in store.records() if (share := store.share(record.key_id))]
        self._store = store

    def secrets(self) -> Iterator[tuple[str, bytes]]:
        """What may stand nowhere, as bytes."""
        identity = self._store.identity()
        assert identity is not None
        yield "passphrase", PASSPHRASE.encode()
        yield "wrong passphrase", WRONG_PASSPHRASE.encode()
        yield "plaintext", PLAINTEXT
        yield "token", self._ticket["token"].encode()
        yield "TLS key", identity.private_key.private_numbers().private_value.to_bytes(32, "big")
        for name in ("_value", "_sealing_key", "_salt_key"):
            yield f"data key {name}", getattr(self._store._data_key, name)
        for share in self.shares:
            yield "share", share.to_secret_bytes()

    def _use(self, folder: Path) -> None:
        self._run("sign", folder / "document", "--key", "s", "--yes", "--force", "--json")
        self._run("verify", folder / "document", "--key", "s")
        self._run("encrypt", folder / "plain", "--key", "d", "--force")
        self._run("decrypt", folder / "plain.enc", "--key", "d", "--out", folder / "again", "--force")
        self._run("key", "show", "s", "--json")
        self._refuse("decrypt", folder / "plain.enc", "--key", "d", "--label", "x", "--out", folder / "no")
        self._refuse("sign", folder / "document", "--key", "d", "--yes", "--force")
        self._refuse("enrol", "--ticket", folder / "plain")

    def _run(self, *arguments: str | Path) -> None:
        ran = self._signer.run(*arguments)
        self.said += [ran.out, ran.err.encode()]

    def _refuse(self, *arguments: str | Path) -> None:
        ran = fourseal(self.home, *arguments, passphrase=self._signer.passphrase_file)
        assert ran.status == 1
        self.said += [ran.out, ran.err.encode()]


@pytest.fixture(scope="module")
def run(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run, searched by several tests."""
    return Run(server, tmp_path_factory.mktemp("run"))


def forms(secret: bytes) -> Iterator[bytes]:
    """How bytes could be written: as they are, in hexadecimal, base64 at each of its offsets, as Python shows them."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield repr(secret).encode()[2:-1]
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + secret)[4 if offset else 0 :].rstrip(b"=")[:-1]
        yield encoded
        yield encoded.translate(bytes.maketrans(b"+/", b"-_"))


def found(run: Run, text: bytes) -> list[str]:
    """Names of the secrets that stand in a text, whole or by any 24 bytes from their beginning, middle or end."""
    names = set()
    for name, secret in run.secrets():
        middle = len(secret) // 2
        pieces = {secret[:24], secret[middle - 12 : middle + 12], secret[-24:]}
        if any(form in text for piece in pieces for form in forms(piece)):
            names.add(name)
    return sorted(names) + leaked(text.decode(errors="replace"), *run.shares)


def test_nothing_that_was_printed_holds_a_secret(run: Run) -> None:
    """Of all commands, good and bad; but the plaintext only where it was asked for, which was a file."""
    assert len(run.said) > 30
    assert found(run, b"\n".join(run.said)) == []


def test_no_log_holds_a_secret(run: Run) -> None:
    """Neither the daemon's nor the server's; both have something in them."""
    assert b"SignAgentDigest" in run.logs
    assert b"SignDigest" in run.logs
    assert found(run, run.logs) == []


def test_no_file_of_the_agent_holds_a_secret(run: Run) -> None:
    """All of it is sealed."""
    assert b"identity" in run.files
    assert found(run, run.files) == []


def test_the_search_finds_what_is_there(run: Run) -> None:
    """Each secret, in each form, with something around it."""
    share: KeyShare = run.shares[0]
    for name, secret in run.secrets():
        for form in forms(secret):
            assert name in found(run, b"so: " + form + b"."), (name, form[:20])
    assert leaked(f"p = {share.crt.p}", share)
