"""Messages through a real server and relay: sent, received, verified, answered."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from contract.statement import Decision
from contract.stream import SEGMENT_BYTES
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.messages import BytesSource, FileSource, Messages, StreamSource
from signer_agent.contracts.model import SessionRevision
from signer_agent.contracts.receiving import NotReceived
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.sources import TEXT_TYPE
from tests.contract.world import Issuer
from tests.signer_agent.contracts.company import Company, Person, gathered
from tests.signer_agent.evidence import lying
from tests.signer_agent.refusals import refused
from wire.client.blame import server_lied

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


async def test_text_arrives_verified(company: Company, session_id: str) -> None:
    """With all that was said of it."""
    alice, bob = company.people["alice"], company.people["bob"]
    sent = await alice.messages.send(session_id, BytesSource(b"Shall we?", TEXT_TYPE), ["bob"])
    (message,) = await bob.received_messages(session_id)
    assert message.statement == sent.statement
    assert message.statement.author == "alice"
    assert (message.description.content_type, message.description.length) == (TEXT_TYPE, 9)
    assert await bob.content(message.number) == b"Shall we?"
    assert await bob.messages.read_text(message.number) == "Shall we?"
    assert await bob.received(session_id) == []


async def test_content_of_every_length(company: Company, session_id: str, tmp_path: Path) -> None:
    """From nothing to some segments; files, with their names and types."""
    alice, bob = company.people["alice"], company.people["bob"]
    for name, content in (
        ("empty.txt", b""),
        ("full.bin", secrets.token_bytes(SEGMENT_BYTES)),
        ("contract.pdf", secrets.token_bytes(20 * SEGMENT_BYTES + 5)),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        sent = await alice.messages.send(session_id, FileSource(path), ["bob"])
        (message,) = await bob.received_messages(session_id)
        assert message.description.name == sent.name == name
        assert message.description.digest == sent.digest == hashlib.sha256(content).digest()
        assert message.description.content_type == sent.content_type
        assert await bob.content(message.number) == content


async def test_everybody_gets_it_and_answers(company: Company, session_id: str) -> None:
    """Bob accepts and Carol rejects; everybody sees both, and that they hold."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    sent = await alice.messages.send(session_id, BytesSource(b"the contract", "application/pdf", "contract.pdf"))
    (for_bob,), (for_carol,) = await bob.received_messages(session_id), await carol.received_messages(session_id)
    await bob.messages.accept(for_bob.number, "gladly")
    await carol.messages.reject(for_carol.number, "the price")
    answers = await alice.received_messages(session_id)
    assert {each.statement.author: await alice.content(each.number) for each in answers} == {
        "bob": b"gladly",
        "carol": b"the price",
    }
    (seen,) = [each for each in await alice.messages.sent() if each.statement == sent.statement]
    assert {(each.author, each.decision) for each in seen.answers} == {
        ("bob", Decision.ACCEPT),
        ("carol", Decision.REJECT),
    }
    (to_bob,) = await bob.received_messages(session_id)
    assert to_bob.statement.answer is not None
    assert {each.author for each in await bob.messages.answers_to(for_bob)} == {"bob", "carol"}
    await carol.received_messages(session_id)


def files_of(person: Person) -> dict[Path, bytes]:
    """Everything that an agent has on the disk."""
    return {path: path.read_bytes() for path in person.home.folder.rglob("*") if path.is_file()}


