"""What there is in custody: the shares and keys that the database names, and what a token has beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from server.custody import store
from server.custody.pkcs11 import store as tokens

NOT_OURS: Final = "not ours"
"""Not known to this database: of another server, or planted."""


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """A share or a named key.

    Args:
        name: of a share its key's, or its session's with ".sign" or ".decrypt"; or the named key's own.
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


def list_kept_shares(connection: Connection, after: str, limit: int) -> list[KeptSecret]:
    """Shares with names above ``after``, in the order of their names, so many at most."""
    return find_kept(connection, store.list_shares(connection, after, limit))


def find_kept(connection: Connection, made: Sequence[tuple[str, datetime]]) -> list[KeptSecret]:
    """Where secrets are of which the name is known, and when each was made."""
    objects = tokens.find_objects(connection, [name for name, _ in made])
    return [KeptSecret(name, time, objects.get(name, "")) for name, time in made]


def list_besides(connection: Connection, objects: dict[str, str]) -> list[KeptObject]:
    """Those objects of a token, names by id, that are no share and no named key."""
    states = tokens.find_states(connection, objects)
    found = [KeptObject(object_id, name, states.get(object_id, NOT_OURS)) for object_id, name in objects.items()]
    return [each for each in found if each.state != tokens.KEPT]
