"""What the gateway has seen: as the sender's, of what its agents sent; as the receiver's, of what was for them.

In bounded memory; in the database what is there, so a restart remembers it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection

from contract.announcements.contents import Side
from contract.announcements.history import Entry, History, HistoryFact, Identity
from contract.announcements.window import MAX_WINDOW
from server.clock import Clock
from server.gateway.store import histories as store
from server.storage import Database

SIDES: Final = tuple(Side)
_NOTE_AFTER: Final = timedelta(minutes=1)

_Place = tuple[str, str, Identity]
_Forgets = Callable[[str, str, Identity], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """An announcement that was checked, and who brought it.

    Args:
        user: account that it claims.
        destination: account that it goes to.
        identity: its key, and the channel.
    """

    user: str
    destination: str
    identity: Identity


class Histories:
    """Both. Belongs to the event loop that it is used on.

    Args:
        database: of the gateway.
        agents, facts_per_agent: as of ``History``.
        clock: the time.
    """

    def __init__(self, database: Database, agents: int, facts_per_agent: int, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._under_way: list[tuple[Seen, datetime]] = []
        self._forgotten: dict[Side, list[_Place]] = {side: [] for side in SIDES}
        self._histories = {side: History(agents, facts_per_agent, self._forget_on(side)) for side in SIDES}
        for side in SIDES:
            for entry in database.read_now(partial(store.list_facts, side=side)):
                self._histories[side].put(entry)

    async def saw(self, side: Side, seen: Sequence[Seen]) -> None:
        """Note announcements, durably.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        if not seen:
            return
        now = self._clock().replace(microsecond=0)
        history = self._histories[side]
        entries = [
            Entry(each.user, each.destination, history.saw(each.user, each.destination, each.identity, now))
            for each in seen
        ]
        forgotten, self._forgotten[side] = self._forgotten[side], []

        def unit(connection: Connection) -> None:
            store.put_facts(connection, side, entries)
            store.forget_facts(connection, side, forgotten)

        await self._database.write(unit)

    @contextmanager
    def under_way(self, seen: Sequence[Seen]) -> Iterator[None]:
        """Have announcements of agents of ours among the facts while their envelopes are under way.

        The guard asks as soon as it is told of one: who brings an impostor's key has sent nothing whole by then.
        """
        now = self._clock().replace(microsecond=0)
        entries = [(each, now) for each in seen]
        self._under_way += entries
        try:
            yield
        finally:
            for entry in entries:
                self._under_way.remove(entry)

    def facts(self, side: Side, user: str, destination: str) -> tuple[HistoryFact, ...]:
        """All about a user and a destination; what was seen whole first, the earliest in front."""
        known = self._histories[side].facts(user, destination)
        if side is not Side.SENDER:
            return known
        identities = {fact.identity for fact in known}
        begun = {
            each.identity: HistoryFact(each.identity, time, time, 1)
            for each, time in self._under_way
            if (each.user, each.destination) == (user, destination) and each.identity not in identities
        }
        return known + tuple(begun.values())

    def keys_of(self, user: str, destination: str, agent: str) -> frozenset[bytes]:
        """By which keys an agent has sent as a user to a destination, as far as is known here."""
        found = (fact.identity for side in SIDES for fact in self.facts(side, user, destination))
        return frozenset(identity.key for identity in found if identity.channel.agent == agent)

    def _forget_on(self, side: Side) -> _Forgets:
        def forget(user: str, destination: str, identity: Identity) -> None:
            self._forgotten[side].append((user, destination, identity))

        return forget


class Served:
    """Accounts whose agents watch their mailboxes here, or did within the window.

    Args:
        database: of the gateway.
        clock: the time.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        since = clock() - MAX_WINDOW
        self._times: dict[str, datetime] = database.read_now(lambda each: store.list_served(each, since))

    async def saw(self, account: str) -> None:
        """Note that an agent of an account watches here; durably, once a minute.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        now, last = self._clock(), self._times.get(account)
        if last is None or now - last >= _NOTE_AFTER:
            self._times[account] = now
            await self._database.write(lambda connection: store.serve(connection, account, now))

    def has(self, account: str) -> bool:
        """Whether its agents are served here."""
        last = self._times.get(account)
        return last is not None and last >= self._clock() - MAX_WINDOW

    async def forget(self) -> None:
        """Forget those that were not here within the window.

        Raises:
            ServiceError: STORAGE_UNAVAILABLE.
        """
        before = self._clock() - MAX_WINDOW
        self._times = {account: time for account, time in self._times.items() if time >= before}
        await self._database.write(lambda connection: store.forget_served(connection, before))
