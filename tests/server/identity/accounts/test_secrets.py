"""A real server process with accounts, its log and database searched for what must not be there; and its commands."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from server.identity.accounts import passwords
from server.root.home import Home
from tests.server.cli.test_cli import answer
from tests.server.harness import (
    Client,
    MovableClock,
    ServerProcess,
    database_bytes,
    enrol,
    make_ticket,
    query,
)
from tests.server.identity.accounts.people import STEP, Person
from tests.server.identity.accounts.test_factors import NUMBER, SMS, register, sent_code
from transparency.keys import VerifierKey
from wire.status import RemoteError

WRONG = "wrong horse battery staple"


def spellings(secret: bytes) -> Iterator[bytes]:
    """Ways in which bytes could stand in a text or in a database."""
    yield secret
    yield secret.hex().encode()
    yield base64.b64encode(secret).rstrip(b"=")
    yield base64.urlsafe_b64encode(secret).rstrip(b"=")
    yield base64.b32encode(secret).rstrip(b"=")


async def test_no_secret_in_log_and_database(account_home: Home, messages: Path) -> None:
    """Passwords, secrets of apps, codes, tokens, numbers: none in the log; in the database sealed or hashed at most."""
    clock = MovableClock()
    settings = {"FOURSEAL_LOG_LEVEL": "debug", "FOURSEAL_SIGNER_CERTIFICATE_DAYS": "30"}
    with ServerProcess(account_home, **settings) as process:
        identity = await enrol(make_ticket(account_home, "laptop", process.serving))
        async with Client(process.serving, identity) as client:
            alice, bob = (Person(name, client, clock) for name in ("alice", "bob"))
            await alice.register()
            assert alice.app is not None
            challenge = await alice.begin()
            finished = await alice.finish(challenge, _next_code(alice))
            alice.token, alice.login_id = finished.token, finished.login.login_id
            pair = await alice.get_certificates()
            for certificate in pair.values():
                assert certificate.not_valid_after_utc - certificate.not_valid_before_utc < timedelta(days=30, hours=1)
            await alice.prove(pair)
            await register(bob, bob.registration(second_factor=SMS))
            code = sent_code(messages)
            for attempt in (bob.begin(WRONG), alice.finish(challenge, "000000"), bob.finish("x" * 43, code)):
                with pytest.raises(RemoteError):
                    await attempt
            events = answer(account_home.folder, "accounts", "events", "alice")["events"]
        assert process.terminate() == 0
        log = process.log_path.read_bytes()
    stored = database_bytes(account_home)
    for (password_hash,) in query(account_home, "SELECT password_hash FROM accounts"):
        assert password_hash.startswith("$argon2id$v=19$m=32,t=1,p=4$")  # the cost of a process of tests
    cost = passwords.COST  # of all others: RFC 9106 section 4, second choice
    assert (cost.memory_cost, cost.time_cost, cost.parallelism) == (64 * 1024, 3, 4)
    hidden = [
        alice.password.encode(),
        WRONG.encode(),
        base64.b32decode(alice.app.secret),
        alice.token.encode(),
        challenge.encode(),
        NUMBER.encode(),
        NUMBER[1:].encode(),
    ]
    for secret in hidden:
        for spelling in spellings(secret):
            assert spelling not in log
            assert spelling not in stored
            assert spelling not in json.dumps(events).encode()
    assert f" {code} ".encode() not in log
    assert code.encode() not in json.dumps(events).encode()
    assert {event["event"] for event in events} >= {"registered", "logged_in", "certificates_issued"}


async def test_commands_beside_a_running_server(account_home: Home, tmp_path: Path) -> None:
    """List, disable, enable, unlock, the list of revoked certificates, what verifiers must know: as JSON, at once."""
    clock = MovableClock()
    with ServerProcess(account_home) as process:
        identity = await enrol(make_ticket(account_home, "laptop", process.serving))
        async with Client(process.serving, identity) as client:
            alice = Person("alice", client, clock)
            await alice.register()
            assert [each["state"] for each in answer(account_home.folder, "accounts")["accounts"]] == ["active"]
            assert answer(account_home.folder, "accounts", "disable", "alice")["state"] == "disabled"
            for _ in range(5):
                with pytest.raises(RemoteError) as refused:
                    await alice.begin()
                assert refused.value.reason == "LOGIN_FAILED"
            assert answer(account_home.folder, "accounts", "enable", "alice")["state"] == "active"
            with pytest.raises(RemoteError) as refused:
                await alice.begin()
            assert refused.value.reason == "ACCOUNT_LOCKED"
            assert answer(account_home.folder, "accounts", "unlock", "alice") == {"name": "alice", "unlocked": True}
            await alice.begin()
    first = answer(account_home.folder, "accounts", "events", "--page-size", "1")
    rest = answer(account_home.folder, "accounts", "events", "--page-token", first["next_page_token"])
    names = [event["event"] for event in (*first["events"], *rest["events"])]
    assert names[:4] == ["registered", "factor_confirmed", "logged_in", "disabled"]
    assert names[-3:] == ["enabled", "unlocked", "password_accepted"]
    out = tmp_path / "list.crl"
    numbers = [answer(account_home.folder, "crl", "--out", str(out))["number"] for _ in range(2)]
    assert numbers[0] < numbers[1]
    x509.load_der_x509_crl(out.read_bytes())
    trust = answer(account_home.folder, "trust", "--out", str(tmp_path / "trust"))
    authority = x509.load_pem_x509_certificate((tmp_path / "trust/authority.pem").read_bytes())
    assert authority.fingerprint(SHA256()).hex() == trust["fingerprint"]
    assert authority == x509.load_pem_x509_certificate(identity.authority_pem)
    assert (tmp_path / "trust/log-key").read_text() == trust["log_key"] + "\n"
    assert VerifierKey.from_text(trust["log_key"]).to_text() == trust["log_key"]


def _next_code(person: Person) -> str:
    """The code of the step after the one that was used to confirm: the server allows one step of difference."""
    assert person.app is not None
    person.clock.move(STEP)
    return person.app.code()
