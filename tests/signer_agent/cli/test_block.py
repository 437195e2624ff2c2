"""The revocation secret: shown once, typed by anybody anywhere, and good for one agent."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from tests.server.harness import database_bytes, query
from tests.signer_agent.real import RealServer, fourseal
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE
from wire.client.enrolment import block_agent
from wire.client.revocation_secret import RevocationSecret


def test_what_is_mistyped_is_told() -> None:
    """Every single letter that is wrong, two that changed places, and a length; looks and case do not matter."""
    secret = RevocationSecret(bytes(range(32)))
    text = secret.to_text()
    for typed in (
        text,
        text.lower(),
        text.replace(" ", "-"),
        text.replace("B", "8").replace("I", "1").replace("O", "0"),
    ):
        assert RevocationSecret.parse(f" {typed}\n").value == secret.value
    letters = text.replace(" ", "")
    swapped = next(at for at in range(55) if letters[at] != letters[at + 1])
    wrong = [letters[:at] + ("A" if letters[at] != "A" else "C") + letters[at + 1 :] for at in range(56)]
    wrong.append(letters[:swapped] + letters[swapped + 1] + letters[swapped] + letters[swapped + 2 :])
    for typed in (*wrong, letters[:-1], letters + "A", "", "9" * 56, "\u00c4" * 56):
        with refused("REVOCATION_SECRET_MISTYPED"):
            RevocationSecret.parse(typed)
    assert "AAAQ" not in repr(secret)


async def test_whoever_has_the_secret_blocks_the_agent(server: RealServer, home: Home, tmp_path: Path) -> None:
    """From a machine without a key store, at once; the server has but its digest, and every enrolment another one."""
    passphrase, typed, authority = (tmp_path / name for name in ("passphrase", "secret", "authority.pem"))
    passphrase.write_text(PASSPHRASE)
    ticket = server.ticket()
    (tmp_path / "ticket").write_text(ticket)
    parsed = json.loads(ticket)
    authority.write_text(parsed["authority_certificate"])
    KeyStore.create(home, Passphrase(PASSPHRASE))
    ran = fourseal(home, "enrol", "--ticket", tmp_path / "ticket", "--json", passphrase=passphrase)
    shown = json.loads(ran.out)
    secret = RevocationSecret.parse(shown["revocation_secret"])
    assert shown["enrolment_server"] == parsed["enrolment_server"]
    assert secret.value not in database_bytes(server.home)
    assert not any(secret.value in path.read_bytes() for path in home.folder.rglob("*") if path.is_file())
    assert not (home.folder / "enrolment.json").exists()
    assert fourseal(home, "key", "list", passphrase=passphrase).status == 0

    nowhere = Home.find(tmp_path / "nowhere")
    where = ("--server", shown["enrolment_server"], "--authority", authority, "--secret-file", typed)
    typed.write_text(RevocationSecret.generate(secrets.token_bytes).to_text())
    assert "REVOCATION_SECRET_WRONG" in fourseal(nowhere, "block", *where).err
    typed.write_text(shown["revocation_secret"][:-1])
    assert "REVOCATION_SECRET_MISTYPED" in fourseal(nowhere, "block", *where).err
    assert fourseal(home, "key", "list", passphrase=passphrase).status == 0
    typed.write_text(shown["revocation_secret"].lower())
    for _ in range(2):
        done = fourseal(nowhere, "block", *where, "--json")
        assert json.loads(done.out)["agent_id"] == parsed["agent_id"]
    assert "AGENT_BLOCKED" in fourseal(home, "key", "list", passphrase=passphrase).err
    sql = "SELECT state, block_cause FROM agents WHERE agent_id = ?"
    assert query(server.home, sql, parsed["agent_id"]) == [("blocked", "revocation secret")]
    for spoilt in (secret.sha256, secret.value[::-1]):
        with refused("REVOCATION_SECRET_WRONG"):  # the digest that the server has is not the secret
            await block_agent(shown["enrolment_server"], authority.read_bytes(), RevocationSecret(spoilt))
    with pytest.raises(TypeError):
        str(json.dumps(secret))
