"""A chat without a terminal: what it signs, and what it does not."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio
from grpc import StatusCode

from contract.statement import Decision
from signer_agent.contracts.chat import Chat, Event, Proposed, Refused, Sent
from signer_agent.contracts.messages import Message
from signer_agent.contracts.proposals import AnswerProposal, ContentProposal
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource
from tests.signer_agent.contracts.company import Company, Person, gathered
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")

_WAIT_SECONDS = 60
_Told = TypeVar("_Told", bound=Event)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice and Bob."""
    async with gathered(tmp_path_factory.mktemp("company"), ("alice", "bob")) as company:
        yield company


@dataclass
class Chatting:
    """Somebody's chat: lines go in, events come out."""

    lines: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    async def typed(self) -> AsyncIterator[str]:
        """Lines as they are typed."""
        while True:
            yield await self.lines.get()

    async def until(self, kind: type[_Told]) -> _Told:
        """Wait for an event of a kind."""
        async with asyncio.timeout(_WAIT_SECONDS):
            while True:
                event = await self.events.get()
                if isinstance(event, kind):
                    return event

    async def refused(self, *lines: str) -> str:
        """Type some lines; the reason why nothing came of them."""
        for line in lines:
            self.lines.put_nowait(line)
        return (await self.until(Refused)).error.reason


@asynccontextmanager
async def chatting(person: Person, session_id: str, *, asks: bool = True) -> AsyncIterator[Chatting]:
    """Somebody chats, while the context lasts."""
    chat = Chatting()
    run = Chat(person.messages, session_id, chat.events.put_nowait, asks=asks).run(chat.typed())
    running = asyncio.create_task(run)
    try:
        yield chat
        chat.lines.put_nowait("/quit")
        await running
    finally:
        running.cancel()


async def signed_by(person: Person, session_id: str) -> int:
    """How many statements of somebody's the server has signed in a session."""
    return (await person.signer.session(session_id, refresh=True)).counters.last_sequence


async def test_what_is_about_to_be_signed_is_shown_and_nothing_else_is_signed(company: Company, tmp_path: Path) -> None:
    """A file that is exchanged meanwhile is not; nor is anything that nobody has agreed to."""
    alice, bob, session_id = company.people["alice"], company.people["bob"], await company.session(("alice", "bob"))
    path = tmp_path / "offer.txt"
    path.write_bytes(b"I pay 100 euros")
    await bob.messages.send(session_id, BytesSource(b"agree?", TEXT_TYPE))
    (message,) = await alice.received_messages(session_id)
    async with chatting(alice, session_id) as chat:
        chat.lines.put_nowait(f"/file {path}")
        shown = (await chat.until(Proposed)).proposal
        assert isinstance(shown, ContentProposal)
        assert (shown.recipients, shown.source.held) == (("bob",), hashlib.sha256(b"I pay 100 euros").digest())
        path.write_bytes(b"I pay 999 euros")
        assert await chat.refused("y") == "SOURCE_CHANGED"
        for command, decision in (("accept", Decision.ACCEPT), ("reject", Decision.REJECT)):
            chat.lines.put_nowait(f"/{command} {message.number} hm")
            answer = (await chat.until(Proposed)).proposal
            assert isinstance(answer, AnswerProposal)
            assert (answer.decision, answer.text, answer.message) == (decision, "hm", message)
            assert await chat.refused("no") == "NOT_CONFIRMED"
        assert await signed_by(alice, session_id) == 0
        for line in (f"/file {path}", "yes", f"/accept {message.number}", "Y"):
            chat.lines.put_nowait(line)
        assert (await chat.until(Sent)).message.digest == hashlib.sha256(b"I pay 999 euros").digest()
        assert (await chat.until(Sent)).message.statement.answer is not None
    assert [each.statement.author for each in await bob.received_messages(session_id)] == ["alice", "alice"]


async def test_messages_of_another_session_are_not_answered(company: Company) -> None:
    """A number that is mistyped can be that of a message of another session, which is not in sight."""
    alice, bob = company.people["alice"], company.people["bob"]
    here, elsewhere = [await company.session(("alice", "bob")) for _ in range(2)]
    await bob.messages.send(elsewhere, BytesSource(b"agree?", TEXT_TYPE))
    (message,) = await alice.received_messages(elsewhere)
    assert isinstance(message, Message)
    async with chatting(alice, here, asks=False) as chat:
        for line in (f"/accept {message.number}", f"/reject {message.number} no"):
            assert await chat.refused(line) == "MESSAGE_NOT_FOUND"
    assert [await signed_by(alice, each) for each in (here, elsewhere)] == [0, 0]
    assert await alice.messages.answers_to(message) == []


async def test_a_server_that_is_away_is_asked_for_a_pass_once(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that cannot leave is told as soon as that: asking took ten seconds, and the upload would ask again."""
    alice, session_id = company.people["alice"], await company.session(("alice", "bob"))
    asked: list[str] = []

    async def away(session: str) -> bytes:
        asked.append(session)
        raise RemoteError("SERVER_UNAVAILABLE", "gone", StatusCode.UNAVAILABLE)

    monkeypatch.setattr(alice.signer, "relay_pass", away)
    with pytest.raises(RemoteError) as refused:
        await alice.messages.send(session_id, BytesSource(b"Are you there?", TEXT_TYPE))
    assert refused.value.reason == "SERVER_UNAVAILABLE"
    assert asked == [session_id]
