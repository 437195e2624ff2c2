"""The commands for evidence, run as processes, with everybody at a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from tests.signer_agent.cli.commands import document, run
from tests.signer_agent.contracts.company import Company, gathered

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice, Bob and Carol."""
    async with gathered(tmp_path_factory.mktemp("company")) as company:
        yield company


async def test_evidence_is_sent_answered_listed_and_opened(company: Company, tmp_path: Path) -> None:
    """The whole story, as people type it."""
    session_id = await company.session()
    path = tmp_path / "offer.txt"
    path.write_text("I sell you my \x1b[2Kbicycle\n")
    sent = await run(company, "alice", "send", session_id, path, "--to", "bob", "--evidence", "--yes")
    assert "the evidence server keeps it" in sent.err
    assert "Size     26 bytes\n" in sent.err
    inbox = await document(company, "bob", "inbox", session_id)
    (message,) = inbox["messages"]
    assert message["log_index"] is not None
    assert f"entry {message['log_index']}" in (await run(company, "bob", "inbox", session_id)).text
    assert f"entry {message['log_index']}" in (await run(company, "alice", "outbox")).text
    accepted = await run(company, "bob", "accept", "1", "--text", "Agreed.", "--yes")
    assert "the evidence server keeps it" in accepted.err
    listed = await document(company, "alice", "evidence", "list", session_id)
    assert [each["author"] for each in listed] == ["alice", "bob"]
    assert listed[1]["answered"] == listed[0]["statement"] == message["statement"]
    opened = await run(company, "alice", "evidence", "open", message["statement"].upper())
    for said in (
        "Everything holds",
        "by alice together with the session",
        "bob accepts it",
        "Sale of a house",
        "The log whose key the verifier knows has the entry",
        "alice| I sell you my \\x1b[2Kbicycle\n",
        "bob| Agreed.\n",
    ):
        assert said in opened.text
    out = tmp_path / "opened.txt"
    content = await document(company, "bob", "evidence", "open", "1", "--out", out)
    assert out.read_bytes() == path.read_bytes()
    assert out.stat().st_mode & 0o777 == 0o600
    assert (content["outcome"], [each["decision"] for each in content["answers"]]) == ("passed", ["accept"])
    bundle = tmp_path / "bundle.zip"
    asked = ("evidence", "disclose", "1", "--out", bundle)
    assert "NOT_CONFIRMED" in (await run(company, "bob", *asked, status=1)).err
    assert not bundle.exists()
    disclosed = await run(company, "bob", *asked, "--yes")
    for said in ("WHOEVER HAS THAT FILE CAN READ", "offer.txt", "of bob, with what they say", "cannot be taken back"):
        assert said in disclosed.err
    authority = tmp_path / "authority.pem"
    authority.write_bytes(company.people["bob"].line.identity.authority_pem)
    log_key = company.server._ground.log_key.verifier.to_text()
    verified = await document(company, "carol", "verify", bundle, "--authority", authority, "--log-key", log_key)
    assert verified["outcome"] == "passed"
    assert "FILE_EXISTS" in (await run(company, "bob", *asked, "--yes", status=1)).err
    for name, asked_for, reason in (
        ("carol", message["statement"], "EVIDENCE_NOT_FOUND"),
        ("bob", "00" * 32, "EVIDENCE_NOT_FOUND"),
        ("bob", "99", "MESSAGE_NOT_FOUND"),
        ("bob", "offer.txt", "FIELD_INVALID"),
    ):
        assert reason in (await run(company, name, "evidence", "open", asked_for, status=1)).err
    assert await document(company, "carol", "evidence", "list", session_id) == []
    nowhere = await run(company, "carol", "evidence", "list", "session-aaaaaaaaaaaaaaaaaaaaaaaaaa", status=1)
    assert "SESSION_NOT_FOUND" in nowhere.err


async def test_permission_is_asked_for_given_and_revoked(company: Company, tmp_path: Path) -> None:
    """As people type it."""
    session_id = await company.session(("alice", "bob"))
    path = tmp_path / "offer.txt"
    path.write_text("I sell you my boat")
    await run(company, "alice", "send", session_id, path, "--evidence", "--yes")
    received = (await document(company, "bob", "inbox", session_id))["messages"][-1]
    statement, until = received["statement"], f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    await run(company, "carol", "evidence", "ask", statement, "--why", "I am the notary")
    wanted = await run(company, "alice", "evidence", "requests")
    assert "I am the notary" in wanted.text
    await run(company, "alice", "evidence", "refuse", statement, "carol")
    assert await document(company, "alice", "evidence", "requests") == []
    permit = ("evidence", "permit", str(received["number"]), "carol", "--until", until)
    assert "NOT_CONFIRMED" in (await run(company, "bob", *permit, status=1)).err
    for account, reason in (("bob", "yourself"), ("alice", "needs none"), ("nobody", "ACCOUNT_UNKNOWN")):
        refused = await run(company, "bob", *permit[:3], account, "--until", until, status=1)  # and nobody is asked
        assert reason in refused.err
        assert "You are about to" not in refused.err
    permitted = await run(company, "bob", *permit, "--yes")
    assert "let carol open this message" in permitted.err
    assert "alice| I sell you my boat" in (await run(company, "carol", "evidence", "open", statement)).text
    (given,) = await document(company, "carol", "evidence", "permissions")
    assert (given["grantor"], given["grantee"], given["revoke_time"]) == ("bob", "carol", None)
    await run(company, "bob", "evidence", "revoke", given["permission"])
    assert "EVIDENCE_NOT_FOUND" in (await run(company, "carol", "evidence", "open", statement, status=1)).err
