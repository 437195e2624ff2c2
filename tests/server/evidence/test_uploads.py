"""Contents: uploaded in pieces, gone on with where a stream broke, and thrown away when nobody needs them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest
from fourseal.v1 import evidence_service_pb2 as pb

from server.evidence import contents as rules
from server.root.application import Server
from server.root.home import Home
from server.storage.blobs import BlobPart, Blobs, PartBusy
from tests.server.evidence.messages import Message, deposit, deposited, fetch, parts_of, put, stub, write
from tests.server.evidence.test_deposits import reason_of
from tests.server.harness import CALL_SECONDS, MovableClock, query, running_server
from tests.server.sessions.people import Session, Signer, World, arrive
from wire.peer import LOGIN_KEY
from wire.status import RemoteError, error_from_rpc

BIG = bytes(range(256)) * (10 << 10)
"""Two and a half segments."""


def blobs(home: Home) -> list[Path]:
    """Files of contents that are whole, and of such that grow."""
    return sorted(path for path in (home.folder / "evidence").rglob("*") if path.is_file())


async def state(person: Signer, message: Message) -> tuple[int, bool]:
    """How far an upload is."""
    request = pb.GetContentUploadRequest(envelope_id=message.envelope_id)
    answer = await person.call(stub(person).GetContentUpload, request)
    return answer.first_byte, answer.finished


async def test_a_broken_upload_goes_on(session_home: Home, alice: Signer, bob: Signer, session: Session) -> None:
    """It says how far it is, takes the rest from there, and is answered again when it is repeated."""
    message = await write(alice, session, bob, content=BIG)
    assert await state(alice, message) == (0, False)
    cut = [message.sealed[:1_000_000], message.sealed[1_000_000:1_000_001]]
    broken = parts_of(message, pieces=cut, finish=None)
    assert await reason_of(put(alice, broken)) == "CONTENT_UPLOAD_INCOMPLETE"
    there, finished = await state(alice, message)
    assert (there, finished) == (1_000_001, False)
    assert await state(bob, message) == (0, False)
    too_far = parts_of(message, first=there + 1)
    assert await reason_of(put(alice, too_far)) == "CONTENT_UPLOAD_ELSEWHERE"
    for first in (there, 0):  # the second time it is there already, and nothing is read
        await put(alice, parts_of(message, first=first))
        assert await state(alice, message) == (len(message.sealed), True)
    (path,) = blobs(session_home)
    assert path.name == sha256(message.sealed).hexdigest()
    await deposit(alice, message)
    assert await fetch(bob, message.digest) == message.sealed


def spoilt(message: Message) -> Iterator[tuple[str, Iterator[pb.PutContentRequest]]]:
    """Uploads, each wrong in one way."""
    yield "FIELD_INVALID", parts_of(message, content_length=15)
    yield "FIELD_INVALID", parts_of(message, content_length=-1)
    yield "FIELD_INVALID", iter(())
    yield "FIELD_INVALID", iter([pb.PutContentRequest(piece=b"x")])
    yield "FIELD_INVALID", iter([pb.PutContentRequest()])
    yield "SESSION_ID_MALFORMED", parts_of(message, session_id="session")
    yield "ENVELOPE_ID_MALFORMED", parts_of(message, envelope_id="../../etc/passwd")
    yield "CONTENT_UPLOAD_ELSEWHERE", parts_of(message, first_byte=1)
    yield "CONTENT_UPLOAD_ELSEWHERE", parts_of(message, first_byte=-1)
    yield "FIELD_INVALID", parts_of(message, pieces=[b""])
    yield "FIELD_INVALID", parts_of(message, pieces=[bytes(len(message.sealed) + 1)])
    yield "CONTENT_UPLOAD_ELSEWHERE", parts_of(message, pieces=[message.sealed[:-1]])
    yield "CONTENT_DIGEST_WRONG", parts_of(message, finish=bytes(32))
    yield "FIELD_INVALID", parts_of(message, finish=bytes(31))
    yield "CONTENT_DIGEST_WRONG", parts_of(message, pieces=[message.sealed[::-1]])


async def test_what_is_wrong_leaves_nothing_in_the_way(
    session_home: Home, alice: Signer, bob: Signer, session: Session
) -> None:
    """After every wrong upload the right one is taken."""
    message = await write(alice, session, bob)
    for reason, parts in spoilt(message):
        assert await reason_of(put(alice, parts)) == reason
    await put(alice, parts_of(message))
    assert await reason_of(put(alice, parts_of(message, content_length=99))) == "CONTENT_CHANGED"
    await deposit(alice, message)
    (path,) = blobs(session_home)
    assert path.read_bytes() == message.sealed


async def test_a_content_that_no_record_names(
    session_server: Server, session_home: Home, alice: Signer, bob: Signer, session: Session, clock: MovableClock
) -> None:
    """It is deleted after a day, finished or not; one that a record names stays."""
    kept, _ = await deposited(alice, session, bob)
    session = await alice.get(session.session_id)
    message = await write(alice, session, bob, content=BIG, sequence=2)
    await put(alice, parts_of(message))
    unfinished = parts_of(message, pieces=[message.sealed[:100]], finish=None, envelope_id="envelope-" + "a" * 26)
    assert await reason_of(put(alice, unfinished)) == "CONTENT_UPLOAD_INCOMPLETE"
    assert len(blobs(session_home)) == 3
    await session_server._rules.evidence.upkeep.run()
    assert len(blobs(session_home)) == 3
    clock.move(timedelta(days=1, seconds=1))
    assert await session_server._rules.evidence.upkeep.run() == 2
    assert [path.name for path in blobs(session_home)] == [kept.record.content_digest.hex()]
    assert query(session_home, "SELECT count(*) FROM evidence_uploads") == [(0,)]


async def test_two_processes(
    world: World,
    session_server: Server,
    session_home: Home,
    alice: Signer,
    bob: Signer,
    session: Session,
    clock: MovableClock,
) -> None:
    """An upload grows in one: it neither ends nor is cleared away in the other, and goes on there afterwards."""
    message = await write(alice, session, bob, content=BIG)
    half, more = 1_000_000, asyncio.Event()

    async def slow() -> AsyncIterator[pb.PutContentRequest]:
        for part in parts_of(message, pieces=[message.sealed[:half]], finish=None):
            yield part
        await more.wait()

    async with running_server(session_home, clock=clock) as other:
        contents = [each._rules.evidence.contents for each in (session_server, other)]
        async with arrive(world, other.serving, clock, "alice").client as client:
            elsewhere = replace(alice, client=client)
            metadata = ((LOGIN_KEY, alice.token),)
            putting = stub(alice).PutContent(slow(), timeout=CALL_SECONDS, metadata=metadata)
            while await state(elsewhere, message) != (half, False):
                assert not putting.done()
            assert await reason_of(put(elsewhere, parts_of(message, first=half))) == "CONTENT_UPLOAD_BUSY"
            clock.move(timedelta(days=1, seconds=1))
            assert [await each.expire() for each in contents] == [0, 0]
            clock.move(timedelta(days=-1, seconds=-1))
            more.set()
            with pytest.raises(grpc.aio.AioRpcError):
                await putting
            await put(elsewhere, parts_of(message, first=half))
            assert await state(alice, message) == (len(message.sealed), True)
            await deposit(alice, message)
            assert await fetch(bob, message.digest) == message.sealed
            unfinished = parts_of(message, pieces=[b"begun"], finish=None, envelope_id="envelope-" + "d" * 26)
            assert await reason_of(put(alice, unfinished)) == "CONTENT_UPLOAD_INCOMPLETE"
            assert len(blobs(session_home)) == 2
            clock.move(timedelta(days=1, seconds=1))
            assert sorted(await asyncio.gather(*(each.expire() for each in contents))) == [0, 1]
            assert [path.read_bytes() for path in blobs(session_home)] == [message.sealed]


def test_a_part_is_had_alone(tmp_path: Path) -> None:
    """Whoever opened it before it got its name for good, and comes late, does not get what is whole by then."""
    one, two = Blobs(tmp_path / "evidence"), Blobs(tmp_path / "evidence")
    part = one.open_part("part")
    part.append(b"content")
    with pytest.raises(PartBusy):
        two.open_part("part")
    late = BlobPart(os.open(tmp_path / "evidence" / "parts" / "part", os.O_RDWR))
    digest = part.seal()
    one.finish("part", digest)
    part.close()
    for _ in range(2):
        with pytest.raises(PartBusy):
            late.take(tmp_path / "evidence" / "parts" / "part")
        two.open_part("part").close()  # there is one of that name again
    late.close()
    assert two.read(digest, 0, 99) == b"content"


async def test_quota(
    session_server: Server, alice: Signer, bob: Signer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an account has here is counted, uploads and records alike, and one cannot fill another's room."""
    terms = session_server._rules.evidence.contents._terms
    message = await write(alice, session, bob)
    small = replace(terms, quota_bytes=len(message.sealed) * 2 - 1)
    monkeypatch.setattr(session_server._rules.evidence.contents, "_terms", small)
    await put(alice, parts_of(message))
    again = "envelope-" + "b" * 26
    assert await reason_of(put(alice, parts_of(message, envelope_id=again))) == "EVIDENCE_QUOTA_EXCEEDED"
    await deposit(alice, message)
    assert await reason_of(put(alice, parts_of(message, envelope_id=again))) == "EVIDENCE_QUOTA_EXCEEDED"
    await put(bob, parts_of(message, envelope_id=again))


