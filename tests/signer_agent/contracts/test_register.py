"""What is asked of earlier messages: found without reading them, and in the register whatever happened."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from signer_agent.contracts.messages import Messages
from signer_agent.contracts.numbers import Numbers
from signer_agent.contracts.sources import TEXT_TYPE, BytesSource
from tests.signer_agent.contracts.company import Company, Person, gathered


@given(st.lists(st.integers(1, 40)), st.integers(0, 45))
def test_numbers_are_a_set(numbers: list[int], last: int) -> None:
    """In whatever order they come; and a file has them as they are."""
    found = Numbers()
    for number in numbers:
        found = found.with_number(number)
    here = set(numbers)
    assert found.count == len(here)
    assert found.highest == max(here, default=0)
    assert found.lowest_free == next(each for each in range(1, 50) if each not in here)
    assert [each for each in range(50) if each in found] == sorted(here)
    assert [*found.missing(last)] == [each for each in range(1, last + 1) if each not in here]
    assert Numbers.from_text(found.to_text()) == found


@pytest.mark.parametrize("text", ["x", "1", "2-1", "0-3", "1-2 3-4", "4-5 1-2", "1-2-3"])
def test_other_texts_are_no_numbers(text: str) -> None:
    """A file that has such a one is damaged."""
    with pytest.raises(ValueError, match=r"ranges|int|unpack"):
        Numbers.from_text(text)


class Watched:
    """What this process does to files under a folder, by the interpreter's audit events."""

    def __init__(self) -> None:
        self._folder = ""
        self._events: list[str] = []
        sys.addaudithook(self._see)

    @contextmanager
    def folder(self, folder: Path) -> Iterator[list[str]]:
        """Watch it; yields what was seen."""
        self._folder, self._events = str(folder), []
        try:
            yield self._events
        finally:
            self._folder = ""

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._folder and event in {"open", "os.listdir", "os.scandir"} and self._folder in str(arguments[0]):
            self._events.append(event)


WATCHED = Watched()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Company]:
    """Alice and Bob."""
    async with gathered(tmp_path_factory.mktemp("company"), ("alice", "bob")) as company:
        yield company


async def text_to_bob(company: Company, session_id: str) -> None:
    """A message of Alice's."""
    await company.people["alice"].messages.send(session_id, BytesSource(b"text", TEXT_TYPE))


async def files_used(company: Company, session_id: str) -> tuple[int, int, int]:
    """How often Bob uses files to receive a message and to accept it, and Alice to receive that; and lists folders."""
    alice, bob = company.people["alice"], company.people["bob"]
    await text_to_bob(company, session_id)
    with WATCHED.folder(bob.home.folder) as receiving:
        (message,) = await bob.received_messages(session_id)
    with WATCHED.folder(bob.home.folder) as accepting:
        await bob.messages.accept(message.number)
    with WATCHED.folder(alice.home.folder) as answered:
        await alice.received_messages(session_id)
    lists = [each.count("os.listdir") + each.count("os.scandir") for each in (receiving, answered)]
    assert lists == [2, 2], "the folders of what is being sent and of alarms, which have little in them"
    return len(receiving), len(accepting), len(answered)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_message_costs_as_much_among_many(company: Company) -> None:
    """Files are used as often for the fifteenth as for the second."""
    session_id = await company.session(("alice", "bob"))
    await files_used(company, session_id)
    second = await files_used(company, session_id)
    for _ in range(11):
        await text_to_bob(company, session_id)
    await company.people["bob"].received_messages(session_id)
    assert await files_used(company, session_id) == second


@pytest.mark.asyncio(loop_scope="module")
async def test_a_mailbox_that_is_older_than_the_register_gets_into_it(company: Company) -> None:
    """Nothing of it is received again, its answers are known, and what comes next fits."""
    alice, bob, session_id = company.people["alice"], company.people["bob"], await company.session(("alice", "bob"))
    for _ in range(3):
        await text_to_bob(company, session_id)
    *_, message = await bob.received_messages(session_id)
    await bob.messages.accept(message.number)
    (answer,) = await alice.received_messages(session_id)
    for person in (alice, bob):
        await asyncio.to_thread(shutil.rmtree, person.home.folder / "register")
    async with older(alice) as alice_later, older(bob) as bob_later:
        await alice_later.send(session_id, BytesSource(b"and now?", TEXT_TYPE))
        (received,) = [each async for each in bob_later.receive(session_id)]
        assert received.verdict.verified, received  # type: ignore[union-attr]
        assert not received.note  # type: ignore[union-attr]
        (seen,) = await bob_later.answers_to(message)
        assert (seen.author, seen.number) == ("bob", 0)
        assert [each async for each in alice_later.receive(session_id)] == []
        sent = [each for each in await alice_later.sent() if each.statement == message.statement]
        assert [each.number for each in sent[0].answers] == [answer.number]


def older(person: Person) -> AbstractAsyncContextManager[Messages]:
    """Somebody's messages, opened again."""
    return Messages.of(person.signer, person.store)
