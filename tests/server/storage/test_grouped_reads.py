"""Queries that many ask at a time: few snapshots, and each its own answer, of after it was asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, text

from mpc.errors import FoursealError
from server.storage import Database
from tests.server.storage.outside import add
from wire.catalogue import ServiceError


class Counting:
    """How many notes there are, for each who asks; waits where it is told to, and refuses whom it is told to."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.gate.set()

    def __call__(self, connection: Connection, items: Sequence[str]) -> list[int | FoursealError]:
        """A ``GroupWork``."""
        found: int = connection.execute(text("SELECT count(*) FROM notes")).scalar_one()
        self.groups.append(list(items))
        self.entered.set()
        assert self.gate.wait(30)
        if "broken" in items:
            raise RuntimeError("broken")
        if "forgotten" in items:
            return []
        return [ServiceError("KEY_NOT_FOUND", key_id=item) if item == "refused" else found for item in items]


async def test_who_asks_meanwhile_is_answered_at_once_and_afterwards(database: Database) -> None:
    """What was written before a question is in its answer, though another was on its way when it was asked."""
    work = Counting()
    work.gate.clear()
    first = asyncio.create_task(database.read_grouped(work, "first"))
    await asyncio.to_thread(work.entered.wait, 30)
    await database.write(add("written meanwhile"))
    others = [asyncio.create_task(database.read_grouped(work, str(number))) for number in range(50)]
    refused = asyncio.create_task(database.read_grouped(work, "refused"))
    await database.read(lambda _: None)  # other questions are answered meanwhile
    assert work.groups == [["first"]]
    work.gate.set()
    assert await first == 0
    assert await asyncio.gather(*others) == [1] * 50
    with pytest.raises(ServiceError, match="refused"):
        await refused
    assert [len(group) for group in work.groups] == [1, 51]
    assert await database.read_grouped(work, "alone") == 1
    assert work.groups[2:] == [["alone"]]


async def test_what_fails_fails_for_those_who_asked_for_it_alone(database: Database) -> None:
    """Whoever asks next is answered; who has gone harms nobody."""
    work = Counting()
    work.gate.clear()
    first = asyncio.create_task(database.read_grouped(work, "first"))
    await asyncio.to_thread(work.entered.wait, 30)
    broken = [asyncio.create_task(database.read_grouped(work, item)) for item in ("broken", "beside")]
    await asyncio.sleep(0)
    first.cancel()
    work.gate.set()
    for outcome in await asyncio.gather(*broken, return_exceptions=True):
        assert isinstance(outcome, RuntimeError)
    with pytest.raises(ValueError, match="zip"):
        await database.read_grouped(work, "forgotten")  # a fault of ours, which leaves nobody waiting
    assert await database.read_grouped(work, "next") == 0