async def test_number_of_uploads(alice: Signer, bob: Signer, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fills the server with beginnings."""
    monkeypatch.setattr(rules, "MAX_UPLOADS", 2)
    message = await write(alice, session, bob)
    for letter in "ab":
        await put(alice, parts_of(message, envelope_id="envelope-" + letter * 26))
    assert await reason_of(put(alice, parts_of(message))) == "TOO_MANY_CONTENT_UPLOADS"


async def test_a_content_that_was_lost_or_deleted(
    session_home: Home, session_server: Server, alice: Signer, bob: Signer, session: Session, clock: MovableClock
) -> None:
    """A lost one is said to be lost; one whose time is over to be deleted, which the log tells; records stay."""
    message, answer = await deposited(alice, session, bob)
    (path,) = blobs(session_home)
    content = path.read_bytes()
    path.unlink()
    assert await reason_of(fetch(bob, message.digest)) == "EVIDENCE_CONTENT_LOST"
    path.write_bytes(content)
    terms = session_server._rules.evidence.contents._terms
    upkeep = session_server._rules.evidence.upkeep
    upkeep._terms = replace(terms, retention=timedelta(minutes=5))
    assert await upkeep.run() == 0
    clock.move(timedelta(minutes=6))
    assert await upkeep.run() == 1
    assert await upkeep.run() == 0
    assert not blobs(session_home)
    assert await reason_of(fetch(bob, message.digest)) == "EVIDENCE_CONTENT_DELETED"
    deletion = query(session_home, "SELECT log_index, digest FROM operations WHERE method = 'DeleteContent'")
    assert deletion == [(answer.log_index + 1, message.record.content_digest)]
    assert query(session_home, "SELECT content_bytes FROM evidence_accounts") == [(0,)]
    assert (await deposit(alice, message)).log_index == answer.log_index


async def test_one_content_of_two_messages(
    session_home: Home, session_server: Server, alice: Signer, bob: Signer, session: Session, clock: MovableClock
) -> None:
    """The same bytes, uploaded by another for another message, are one file, which stays as long as one needs it."""
    message, _ = await deposited(alice, session, bob)
    await put(bob, parts_of(message, envelope_id="envelope-" + "c" * 26))
    assert len(blobs(session_home)) == 1
    clock.move(timedelta(days=1, seconds=1))
    assert await session_server._rules.evidence.upkeep.run() == 1
    assert len(blobs(session_home)) == 1


async def test_a_full_disk(alice: Signer, bob: Signer, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The upload is refused and can be gone on with; nothing is deposited without its content."""
    message = await write(alice, session, bob)

    def full(*_: Any) -> None:  # noqa: ANN401
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("server.storage.blobs.os.pwrite", full)
        with pytest.raises(RemoteError) as refused:
            await put(alice, parts_of(message))
        assert refused.value.reason == "EVIDENCE_UNWRITABLE"
        assert await reason_of(deposit(alice, message)) == "EVIDENCE_CONTENT_MISSING"
    with monkeypatch.context() as patch:
        patch.setattr(Blobs, "finish", full)
        assert await reason_of(put(alice, parts_of(message))) == "EVIDENCE_UNWRITABLE"
        assert await reason_of(deposit(alice, message)) == "EVIDENCE_CONTENT_MISSING"
    await put(alice, parts_of(message))
    await deposit(alice, message)


@pytest.mark.parametrize("begun", [False, True])
async def test_the_end_of_the_server_does_not_wait_for_an_idle_upload(
    session_server: Server, alice: Signer, bob: Signer, session: Session, *, begun: bool
) -> None:
    """Who sends nothing is sent away at once, whether anything came before or not."""
    message = await write(alice, session, bob)
    silence = asyncio.Event()

    async def stream() -> AsyncIterator[pb.PutContentRequest]:
        if begun:
            yield next(parts_of(message))
        await silence.wait()

    metadata = ((LOGIN_KEY, alice.token),)
    putting = stub(alice).PutContent(stream(), timeout=600, metadata=metadata)
    senders = session_server._rules.evidence.contents.senders
    while not senders._waiting:
        assert await state(alice, message) == (0, False)
    assert session_server._settings.shutdown_grace_seconds > 5
    await asyncio.wait_for(session_server.stop(), 5)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await putting
    assert error_from_rpc(refused.value).reason == "SHUTTING_DOWN"
    silence.set()