async def test_nothing_readable_is_on_the_disk(company: Company, session_id: str, tmp_path: Path) -> None:
    """At neither side: no content, no file name, no type, no remark; and nobody else may read the files."""
    alice, bob = company.people["alice"], company.people["bob"]
    secret = b"the price is ninety thousand and nobody may know"
    path = tmp_path / "very-secret-name.pdf"
    path.write_bytes(secret * (3 * SEGMENT_BYTES // len(secret)))
    await alice.messages.send(session_id, FileSource(path), ["bob"])
    (message,) = await bob.received_messages(session_id)
    await bob.messages.accept(message.number, "remarkably good")
    for person in (alice, bob):
        found = files_of(person)
        assert all(file.stat().st_mode & 0o077 == 0 for file in found)
        for words in (b"ninety thousand", b"very-secret-name", b"application/pdf", b"remarkably good"):
            assert [file for file, content in found.items() if words in content] == []
    await alice.received_messages(session_id)


async def test_changed_file_of_the_mailbox_is_noticed(company: Company, session_id: str) -> None:
    """Content is authenticated where it lies."""
    alice, bob = company.people["alice"], company.people["bob"]
    await alice.messages.send(session_id, BytesSource(b"kept", TEXT_TYPE), ["bob"])
    (message,) = await bob.received_messages(session_id)
    path = bob.messages._mailbox.content_path(message.envelope_id)
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    with refused("STORE_DAMAGED", file=str(path)):
        await bob.content(message.number)
    path.write_bytes(b"")
    with refused("STORE_DAMAGED", file=str(path)):
        await bob.content(message.number)
    path.unlink()
    with refused("STORE_DAMAGED", file=str(path)):
        await bob.content(message.number)


async def test_interrupted_file_is_gone_on_with(company: Company, session_id: str, tmp_path: Path) -> None:
    """By the next program that sends the same file to the same people; nothing is sent twice."""
    alice, bob = company.people["alice"], company.people["bob"]
    path = tmp_path / "video.mp4"
    path.write_bytes(secrets.token_bytes(12 * SEGMENT_BYTES))
    reached = asyncio.Event()
    sending = asyncio.create_task(
        alice.messages.send(session_id, FileSource(path), ["bob"], on_progress=lambda _: reached.set())
    )
    await reached.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    (entry,) = alice.messages._outbox.open_entries()
    async with Messages.of(alice.signer, alice.store) as later:
        sent = await later.send(session_id, FileSource(path), ["bob"])
    assert sent.envelope_id == entry.envelope_id
    (message,) = await bob.received_messages(session_id)
    assert await bob.content(message.number) == path.read_bytes()
    assert alice.messages._outbox.open_entries() == []


async def test_member_who_joins_meanwhile_does_not_stop_a_message(company: Company, tmp_path: Path) -> None:
    """The session has another revision when it is signed; the recipients are the same."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    session_id = await company.session(("alice", "bob"))
    path = tmp_path / "video.mp4"
    path.write_bytes(secrets.token_bytes(3 * SEGMENT_BYTES))

    async def pieces() -> AsyncIterator[bytes]:
        yield path.read_bytes()
        await Sessions(alice.signer).invite(session_id, ["carol"])
        await Sessions(carol.signer).join(session_id)

    await alice.messages.send(session_id, StreamSource(pieces(), asyncio.get_running_loop(), "video/mp4"))
    (message,) = await bob.received_messages(session_id)
    assert [each.name for each in message.statement.recipients] == ["bob"]
    await alice.messages.send(session_id, BytesSource(b"welcome", TEXT_TYPE))
    assert len(await carol.received_messages(session_id)) == 1


async def test_everybody_is_who_is_a_member_now(company: Company) -> None:
    """Not who was one when a program that runs for long last looked: in messages, and in answers."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    session_id, sessions, text = await company.session(("alice", "bob")), Sessions(alice.signer), BytesSource(b"hello")

    async def recipients() -> list[str]:
        sent = await bob.messages.send(session_id, text)
        return [each.name for each in sent.statement.recipients]

    assert await recipients() == ["alice"]
    await sessions.invite(session_id, ["carol"])
    await Sessions(carol.signer).join(session_id)
    assert await recipients() == ["alice", "carol"]
    await alice.messages.send(session_id, text)
    (message,) = await bob.received_messages(session_id)
    await sessions.remove(session_id, "carol")
    answer = await bob.messages.accept(message.number)
    assert [each.name for each in answer.statement.recipients] == ["alice"]
    assert await recipients() == ["alice"]
    await sessions.invite(session_id, ["carol"])
    with refused("SESSION_NOT_JOINED", session_id=session_id):
        await carol.messages.send(session_id, text)
    await Sessions(carol.signer).join(session_id)
    await bob.messages.send(session_id, text, ["carol"])


async def test_closed_session_and_removed_member(company: Company) -> None:
    """Nothing more is signed, nothing stays in the outbox; what was sent can still be fetched."""
    alice, bob, carol = (company.people[name] for name in ("alice", "bob", "carol"))
    session_id = await company.session()
    await Sessions(alice.signer).remove(session_id, "carol")
    await bob.messages.send(session_id, BytesSource(b"goodbye", TEXT_TYPE), ["alice"])
    with refused("NOT_A_MEMBER"):
        await alice.messages.send(session_id, BytesSource(b"text", TEXT_TYPE), ["carol"])
    with refused("NOT_A_MEMBER", name="carol"):
        await carol.messages.send(session_id, BytesSource(b"text", TEXT_TYPE), ["bob"])
    await Sessions(alice.signer).close(session_id)
    with refused("SESSION_CLOSED"):
        await bob.messages.send(session_id, BytesSource(b"too late", TEXT_TYPE), ["alice"])
    for person in (alice, bob, carol):
        assert person.messages._outbox.open_entries() == []
    (message,) = await alice.received_messages(session_id)
    assert await alice.content(message.number) == b"goodbye"


async def test_answer_once_and_to_messages_only(company: Company, session_id: str) -> None:
    """An answer stands, and is not answered itself."""
    alice, bob = company.people["alice"], company.people["bob"]
    await alice.messages.send(session_id, BytesSource(b"agree?", TEXT_TYPE), ["bob"])
    (message,) = await bob.received_messages(session_id)
    await bob.messages.reject(message.number, "no")
    with refused("ANSWERED_ALREADY", decision="reject"):
        await bob.messages.accept(message.number)
    (answer,) = await alice.received_messages(session_id)
    with refused("ANSWER_TO_ANSWER"):
        await alice.messages.accept(answer.number)
    await alice.messages.reply(answer.number, BytesSource(b"why?", TEXT_TYPE))
    (reply,) = await bob.received_messages(session_id)
    assert reply.description.in_reply_to == answer.statement.digest


async def test_lie_of_the_server_is_not_held_against_the_message(
    company: Company, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told of, with its reason, and not kept; when the server is honest again the message comes, and holds."""
    alice, bob = company.people["alice"], company.people["bob"]

    sent = await alice.messages.send(session_id, BytesSource(b"Do not blame me", TEXT_TYPE), ["bob"])
    honest = bob.signer.certificates_of

    async def lie(asked: str, fingerprint: bytes) -> SessionRevision:
        if fingerprint == sent.statement.session_certificate:
            raise server_lied("SESSION_FACTS_CHANGED", "another session")
        return await honest(asked, fingerprint)

    with monkeypatch.context() as lying:
        lying.setattr(bob.signer, "certificates_of", lie)
        told = await bob.received(session_id)
    assert {each.error.reason for each in told if isinstance(each, NotReceived)} >= {"SESSION_FACTS_CHANGED"}
    assert not any(isinstance(each, Message) for each in told)
    (message,) = await bob.received_messages(session_id)
    assert message.statement == sent.statement


async def test_a_list_that_is_refused_is_not_read_again_for_every_message(company: Company) -> None:
    """A server that cheats chooses how long a revocation list is. An honest one is heard again soon."""
    signer, asked = company.people["bob"].signer, 0

    def another(answer: lying.Answer) -> None:
        nonlocal asked
        asked += 1
        answer.revocation_list_der = Issuer().sign_list(Issuer().revocation_list())

    signer._revocations = None
    with lying.lying(company.people["bob"], "GetRevocationList", another, "certificates"):
        for _ in range(3):
            with refused("REVOCATION_LIST_NOT_ISSUED", culprit="server"):
                await signer.revocations()
    assert asked == 1
    assert signer._refusal is not None
    signer._refusal = (signer._refusal[0] - timedelta(seconds=11), signer._refusal[1])
    await signer.revocations()
