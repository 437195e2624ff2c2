"""What there is in custody: the shares that the database names, and what a token has beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from server.custody import store
from server.custody.pkcs11 import store as tokens

NOT_OURS: Final = "not ours"
"""Not known to this database: of another server, or planted."""


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


@dataclass(frozen=True, slots=True)
class KeptObject:
    """An object of a token.

    Args:
        object_id: its CKA_ID in hexadecimal.
        name: its label.
        state: "ready": made ahead; "made": for a key that is not there yet; "doomed": about to be destroyed; NOT_OURS.
    """

    object_id: str
    name: str
    state: str


def list_kept_shares(connection: Connection, after: str, limit: int) -> list[KeptShare]:
    """Shares with names above ``after``, in the order of their names, so many at most."""
    rows = store.list_shares(connection, after, limit)
    objects = tokens.find_objects(connection, [name for name, _ in rows])
    return [KeptShare(name, time, objects.get(name, "")) for name, time in rows]


def list_besides(connection: Connection, objects: dict[str, str]) -> list[KeptObject]:
    """Those objects of a token, names by id, that are no share's."""
    states = tokens.find_states(connection, objects)
    found = [KeptObject(object_id, name, states.get(object_id, NOT_OURS)) for object_id, name in objects.items()]
    return [each for each in found if each.state != tokens.KEPT]
