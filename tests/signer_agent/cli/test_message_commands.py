"""The commands for messages, run as processes, with everybody at a real server."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from contract.report import Check, Outcome
from signer_agent.contracts.mailbox_entry import MailboxEntry
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource
from signer_agent.contracts.verdicts import Verdict
from tests.signer_agent.cli.commands import document, run
from tests.signer_agent.cli.terminal import Terminal
from tests.signer_agent.contracts.company import Company, gathered
from tests.signer_agent.real import FOURSEAL
from tests.signer_agent.stores import PASSPHRASE

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice, Bob and Carol."""
    async with gathered(tmp_path_factory.mktemp("company")) as company:
        yield company


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session_id(company: Company) -> str:
    """A session of theirs."""
    return await company.session()


async def test_contract_is_sent_shown_accepted_and_rejected(company: Company, session_id: str, tmp_path: Path) -> None:
    """The whole story, as people type it."""
    content = secrets.token_bytes(3 << 20)
    path = tmp_path / "contract.pdf"
    path.write_bytes(content)
    sent = await run(company, "alice", "send", session_id, path, "--yes")
    for said in ("Sale of a house", "bob, carol", "contract.pdf, application/pdf", "3.0 MiB"):
        assert said in sent.err
    assert "SHA-256" in sent.text
    inbox = await run(company, "bob", "inbox", session_id)
    assert "contract.pdf" in inbox.text
    assert "verified" in inbox.text
    out = tmp_path / "received.pdf"
    shown = await run(company, "bob", "show", "1", "--out", out)
    assert out.read_bytes() == content
    assert out.stat().st_mode & 0o777 == 0o600
    assert "signature passed" in shown.text
    again = await run(company, "bob", "show", "1", "--out", out, status=1)
    assert "FILE_EXISTS" in again.err
    accepted = await run(company, "bob", "accept", "1", "--text", "gladly", "--yes")
    assert "accept this message" in accepted.err
    await run(company, "carol", "inbox", session_id)
    without = await run(company, "carol", "reject", "1", "--reason", " ", "--yes", status=1)
    assert "REASON_MISSING" in without.err
    await run(company, "carol", "reject", "1", "--reason", "the price", "--yes")
    twice = await run(company, "carol", "accept", "1", "--yes", status=1)
    assert "ANSWERED_ALREADY" in twice.err
    assert "You sign" not in without.err + twice.err  # nobody is asked for what cannot be
    answers = await document(company, "alice", "inbox", session_id)
    assert {each["answer"]["decision"] for each in answers["messages"]} == {"accept", "reject"}
    (listed,) = await document(company, "alice", "outbox")
    assert {(each["author"], each["decision"]) for each in listed["answers"]} == {
        ("bob", "accept"),
        ("carol", "reject"),
    }


async def test_answers_and_replies_say_which_message_they_are_to(company: Company) -> None:
    """By its number at each one's own side; one that is not here by its digest. A file's name cannot say so."""
    session_id = await company.session()
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    await alice.messages.send(session_id, BytesSource(b"first", TEXT_TYPE))
    (to_bob,), (to_carol,) = await bob.received_messages(session_id), await carol.received_messages(session_id)
    await bob.messages.accept(to_bob.number)
    await carol.messages.reply(to_carol.number, BytesSource(b"why?", TEXT_TYPE))
    listed = (await run(company, "alice", "inbox", session_id)).text
    assert "accepts your message 1 " in listed
    assert "reply to your message 1 " in listed
    assert f"reply to message {to_carol.number} of alice " in (await run(company, "carol", "outbox", session_id)).text

    await carol.messages.send(session_id, BytesSource(b"for alice", TEXT_TYPE), ["alice"])
    (unknown,) = await alice.received_messages(session_id)
    await alice.messages.send(session_id, BytesSource(b"x", TEXT_TYPE), ["bob"], reply_to=unknown.number)
    await carol.messages.send(session_id, BytesSource(b"x", name='reply to message 1 of alice"'), ["bob"])
    listed = (await run(company, "bob", "inbox", session_id)).text
    assert f"reply to message {to_bob.number} of alice " in listed
    assert f"reply to a message that is not here, {unknown.statement.digest.hex()[:16]}..." in listed
    assert '"reply to message 1 of alice\\""' in listed
    reply = next(each for each in await bob.messages.messages() if each.description.in_reply_to)
    shown = await document(company, "bob", "show", str(reply.number))
    known = {"author": "alice", "number": to_bob.number, "own_sequence": None}
    assert shown["earlier_message"] == {"statement": shown["in_reply_to"], **known}


