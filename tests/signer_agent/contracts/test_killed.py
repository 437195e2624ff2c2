"""An agent is killed in the middle of sending or receiving: it goes on later, and nothing half is shown as whole."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from contract.stream import SEGMENT_BYTES
from signer_agent.contracts.envelopes import BATCH_SEGMENTS
from signer_agent.contracts.messages import FileSource, Message
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource
from tests import forked
from tests.signer_agent.contracts.company import Company, Person, gathered

PROGRAM: Final = "tests.signer_agent.contracts.killed"
NEVER: Final = 10_000
KILLS: Final = {"send": 4, "deposit": 8, "receive": 8}  # spread over all steps; to deposit is to send and more

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice and Bob."""
    async with gathered(tmp_path_factory.mktemp("company"), ("alice", "bob")) as company:
        yield company


@pytest.fixture(scope="module")
def content(path: Path) -> bytes:
    """What is in it."""
    return path.read_bytes()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long content: what is written comes in three batches."""
    file = tmp_path_factory.mktemp("content") / "film.mp4"
    file.write_bytes(secrets.token_bytes(2 * BATCH_SEGMENTS * SEGMENT_BYTES + 5))
    return file


async def steps_of(what: str, person: Person, session_id: str, path: Path, kill_at: int = NEVER) -> int | None:
    """Run the program; how many steps it made, or None if it was killed."""
    arguments = (what, str(person.home.folder), session_id, str(path), str(kill_at))
    ran = await asyncio.to_thread(forked.run, PROGRAM, arguments, os.environ)
    if ran.returncode == -signal.SIGKILL:
        return None
    assert ran.returncode == 0, ran.stderr.decode()
    return int(ran.stdout)


def spread(what: str, steps: int) -> list[int]:
    """Which steps to be killed at: the first, the last, and some between."""
    kills = KILLS[what]
    return sorted({1 + round(each * (steps - 1) / (kills - 1)) for each in range(kills)})


@pytest.mark.parametrize("what", ["send", "deposit"])
async def test_sending_that_was_killed_goes_on(company: Company, path: Path, content: bytes, what: str) -> None:
    """At whatever step: the next attempt finishes what was begun, no number is used twice, and each comes once.

    What was to be evidence is in the log, once, whenever it comes.
    """
    evidence = what == "deposit"
    alice, bob, session_id = company.people["alice"], company.people["bob"], await company.session(("alice", "bob"))
    await steps_of(what, alice, session_id, path)  # sees the log for the first time, and has more to write
    steps = await steps_of(what, alice, session_id, path)
    assert steps is not None
    assert steps > 2 * 2 * BATCH_SEGMENTS, "the steps were not seen"
    await bob.received_messages(session_id)
    sequences = {1, 2}
    for step in spread(what, steps):
        assert await steps_of(what, alice, session_id, path, step) is None
        begun = alice.messages._outbox.open_entries(session_id)
        await alice.messages.send(session_id, BytesSource(b"meanwhile", TEXT_TYPE))  # finishes what was fixed
        undecided = alice.messages._outbox.open_entries(session_id)
        if undecided:
            sent = await alice.messages.send(session_id, FileSource(path), evidence=evidence)
            assert [sent.envelope_id] == [each.envelope_id for each in undecided], "it began anew"
        assert alice.messages._outbox.open_entries(session_id) == []
        received = await bob.received_messages(session_id)
        films = [each for each in received if each.description.name == path.name]
        assert len(films) == (1 if begun or len(received) == 2 else 0), step
        for film in films:
            assert await bob.content(film.number) == content
            assert (film.log_index is not None) is evidence
        new = [each.statement.sequence for each in received]
        assert not sequences & set(new)
        assert len(set(new)) == len(new)
        sequences |= set(new)
    assert sequences == set(range(1, len(sequences) + 1)), "a number was lost"
    session = await company.look("alice", session_id)
    assert session.counters.last_sequence == len(sequences), "the server signed something that nobody has"


async def test_receiving_that_was_killed_goes_on(company: Company, path: Path, content: bytes) -> None:
    """At whatever step: nothing half is in the mailbox, and in the end it is there once, and opens."""
    alice, bob, session_id = company.people["alice"], company.people["bob"], await company.session(("alice", "bob"))
    await alice.messages.send(session_id, FileSource(path))
    await bob.received_messages(session_id)  # the first has more to write: the key that was announced with it
    await alice.messages.send(session_id, FileSource(path))
    steps = await steps_of("receive", bob, session_id, path)
    assert steps is not None
    assert steps > BATCH_SEGMENTS, "the steps were not seen"
    for step in spread("receive", steps):
        sent = await alice.messages.send(session_id, FileSource(path))
        assert await steps_of("receive", bob, session_id, path, step) is None
        await require_here(bob, content, sent.envelope_id, {0, 1})
        received = await bob.received(session_id)
        assert all(isinstance(each, Message) for each in received), received
        await require_here(bob, content, sent.envelope_id, {1})
        assert not [*bob.messages._mailbox._parts.path.glob("[!.]*")], "something half is left"
    numbers = [each.number for each in await bob.messages.messages()]
    assert numbers == list(range(1, len(numbers) + 1))


async def require_here(bob: Person, content: bytes, envelope_id: str, times: set[int]) -> None:
    """See that what the mailbox has of a message is whole."""
    found = [each for each in await bob.messages.messages() if each.envelope_id == envelope_id]
    assert len(found) in times
    for message in found:
        assert message.verdict.verified
        assert await bob.content(message.number) == content
