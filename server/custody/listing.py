"""What there is in custody: the shares that the database names, and what a token has beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from server.custody import store
from server.custody.pkcs11 import store as tokens


@dataclass(frozen=True, slots=True)
class KeptShare:
    """A share.

    Args:
        name: of its key, or of its session with ".sign" or ".decrypt".
        create_time: when it was made.
        object_id: of its object in a token; empty: its numbers are in the database.
    """

    name: str
    create_time: datetime
    object_id: str


def list_kept_shares(connection: Connection, after: str, limit: int) -> list[KeptShare]:
    """Shares with names above ``after``, in the order of their names, so many at most."""
    rows = store.list_shares(connection, after, limit)
    objects = tokens.find_objects(connection, [name for name, _ in rows])
    return [KeptShare(name, time, objects.get(name, "")) for name, time in rows]


def find_strangers(connection: Connection, objects: dict[str, str]) -> dict[str, str]:
    """Those objects of a token, names by id, that this database does not know: of another server, or planted."""
    known = tokens.find_known(connection, objects)
    return {object_id: name for object_id, name in objects.items() if object_id not in known}
