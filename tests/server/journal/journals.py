"""A journal on a real database, with rules that a test sets, between two starts of a server."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from mpc.errors import FoursealError
from server.clock import system_clock
from server.journal import Act, Caller, Flights, Intent, OperationRunner, Request, Result
from server.journal.log import LogAppender, LogKey
from server.storage import Database, Threads
from server.storage.sqlite import SqliteBackend
from tests.server.harness import silent_log
from wire.catalogue import ServiceError

ALICE, BOB = Caller("alice", b"a" * 32), Caller("bob", b"b" * 32)
KEY = "key-" + "a" * 26
WAIT_SECONDS = 30.0


def request(
    number: int = 0, body: bytes = b"body", *, caller: Caller = ALICE, method: str = "/Signing/SignDigest"
) -> Request:
    """A request; the same numbers make the same ``request_id``."""
    return Request(caller, f"request-{number:08}", method, sha256(body).digest())


@dataclass
class Rules:
    """Caller check and policy, as a test wants them, and what they were asked."""

    unknown: set[Caller] = field(default_factory=set)
    refused: dict[str, FoursealError] = field(default_factory=dict)
    """By request_id."""
    asked: list[tuple[str, bool]] = field(default_factory=list)
    """Request_id, and whether the policy was told that its intent stands in the journal already."""

    def check_callers(self, _: Connection, callers: Sequence[Caller]) -> list[FoursealError | None]:
        """See ``CheckCallers``."""
        return [ServiceError("CALLER_UNKNOWN") if caller in self.unknown else None for caller in callers]

    def admit(self, _: Connection, intents: Sequence[Intent], repeated: Sequence[bool]) -> list[FoursealError | None]:
        """See ``Policy``."""
        self.asked += [(intent.request.request_id, known) for intent, known in zip(intents, repeated, strict=True)]
        return [self.refused.get(intent.request.request_id) for intent in intents]


class Journal:
    """What a server has of the journal while it runs. Another one on the same path is the server after a restart.

    Args:
        path: the database file.
        rules: who may do what.
    """

    def __init__(self, path: Path, rules: Rules) -> None:
        self.rules = rules
        self.database = Database(SqliteBackend(path), silent_log())
        self.log_key = LogKey("test/log", Ed25519PrivateKey.generate())
        self.database.before_commit(LogAppender(self.log_key, secrets.token_bytes))
        self.workers = Threads(2, "share")
        self.flights = Flights(capacity=64, capacity_of_caller=64)
        self.runner = OperationRunner(
            self.database, self.flights, self.workers, rules.check_callers, rules, system_clock
        )

    async def ask(self, asked: Request, act: Act, *, key_id: str = KEY) -> bytes:
        """Have an operation done."""
        return await self.runner.run(asked, lambda: (Intent(asked, key_id), act))

    def close(self) -> None:
        """End it."""
        self.workers.close()
        self.database.close()


@contextlib.contextmanager
def journal_on(path: Path, rules: Rules | None = None) -> Iterator[Journal]:
    """A journal, closed at the end."""
    journal = Journal(path, rules or Rules())
    try:
        yield journal
    finally:
        journal.close()


@dataclass
class Answers:
    """An act that counts how often it is done, and gives another answer each time."""

    done: int = 0
    key_ids: list[str] = field(default_factory=list)
    keep: bool = True
    fault: Callable[[], None] = lambda: None
    """Called at the beginning; may wait, or raise."""

    def __call__(self, key_id: str) -> Result:
        """See ``Act``."""
        self.fault()
        self.done += 1
        self.key_ids.append(key_id)
        return Result(release=b"answer %d" % self.done, keep=self.keep)


def refuse() -> None:
    """Act or preparation that meets a fault: for the journal the same as a crash at this point."""
    raise ConnectionAbortedError("fault")


def outside(path: Path, columns: str = "outcome", number: int = 0) -> list[tuple[Any, ...]]:
    """What somebody else sees in the journal of a request now."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        sql = f"SELECT {columns} FROM operations WHERE request_id = ? ORDER BY sequence"  # noqa: S608  # of the test
        return connection.execute(sql, (f"request-{number:08}",)).fetchall()


async def turns(count: int = 3) -> None:
    """Let every task that can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)
