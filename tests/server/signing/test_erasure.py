"""A destroyed share is gone from memory and disk, also when the caller went away or a reader was in the way."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import grpc
import pytest
from fourseal.v1 import key_service_pb2

from server.root.application import Server
from server.root.home import Home
from tests.server.harness import (
    Client,
    ClientKey,
    call,
    database_bytes,
    database_path,
    enrolled,
    running_server,
    sealed_shares,
    sign_request,
)
from wire.ids import new_request_id
from wire.status import RemoteError


async def _scheduled(alice: Client) -> tuple[ClientKey, key_service_pb2.DestroyKeyRequest]:
    """A key that was used, so that its share is open, and is about to be destroyed."""
    key = await alice.generate()
    await alice.sign(sign_request(key))
    schedule = key_service_pb2.ScheduleKeyDestructionRequest(key_id=key.key_id, request_id=new_request_id())
    await call(alice.keys.ScheduleKeyDestruction, schedule)
    return key, key_service_pb2.DestroyKeyRequest(key_id=key.key_id, request_id=new_request_id())


async def _another_write(alice: Client, key_id: str) -> None:
    """A change that is refused is a group of the writer all the same."""
    with pytest.raises(RemoteError):
        await call(alice.keys.EnableKey, key_service_pb2.EnableKeyRequest(key_id=key_id, request_id=new_request_id()))


def _is_open(server: Server, key_id: str) -> bool:
    return server._rules.generation._shares.opened(key_id) is not None


async def test_caller_that_goes_away_does_not_keep_a_share(home: Home) -> None:
    """Its deadline passes while the commit waits; what follows the commit follows it all the same."""
    async with running_server(home) as server, await enrolled(home, server, "alice") as alice:
        key, destroy = await _scheduled(alice)
        (sealed,) = sealed_shares(home)
        assert _is_open(server, key.key_id)
        with closing(sqlite3.connect(database_path(home), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # the writer waits for this lock
            with pytest.raises(RemoteError) as refused:
                await call(alice.keys.DestroyKey, destroy, seconds=0.15)
            assert refused.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
            other.execute("ROLLBACK")
        for _ in range(200):  # each call gives the server a turn
            await _another_write(alice, key.key_id)
            if not _is_open(server, key.key_id) and sealed not in database_bytes(home):
                break
        assert not _is_open(server, key.key_id)
        assert sealed not in database_bytes(home)
        assert sealed_shares(home) == []


async def test_erasure_that_a_reader_held_up_is_made_up_for(home: Home) -> None:
    """Nobody waits for the reader; the next write after it ends takes the share out of the write-ahead log."""
    async with running_server(home) as server, await enrolled(home, server, "alice") as alice:
        key, destroy = await _scheduled(alice)
        (sealed,) = sealed_shares(home)
        with closing(sqlite3.connect(database_path(home), isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM keys").fetchall()
            await call(alice.keys.DestroyKey, destroy)
            assert not _is_open(server, key.key_id)
            assert sealed in database_bytes(home)
        await _another_write(alice, key.key_id)
        assert sealed not in database_bytes(home)