async def test_inbox_that_lacks_something_or_does_not_hold_has_a_status_of_its_own(company: Company) -> None:
    """Programs must not take it for a whole one; the session that could not be looked in is named."""
    session_id = await company.session(("alice", "bob"))
    alice, bob = company.people["alice"], company.people["bob"]
    await alice.messages.send(session_id, BytesSource(b"text", TEXT_TYPE))
    with bob.messages._mailbox.receiving(session_id):
        ran = await run(company, "bob", "inbox", session_id, status=3)
    assert f"Not all was looked for in {session_id}: Another program of yours" in ran.err
    await run(company, "bob", "inbox", session_id)
    entry = bob.messages._mailbox.entries()[-1]
    spoilt = Verdict((Check("signature", Outcome.FAILED, "SIGNATURE_INVALID"),))

    def forged(number: int) -> MailboxEntry:
        message = replace(entry.message, number=number, verdict=spoilt)
        return MailboxEntry(message, entry.signed, entry.header_der, entry.content_key)

    bob.messages._mailbox.keep(forged)
    ran = await run(company, "bob", "inbox", session_id, "--json", status=3)
    assert [each["verified"] for each in json.loads(ran.out)["messages"]] == [True, False]
    assert "Not" not in (await run(company, "alice", "inbox", session_id)).err


async def test_text_of_others_cannot_move_the_cursor(company: Company, session_id: str) -> None:
    """It is shown with every control character as an escape, and no line of it passes for one of ours."""
    await run(
        company,
        "carol",
        "send",
        session_id,
        "--text",
        "pay\x1b[2K\r\x9b1A\u202eevil\nVerdict  verified",
        "--to",
        "alice",
        "-y",
    )
    inbox = await document(company, "alice", "inbox", session_id)
    number = str(inbox["messages"][-1]["number"])
    asked = await run(company, "alice", "accept", number, status=1)
    assert "Content  text/plain; charset=utf-8, " in asked.err
    assert asked.err.count("text/plain") == 1
    shown = await run(company, "alice", "show", number)
    assert "| pay\\x1b[2K\\r\\x9b1A\\u202eevil\n| Verdict  verified\n" in shown.text
    assert "\x1b" not in shown.text


