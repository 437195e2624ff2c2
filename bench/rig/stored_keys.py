"""A server that keeps many keys: copies of a real one, under other ids.

Each copy is as complete as the key that it was made from: its row, its share, sealed for its own id, and its operations
in the journal and in the log. So each of them signs, with the client's share of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from sqlalchemy import Connection

from server.clock import system_clock
from server.custody import OpenedShare
from server.journal.records import Caller, Intent, Operation, Request, Result
from server.journal.store import add_intents, find_operations, finish, list_operations
from server.root.ground import Ground
from server.signing.opened_keys import server_share_of
from server.signing.store import Key, find_key, insert_key
from wire.ids import new_key_id, new_request_id

COPIES_AT_A_TIME: Final = 2_500  # a server that runs meanwhile waits no longer than 2 s for its turn to write
_OPERATIONS: Final = 2  # that make a key: its generation begins and is finished
_CERTIFICATE_SHA256: Final = bytes(32)


def store_copies(ground: Ground, key_id: str, count: int, step: Callable[[], None]) -> list[str]:
    """Store so many copies of a key; their ids. Its server may run meanwhile.

    Args:
        ground: of the server.
        key_id: the key, with which nobody has signed yet.
        count: how many copies.
        step: called after each transaction, of ``COPIES_AT_A_TIME`` copies.
    """
    original = _read(ground, key_id)
    key_ids = sorted(
        new_key_id() for _ in range(count)
    )  # rising ones are written soon; to look one up is the same work
    request_ids = sorted(new_request_id() for _ in range(count))
    copies = list(zip(key_ids, request_ids, strict=True))
    for start in range(0, count, COPIES_AT_A_TIME):
        ground.database.write_now(partial(original.store, copies[start : start + COPIES_AT_A_TIME]))
        step()
    return key_ids


class _Original:
    """A key with all that the server has of it."""

    def __init__(self, ground: Ground, key: Key, share: OpenedShare, operations: Sequence[Operation]) -> None:
        self._custody = ground.custody.shares
        self._key = key
        self._share = share
        self._operations = operations

    def store(self, copies: Sequence[tuple[str, str]], connection: Connection) -> None:
        """Store copies, each with a key id, and a request id for the operation that began it."""
        now = system_clock()
        for key_id, _ in copies:
            insert_key(connection, replace(self._key, key_id=key_id, create_time=now, change_time=now))
            self._custody.keep(connection, key_id, self._share, now)
        results = [self._result(each, *names) for names in copies for each in self._operations]
        add_intents(connection, [intent for intent, _ in results], now)
        finish(connection, results, now)

    def _result(self, operation: Operation, key_id: str, request_id: str) -> tuple[Intent, Result]:
        """What an operation of the original is of a copy. The id of the second one is made of the key's."""
        ours, theirs = self._key.key_id, key_id
        name = operation.request_id.replace(ours, theirs) if ours in operation.request_id else request_id
        request = Request(
            Caller(operation.agent_id, _CERTIFICATE_SHA256), name, operation.method, operation.body_sha256
        )
        answer = (operation.answer or b"").replace(ours.encode(), theirs.encode())
        return Intent(request, key_id), Result(release=answer)


def _read(ground: Ground, key_id: str) -> _Original:
    def read(connection: Connection) -> tuple[Key | None, list[Operation]]:
        records = list_operations(connection, after=0, limit=_OPERATIONS, key_id=key_id)
        found = find_operations(connection, [(record.agent_id, record.request_id) for record in records])
        return find_key(connection, key_id), list(found.values())

    key, operations = ground.database.read_now(read)
    share = None if key is None else ground.custody.shares.open(key_id, server_share_of(key))
    if key is None or share is None or len(operations) != _OPERATIONS:
        raise ValueError(f"the key {key_id} is not as it was made")
    return _Original(ground, key, share, operations)
