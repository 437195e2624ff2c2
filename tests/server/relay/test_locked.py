"""The database is locked by another program: what would write is refused in time, and nothing stays by halves."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest

from server.root.home import Home
from server.root.media import MediaServer
from server.storage import Database
from tests.server.harness import database_path, query
from tests.server.relay.media import FULL, Member, content_files, damaged
from tests.server.relay.test_uploads import Slow, reason_of, until
from wire.catalogue import ServiceError
from wire.status import RemoteError

LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""
ROWS = "SELECT envelope_id, state, content_bytes FROM relay_envelopes ORDER BY envelope_id"


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Another process holds the write lock."""
    command = [sys.executable, "-c", LOCK, str(database_path(home))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        yield
        assert process.poll() is None
        process.communicate()


async def test_write_lock_held_by_another_process(media_home: Home, people: list[Member]) -> None:
    """What is there is told of and served; what would write is refused as something to repeat, and can be repeated."""
    alice, bob, _ = people
    kept, begun, new = (alice.letter([FULL, 20], "bob") for _ in range(3))
    await alice.post(kept.parts())
    with pytest.raises(RemoteError):
        await alice.post(begun.parts(end=1, finish=False))
    rows, files = query(media_home, ROWS), content_files(media_home)
    with locked(media_home):
        for call in (alice.post(new.parts()), alice.post(begun.parts(1)), bob.acknowledge(kept.envelope_id)):
            with pytest.raises(RemoteError) as refused:
                await call
            assert (refused.value.reason, refused.value.code) == ("STORAGE_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE)
        assert [notice.envelope_id for notice in await bob.notices(1)] == [kept.envelope_id]
        assert (await bob.fetch(kept.envelope_id)).segments == kept.segments
        assert await alice.upload(begun.envelope_id) == (1, False)
        assert await alice.upload(new.envelope_id) == (0, False)
    assert (query(media_home, ROWS), content_files(media_home)) == (rows, files)
    await alice.post(begun.parts(1))
    await alice.post(new.parts())
    assert bob.mailbox() == [kept.envelope_id, begun.envelope_id, new.envelope_id]
    await bob.acknowledge(kept.envelope_id)
    assert len(content_files(media_home)) == 2
    assert damaged(media_home) == []


async def test_write_lock_taken_between_content_and_finish(media_home: Home, people: list[Member]) -> None:
    """All content is there and the row cannot be changed: the upload stays one, also for followers, and ends later."""
    alice, bob, _ = people
    letter = alice.letter([FULL, 20], "bob")
    slow = Slow(letter)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(3)
    await until(alice, letter, 2)
    following = bob.fetching(letter.envelope_id)
    assert (await anext(following)).header_der == letter.header
    with locked(media_home):
        slow.send(1)
        assert await reason_of(posting) == "STORAGE_UNAVAILABLE"
        assert await alice.upload(letter.envelope_id) == (2, False)
    assert query(media_home, "SELECT state FROM relay_envelopes") == [("uploading",)]
    assert query(media_home, "SELECT count(*) FROM relay_mail") == [(0,)]
    assert query(media_home, "SELECT count(*) FROM relay_authors") == [(0,)]
    await alice.post(letter.parts(2))
    assert [part.WhichOneof("part") async for part in following] == ["segment", "segment", "finish"]
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments
    assert bob.mailbox() == [letter.envelope_id]


@pytest.mark.parametrize("is_readable", [True, False])
async def test_commit_that_was_kept_though_the_database_reported_an_error(
    media: MediaServer, people: list[Member], monkeypatch: pytest.MonkeyPatch, *, is_readable: bool
) -> None:
    """Who follows hears of the end; if the database does not even tell what came of it, it is sent away to come again.

    The author is answered, or repeats; then all who wait for mail hear of it.
    """
    alice, bob, _ = people
    letter = alice.letter([FULL, 20], "bob")
    slow = Slow(letter)
    posting = asyncio.create_task(alice.post(aiter(slow)))
    slow.send(3)
    await until(alice, letter, 2)
    following = bob.fetching(letter.envelope_id)
    assert (await anext(following)).header_der == letter.header
    dialect = media._frame.database._writer._engine.dialect
    commit = dialect.do_commit

    def commit_and_fail(connection: sqlite3.Connection) -> None:
        commit(connection)  # type: ignore[arg-type]  # the driver's own
        raise sqlite3.OperationalError("disk I/O error")

    def cannot_read(*_: object) -> None:
        raise ServiceError("STORAGE_UNAVAILABLE")

    with monkeypatch.context() as patch:
        patch.setattr(dialect, "do_commit", commit_and_fail)
        if not is_readable:
            patch.setattr(Database, "read", cannot_read)
        slow.send(1)
        if is_readable:
            assert [part.WhichOneof("part") async for part in following] == ["segment", "segment", "finish"]
            await posting
        else:
            with pytest.raises(RemoteError) as refused:
                assert [part async for part in following]
            assert refused.value.reason == "STORAGE_UNAVAILABLE"
            assert await reason_of(posting) == "STORAGE_UNAVAILABLE"
    watching = bob.watching()
    assert (await anext(watching)).envelope_id == letter.envelope_id
    await alice.post(letter.parts(2))
    assert (await bob.fetch(letter.envelope_id)).segments == letter.segments
    assert bob.mailbox() == [letter.envelope_id]
