"""Messages through a real server and relay: sent, received, verified, answered."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from contract.statement import Decision
from contract.stream import SEGMENT_BYTES
from signer_agent.contracts.messages import BytesSource, FileSource
from signer_agent.contracts.sources import TEXT_TYPE
from tests.signer_agent.contracts.company import Company, gathered

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
    assert {(each.author, each.decision, each.verified) for each in seen.answers} == {
        ("bob", Decision.ACCEPT, True),
        ("carol", Decision.REJECT, True),
    }
    (to_bob,) = await bob.received_messages(session_id)
    assert to_bob.statement.answer is not None
    assert {each.author for each in await bob.messages.answers_to(for_bob)} == {"bob", "carol"}
    await carol.received_messages(session_id)
