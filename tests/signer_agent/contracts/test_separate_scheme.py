"""Messages of the separate scheme from end to end, with every kind of key that it takes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from contract.report import Outcome
from contract.session_info import Scheme
from contract.signatures import SeparateSignature
from contract.statement import Decision
from contract.stream import SEGMENT_BYTES
from signer_agent.contracts.contracts import Contracts
from signer_agent.contracts.messages import Message, Messages
from signer_agent.contracts.sessions import Sessions
from signer_agent.contracts.signer_keys import EncryptKind, KeyChoice, SignKind
from signer_agent.contracts.sources import BytesSource
from tests.signer_agent.contracts.people import Person, new_person
from tests.signer_agent.real import RealServer

KINDS: Final = {
    "rsa": KeyChoice(SignKind.RSA, EncryptKind.RSA, 2048),
    "p256": KeyChoice(SignKind.P256, EncryptKind.X25519),
    "ed25519": KeyChoice(SignKind.ED25519, EncryptKind.X25519),
    "half": KeyChoice(bits=2048),
}


@pytest.fixture(scope="session")  # as the server: their names are taken there
def people(server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Person]:
    """One person for each kind of key, of its name."""
    folder = tmp_path_factory.mktemp("kinds")
    return {name: new_person(server, folder, f"with-{name}", choice) for name, choice in KINDS.items()}


@asynccontextmanager
async def opened(stack: AsyncExitStack, person: Person) -> AsyncIterator[tuple[Contracts, Messages]]:
    """Somebody's messages."""
    contracts = await stack.enter_async_context(person.contracts())
    yield contracts, await stack.enter_async_context(contracts.messages())


@pytest.mark.parametrize(
    ("author", "recipient"), [("rsa", "p256"), ("p256", "ed25519"), ("ed25519", "half"), ("half", "rsa")]
)
async def test_content_is_sent_verified_opened_and_accepted(
    people: dict[str, Person], author: str, recipient: str
) -> None:
    """Two signatures side by side, two layers of encryption, of content of several segments."""
    async with AsyncExitStack() as stack:
        theirs = [await stack.enter_async_context(opened(stack, people[each])) for each in (author, recipient)]
        (first, writing), (second, reading) = theirs
        end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        wanted = [people[recipient].name]
        made = await Sessions(await first.signer()).create("A boat", wanted, end, scheme=Scheme.SEPARATE)
        await Sessions(await second.signer()).join(made.session_id)
        content = secrets.token_bytes(2 * SEGMENT_BYTES + 1)
        source = BytesSource(content, "image/png", "boat.png")
        sent = await writing.send(made.session_id, source, evidence=True)
        (received,) = [each async for each in reading.receive(made.session_id)]
        assert isinstance(received, Message)
        assert received.verdict.verified, received.verdict
        assert received.statement == sent.statement
        pieces: list[bytes] = []
        await reading.write_content(received.number, pieces.append)
        assert b"".join(pieces) == content
        assert isinstance((await reading._entry(received.number)).signed.signature, SeparateSignature)
        await reading.accept(received.number)
        (answer,) = [each async for each in writing.receive(made.session_id)]
        assert isinstance(answer, Message)
        assert answer.verdict.verified, answer.verdict
        assert answer.statement.answer is not None
        assert answer.statement.answer.decision is Decision.ACCEPT
        for contracts in (first, second):
            evidence = await (await contracts.evidence()).open(sent.statement.digest)
            assert evidence.report.outcome is Outcome.PASSED
            assert [each.decision for each in evidence.report.answers] == [Decision.ACCEPT]


async def test_everybody_reads_what_is_sent_to_all(people: dict[str, Person]) -> None:
    """One content, one key ciphertext for each kind of key."""
    async with AsyncExitStack() as stack:
        everybody = {name: await stack.enter_async_context(opened(stack, person)) for name, person in people.items()}
        names = [person.name for person in people.values()]
        (contracts, writing), *others = everybody.values()
        end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        made = await Sessions(await contracts.signer()).create("A boat", names[1:], end, scheme=Scheme.SEPARATE)
        for other, _ in others:
            await Sessions(await other.signer()).join(made.session_id)
        await (await contracts.signer()).session(made.session_id, refresh=True)
        await writing.send(made.session_id, BytesSource(b"to all of you", "text/plain"))
        for _, reading in others:
            (received,) = [each async for each in reading.receive(made.session_id)]
            assert isinstance(received, Message)
            assert received.verdict.verified, received.verdict
            assert await reading.read_text(received.number) == "to all of you"
