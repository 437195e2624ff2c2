"""Messages that are asked for by a request id: a repeat of the same request sends nothing more."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from signer_agent.contracts.messages import Messages
from signer_agent.contracts.signer import Signer
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource, StreamSource
from tests.signer_agent.contracts.company import Company, Person, gathered
from tests.signer_agent.refusals import refused
from wire.catalogue import ServiceError
from wire.ids import new_request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEBIBYTE = 1 << 20


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice and Bob."""
    async with gathered(tmp_path_factory.mktemp("company"), ("alice", "bob")) as company:
        yield company


@pytest_asyncio.fixture(loop_scope="module")
async def session_id(company: Company) -> str:
    """A session of theirs."""
    return await company.session(("alice", "bob"))


async def test_a_repeat_gets_the_same_message(company: Company, session_id: str) -> None:
    """Also one by another program, later; not with other content, and not for another message."""
    alice, bob = company.people["alice"], company.people["bob"]
    request_id = new_request_id()
    sent = await alice.messages.send(session_id, BytesSource(b"one", TEXT_TYPE), request_id=request_id)
    async with Messages.of(await Signer.open(alice.store, alice.line), alice.store) as later:
        for messages in (alice.messages, later):
            again = await messages.send(session_id, BytesSource(b"one", TEXT_TYPE), request_id=request_id)
            assert again == sent
    for source, to in (
        (BytesSource(b"one", TEXT_TYPE, "name"), ()),
        (BytesSource(b"one"), ()),
        (BytesSource(b"one", TEXT_TYPE), ("bob", "carol")),
    ):
        with refused("REQUEST_ID_REUSED"):
            await alice.messages.send(session_id, source, to, request_id=request_id)
    with refused("REQUEST_ID_MALFORMED"):
        await alice.messages.send(session_id, BytesSource(b"one"), request_id="../x")
    (message,) = await bob.received_messages(session_id)
    accepting = new_request_id()
    first = await bob.messages.accept(message.number, request_id=accepting)
    assert (await bob.messages.accept(message.number, request_id=accepting)).envelope_id == first.envelope_id
    with refused("REQUEST_ID_REUSED"):
        await bob.messages.reject(message.number, "no", request_id=accepting)
    with refused("ANSWERED_ALREADY"):
        await bob.messages.accept(message.number, request_id=new_request_id())
    assert len(await alice.received_messages(session_id)) == 1


async def test_at_the_same_time_it_is_sent_once(company: Company, session_id: str) -> None:
    """The second one is told to wait."""
    alice, bob = company.people["alice"], company.people["bob"]
    request_id = new_request_id()
    outcomes = await asyncio.gather(
        *(alice.messages.send(session_id, BytesSource(b"x"), request_id=request_id) for _ in range(3)),
        return_exceptions=True,
    )
    assert sorted(getattr(each, "reason", "sent") for each in outcomes) == ["SENDING_ALREADY"] * 2 + ["sent"]
    assert len(await bob.received_messages(session_id)) == 1


async def test_a_stream_that_broke_is_repeated_from_its_beginning(company: Company, session_id: str) -> None:
    """It goes on with the same envelope. Other content is not signed under its key, and then it begins anew."""
    alice, bob = company.people["alice"], company.people["bob"]
    content = secrets.token_bytes(20 * MEBIBYTE + 5)
    for changed in (False, True):
        request_id = new_request_id()
        begun = await interrupted(alice, session_id, content[: 18 * MEBIBYTE], request_id)
        if changed:
            with refused("SOURCE_CHANGED"):
                await alice.messages.send(session_id, stream(bytes(len(content))), request_id=request_id)
        sent = await alice.messages.send(session_id, stream(content), request_id=request_id)
        assert (sent.envelope_id == begun) is not changed
        (message,) = await bob.received_messages(session_id)
        assert await bob.content(message.number) == content
        again = await alice.messages.send(session_id, stream(b"not looked at"), request_id=request_id)
        assert again.envelope_id == sent.envelope_id == message.envelope_id
        assert await bob.received(session_id) == []


async def test_what_was_signed_before_a_crash_is_finished(company: Company, session_id: str) -> None:
    """The media server has it, and this agent does not know: the repeat finds out, and signs nothing again."""
    alice, bob = company.people["alice"], company.people["bob"]
    request_id, outbox = new_request_id(), alice.messages._outbox
    sent = await alice.messages.send(session_id, BytesSource(b"x"), request_id=request_id)
    entry = outbox.of_request(request_id)
    assert entry is not None
    assert entry.signature is not None
    outbox._open.put(entry.envelope_id, entry.signed(entry.signature))
    outbox._sent.remove(entry.envelope_id)
    again = await alice.messages.send(session_id, BytesSource(b"x"), request_id=request_id)
    assert again.statement == sent.statement
    assert len(await bob.received_messages(session_id)) == 1


async def interrupted(person: Person, session_id: str, content: bytes, request_id: str) -> str:
    """Break the sending of a stream off when so much of it was taken; the id of its envelope."""
    there, hang = asyncio.Event(), asyncio.Event()

    async def broken() -> AsyncIterator[bytes]:
        yield content
        there.set()
        await hang.wait()
        raise ServiceError("SOURCE_CHANGED", source="big")  # it must not look like an end

    source = StreamSource(broken(), asyncio.get_running_loop(), "application/octet-stream", "big")
    sending = asyncio.create_task(person.messages.send(session_id, source, request_id=request_id))
    await there.wait()
    sending.cancel()
    hang.set()
    await asyncio.wait([sending])
    begun = person.messages._outbox.of_request(request_id)
    assert begun is not None
    return begun.envelope_id


def stream(data: bytes) -> StreamSource:
    """Content in pieces of an odd size."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), 700_001):
            yield data[start : start + 700_001]

    return StreamSource(pieces(), asyncio.get_running_loop(), "application/octet-stream", "big")


async def test_pages(company: Company, session_id: str) -> None:
    """Of messages and sessions, each with no more than was asked for."""
    alice, bob = company.people["alice"], company.people["bob"]
    for text in (b"1", b"2", b"3"):
        await alice.messages.send(session_id, BytesSource(text))
    await bob.received_messages(session_id)
    everything = await bob.messages.messages()
    paged = [await bob.messages.page(after, 2) for after in range(0, len(everything) + 1, 2)]
    assert [message for page in paged for message in page] == everything
    assert max(map(len, paged)) == 2