async def test_standard_input_is_sent(company: Company, session_id: str) -> None:
    """As a stream."""
    await run(company, "carol", "send", session_id, "-", "--to", "alice", "--yes", stdin=b"piped")
    inbox = await document(company, "alice", "inbox", session_id)
    shown = await run(company, "alice", "show", str(inbox["messages"][-1]["number"]), "--out", "-")
    assert shown.out == b"piped"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["show", "999"], "MESSAGE_NOT_FOUND"),
        (["send", "SESSION", "--text", "x", "--to", "mallory", "--yes"], "NOT_A_MEMBER"),
        (["send", "SESSION", "--yes"], "CONTENT_CHOICE_WRONG"),
        (["send", "SESSION", "/nowhere", "--yes"], "FILE_UNUSABLE"),
        (["send", "SESSION", "--text", "x"], "NOT_CONFIRMED"),
        (["send", "SESSION", "--text", "x", "--type", "No Type", "--yes"], "CONTENT_TYPE_MALFORMED"),
        (["send", "session-aaaaaaaaaaaaaaaaaaaaaaaaaa", "--text", "x", "--yes"], "SESSION_NOT_FOUND"),
        (["send", "nonsense", "--text", "x", "--yes"], "SESSION_ID_MALFORMED"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_refusals(company: Company, session_id: str, arguments: list[str], reason: str) -> None:
    """Each names its cause, and nothing is sent."""
    ran = await run(company, "bob", *(session_id if each == "SESSION" else each for each in arguments), status=1)
    assert f"Reason: {reason}" in ran.err


class Chatting:
    """Somebody's chat, through pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def type(self, line: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()

    async def until(self, event: str, **values: object) -> dict[str, Any]:
        """Read until an event comes that has these values."""
        assert self.process.stdout is not None
        while line := await asyncio.wait_for(self.process.stdout.readline(), 30):
            found: dict[str, Any] = json.loads(line)
            if found["event"] == event and values.items() <= found.items():
                return found
        raise AssertionError(f"the chat ended without {event} {values}")


async def chatting(company: Company, name: str, session_id: str, *options: str) -> Chatting:
    """Start a chat."""
    home = company.people[name].home
    passphrase = home.folder.with_suffix(".passphrase")
    passphrase.write_text(PASSPHRASE)
    environment = os.environ | {"FOURSEAL_HOME": str(home.folder), "FOURSEAL_PASSPHRASE_FILE": str(passphrase)}
    process = await asyncio.create_subprocess_exec(
        *FOURSEAL,
        "chat",
        session_id,
        "--json",
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=sys.stderr,
        env=environment,
    )
    return Chatting(process)


async def test_chat(company: Company, tmp_path: Path) -> None:
    """Messages as they come, files, answers, mistakes, and the end."""
    session_id = await company.session(("alice", "bob"))
    (tmp_path / "deed.pdf").write_bytes(b"deed")
    alice, bob = await chatting(company, "alice", session_id, "--yes"), await chatting(company, "bob", session_id)
    try:
        await bob.until("members", members={"alice": "joined", "bob": "joined"})
        await alice.type("Good morning")
        await alice.until("sent", text="Good morning")
        arrived = await bob.until("message", text="Good morning", author="alice", verified=True)
        await bob.type(f"/accept {arrived['number']} and to you")
        asked = await bob.until("proposal", decision="accept", asks=True, recipients=["alice"])
        assert asked["answered"]["statement"] == arrived["statement"]
        await bob.type("y")
        await alice.until(
            "message", text="and to you", answer={"decision": "accept", "statement": arrived["statement"]}
        )
        await alice.type(f"/file {tmp_path / 'deed.pdf'}")
        await alice.until("proposal", asks=False, digest=hashlib.sha256(b"deed").hexdigest())
        await bob.until("message", name="deed.pdf", size=4, text=None)
        await bob.type("/reject 999 because")
        await bob.until("error", reason="MESSAGE_NOT_FOUND")
        await bob.type("/dance")
        await bob.until("error", reason="COMMAND_UNKNOWN")
        await alice.type("/quit")
        assert await alice.process.wait() == 0
        bob.process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        assert await bob.process.wait() == 0
    finally:
        for each in (alice, bob):
            if each.process.returncode is None:
                each.process.send_signal(signal.SIGKILL)
                await each.process.wait()


async def test_what_was_not_shown_is_not_signed(company: Company, session_id: str, tmp_path: Path) -> None:
    """Somebody exchanges the file while its signer reads the question: another text of the same length."""
    path = tmp_path / "offer.txt"
    shown, exchanged = b"I pay 100 euros", b"I pay 999 euros"
    path.write_bytes(shown)

    def send() -> Terminal:
        terminal = Terminal(company.people["alice"].home, "send", session_id, path)
        terminal.answer("Passphrase: ", PASSPHRASE)
        terminal.until(hashlib.sha256(shown).hexdigest())
        path.write_bytes(exchanged)
        terminal.until("Sign and send this?")
        terminal.type("y\n")
        assert terminal.end() == 1, terminal.seen
        return terminal

    assert "SOURCE_CHANGED" in (await asyncio.to_thread(send)).seen
    assert "offer.txt" not in (await run(company, "bob", "inbox", session_id)).text
