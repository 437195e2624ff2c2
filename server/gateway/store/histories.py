"""Facts of the histories, and the accounts that are served here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from contract.announcements.contents import Side
from contract.announcements.history import Channel, Entry, HistoryFact, Identity
from server.gateway.store.tables import facts, served

_NAMES = ("side", "user", "destination", "key", "agent", "certificate", "address")
_fact = facts.c
_forget = delete(facts).where(*(_fact[name] == bindparam(f"of_{name}") for name in _NAMES))


def list_facts(connection: Connection, side: Side) -> list[Entry]:
    """All of one side, the one that was seen last at the end."""
    query = select(facts).where(_fact.side == side.value).order_by(_fact.last_time, _fact.first_time)
    found = []
    for _, user, destination, key, agent, certificate, address, first, last, count in connection.execute(query):
        identity = Identity(key, Channel(agent, certificate, address))
        found.append(Entry(user, destination, HistoryFact(identity, first, last, count)))
    return found


def put_facts(connection: Connection, side: Side, entries: Iterable[Entry]) -> None:
    """Keep what is known now."""
    known = list(entries)
    forget_facts(connection, side, [(each.user, each.destination, each.fact.identity) for each in known])
    rows = [
        _place(side, each.user, each.destination, each.fact.identity)
        | {"first_time": each.fact.first_time, "last_time": each.fact.last_time, "count": each.fact.count}
        for each in known
    ]
    if rows:
        connection.execute(insert(facts), rows)


def forget_facts(connection: Connection, side: Side, places: Iterable[tuple[str, str, Identity]]) -> None:
    """Forget some."""
    rows = [{f"of_{name}": value for name, value in _place(side, *place).items()} for place in places]
    if rows:
        connection.execute(_forget, rows)


def list_keys_of(connection: Connection, user: str, destination: str, agent: str) -> frozenset[bytes]:
    """By which keys an agent has sent as a user to a destination, on either side."""
    chosen = (_fact.user == user, _fact.destination == destination, _fact.agent == agent)
    return frozenset(connection.execute(select(_fact.key).where(*chosen)).scalars())


def serve(connection: Connection, account: str, now: datetime) -> None:
    """Note that an account's agent watches here."""
    if not connection.execute(update(served).where(served.c.account == account).values(time=now)).rowcount:
        connection.execute(insert(served), {"account": account, "time": now})


def list_served(connection: Connection, since: datetime) -> dict[str, datetime]:
    """Accounts that were served since a time, and when last."""
    return {row.account: row.time for row in connection.execute(select(served).where(served.c.time >= since))}


def forget_served(connection: Connection, before: datetime) -> None:
    """Forget accounts that were not served since a time."""
    connection.execute(delete(served).where(served.c.time < before))


def _place(side: Side, user: str, destination: str, identity: Identity) -> dict[str, object]:
    channel = identity.channel
    values = (side.value, user, destination, identity.key, channel.agent, channel.certificate, channel.address)
    return dict(zip(_NAMES, values, strict=True))
