"""``python -m bench.load.guard FOLDER SOURCES COUNT``: a guard that takes announcements among so many live sources.

It is the guard's own intake over a database of its own, without gRPC. Its window and its table are filled with what it
would have put there; so their announcements need no signatures, which take most of the time. For every line on standard
input it does a piece of work and prints one line of JSON: some new sources while there are fewer live ones; afterwards
it takes in COUNT genuine announcements of live ones, picked at random. Its clock stands still: nothing is forgotten.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import psutil
import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection

from bench.errors import BenchFailed
from bench.rig.announcer import Announcer, Certifier
from bench.rig.store.announcements import store_announcements
from contract.announcements.announcement import Announcement, CheckedAnnouncement, SignedAnnouncement
from contract.announcements.window import Window
from contract.names import new_session_id
from server.config import load_settings
from server.guard.reports import MAX_REPORTED, Reported, Reports
from server.guard.store.announcements import AnnouncementRow, place_of
from server.guard.terms import GuardLog, GuardTerms
from server.identity import Gateway
from server.metrics import Metrics
from server.root.ground import Ground, open_ground
from server.root.guard_terms import guard_terms
from server.root.home import Home
from server.root.setup import set_up
from server.storage import Threads
from wire.allocation import keep_freed_memory

FILLED_AT_A_TIME: Final = 10_000
_FIRST_SOURCE: Final = int(IPv4Address("10.0.0.0"))
_SOURCES_OF_AGENT: Final = 500
_NO_SIGNATURE: Final = bytes(64)
_NO_LIMIT: Final = 10**8  # in a minute that does not end


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken in.

    Args:
        live: sources that are live now.
        count: announcements that were taken just now.
        seconds: how long that took.
        processor_seconds: of this process meanwhile.
        resident_bytes: of it, now.
    """

    live: int
    count: int
    seconds: float
    processor_seconds: float
    resident_bytes: int


class Crowd:
    """So many addresses that one account announces itself from.

    Args:
        ground: of the guard's server.
        terms: of the guard.
        announcer: the account.
        now: the time.
    """

    def __init__(self, ground: Ground, terms: GuardTerms, announcer: Announcer, now: datetime) -> None:
        self._ground = ground
        self._window = Window(terms.window)
        self._announcer = announcer
        self._now = now
        self._keeper = secrets.token_bytes(16)
        self._reports = Reports(
            ground.database,
            Threads(1, "share"),
            ground.log_key.verifier,
            terms,
            self._window,
            lambda _: self._keeper,
            lambda: now,
            GuardLog(structlog.get_logger(), Metrics()),
        )
        self._session_id = new_session_id(secrets.token_bytes)
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        self._gateway = Gateway("gateway", bytes(32), key, now, now)
        self._live = 0

    async def work(self, sources: int, count: int) -> Taken:
        """Fill up to so many sources, or take in ``count`` announcements if there are as many."""
        processor, began = time.process_time(), time.perf_counter()
        if self._live < sources:
            count = min(sources - self._live, FILLED_AT_A_TIME)
            self._ground.database.write_now(partial(self._fill, count=count))
        else:
            reported = [self._reported(secrets.randbelow(sources)) for _ in range(count)]
            processor, began = time.process_time(), time.perf_counter()
            await self._take(reported)
        seconds, processor_seconds = time.perf_counter() - began, time.process_time() - processor
        return Taken(self._live, count, seconds, processor_seconds, int(psutil.Process().memory_info().rss))

    async def _take(self, reported: Sequence[Reported]) -> None:
        for at in range(0, len(reported), MAX_REPORTED):
            results = await self._reports.report(self._gateway, reported[at : at + MAX_REPORTED])
            if any(each.reason or each.alarm_id for each in results):
                raise BenchFailed("the guard passed over an announcement, or raised an alarm")

    def _fill(self, connection: Connection, count: int) -> None:
        rows = []
        for number in range(self._live, self._live + count):
            announcement, agent = self._announcement(number), f"{self._gateway.name} {_agent_of(number)}"
            checked = CheckedAnnouncement(announcement, announcement.digest)
            if self._window.observe(checked, agent, self._now) is not None:
                raise BenchFailed("announcements of different sources are in conflict")
            der = SignedAnnouncement(announcement, _NO_SIGNATURE).to_der()
            place, time_ = place_of(announcement.claim), announcement.time
            rows.append(AnnouncementRow(place, announcement.key, der, agent, time_, self._now, self._keeper))
        store_announcements(connection, rows)
        self._live += count

    def _reported(self, number: int) -> Reported:
        signed = SignedAnnouncement.sign(self._announcement(number), self._announcer.key)
        return Reported(signed.to_der(), _agent_of(number))

    def _announcement(self, number: int) -> Announcement:
        source = str(IPv4Address(_FIRST_SOURCE + number))
        return self._announcer.announcement(source, "bob", self._session_id, b"", self._now)


def _agent_of(number: int) -> str:
    return f"agent-{number // _SOURCES_OF_AGENT}"


def main() -> None:
    """Serve orders until standard input ends."""
    folder, sources, count = sys.argv[1:]
    home, log, now = Home(Path(folder)), structlog.get_logger(), datetime.now(UTC)
    for _ in set_up(home, log, lambda: now):
        pass
    keep_freed_memory()  # as the server does
    settings = load_settings(home.folder)
    terms = replace(guard_terms(settings), announcements_per_minute=_NO_LIMIT)
    with open_ground(home, settings, log, lambda: now) as ground, asyncio.Runner() as runner:
        (announcer,) = Certifier(ground).certify(["alice"])
        crowd = Crowd(ground, terms, announcer, now)
        for _ in sys.stdin:
            taken = runner.run(crowd.work(int(sources), int(count)))
            sys.stdout.write(json.dumps(asdict(taken)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
