"""Disks that are full or damaged, and a media server killed in the middle of its work."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import secrets
import sqlite3
from pathlib import Path
from typing import Final

import grpc
import pytest

from contract.names import new_session_id
from server.root.home import Home
from server.root.media import MediaServer
from tests.server.harness import database_path, query
from tests.server.relay.media import FULL, Letter, MediaProcess, Member, content_files, damaged, members, running_media
from wire.status import RemoteError

KILLS: Final = 12
SEED: Final = 20261124


def flip(path: Path, offset: int) -> None:
    """Turn one bit of a file over."""
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


async def lost(reader: Member, letter: Letter) -> list[bytes]:
    """What is served of a damaged envelope before the refusal."""
    served = []
    try:
        async for part in reader.fetching(letter.envelope_id):
            if part.WhichOneof("part") == "segment":
                served.append(part.segment)  # noqa: PERF401  # some stay when it breaks off
    except RemoteError as error:
        assert (error.code, error.reason) == (grpc.StatusCode.DATA_LOSS, "CONTENT_LOST")  # noqa: PT017  # as above
        return served
    raise AssertionError("it was served whole")


@pytest.mark.parametrize("place", ["first", "second", "check of the first", "last", "check of the last"])
async def test_flipped_bit(media_home: Home, people: list[Member], place: str) -> None:
    """It is found when that segment is read, and by the operator's check; what comes before it is served."""
    alice, bob, _ = people
    letter, other = (alice.letter([FULL, FULL, 20], "bob") for _ in range(2))
    await alice.post(letter.parts())
    (path,) = content_files(media_home)
    await alice.post(other.parts())
    record = FULL + 4080
    places = {"first": 5, "check of the first": FULL + 5, "second": record, "last": 2 * record + 19}
    flip(path, places.get(place, 2 * record + 20))
    served = await lost(bob, letter)
    assert served == letter.segments[: len(served)]
    assert len(served) == {"second": 1, "last": 2, "check of the last": 2}.get(place, 0)
    assert damaged(media_home) == [letter.envelope_id]
    assert (await bob.fetch(other.envelope_id)).segments == other.segments


@pytest.mark.parametrize("damage", ["cut", "cut to nothing", "longer", "gone", "segments changed places"])
async def test_damaged_file(media_home: Home, people: list[Member], damage: str) -> None:
    """Found too, and never served as good."""
    alice, bob, _ = people
    letter = alice.letter([FULL, FULL, 20], "bob")
    await alice.post(letter.parts())
    (path,) = content_files(media_home)
    content, record = path.read_bytes(), FULL + 4080
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {
                "cut": content[:-1],
                "cut to nothing": b"",
                "longer": content + b"x",
                "segments changed places": content[record : 2 * record] + content[:record] + content[2 * record :],
            }[damage]
        )
    served = await lost(bob, letter)
    assert served == letter.segments[: len(served)]
    assert damaged(media_home) == [letter.envelope_id]


async def test_damaged_row(media_home: Home, people: list[Member]) -> None:
    """A header that is not the one that came is not served."""
    alice, bob, _ = people
    letter = alice.letter([20], "bob")
    await alice.post(letter.parts())
    with contextlib.closing(sqlite3.connect(database_path(media_home))) as other, other:
        changed = letter.header[:-1] + bytes([letter.header[-1] ^ 1])
        other.execute("UPDATE relay_envelopes SET header = ?", (changed,))
    assert await lost(bob, letter) == []
    assert damaged(media_home) == [letter.envelope_id]


async def test_torn_upload_goes_on_from_what_holds(media_home: Home) -> None:
    """A power failure may leave segments that were never written: they are asked for again."""
    async with running_media(media_home), members(media_home, "alice", "bob") as (alice, _):
        letter = alice.letter([FULL, FULL, FULL, 20], "bob")
        with pytest.raises(RemoteError):
            await alice.post(letter.parts(end=3, finish=False))
    (path,) = content_files(media_home)
    flip(path, FULL + 4080 + 7)
    with path.open("ab") as file:
        file.write(bytes(300))
    async with (
        running_media(media_home),
        members(media_home, "alice", "bob", session_id=alice.session_id) as (alice, bob),
    ):
        assert await alice.upload(letter.envelope_id) == (1, False)
        await alice.post(letter.parts(1))
        assert (await bob.fetch(letter.envelope_id)).segments == letter.segments
        assert damaged(media_home) == []


async def test_disk_full(media_home: Home) -> None:
    """Refused while there is no space; what was promised before is served, and the upload ends well afterwards."""
    with MediaProcess(media_home) as process:
        async with members(media_home, "alice", "bob") as (alice, bob):
            before = alice.letter([20], "bob")
            await alice.post(before.parts())
            letter = alice.letter([FULL, FULL, FULL, 20], "bob")
            limits = resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (2 * FULL, limits[1]))
            with pytest.raises(RemoteError) as refused:
                await alice.post(letter.parts())
            assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.UNAVAILABLE, "CONTENT_UNWRITABLE")
            assert (await bob.fetch(before.envelope_id)).segments == before.segments
            given, finished = await alice.upload(letter.envelope_id)
            assert (given <= 1, finished) == (True, False)
            resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, limits)
            await alice.post(letter.parts(given))
            assert (await bob.fetch(letter.envelope_id)).segments == letter.segments


async def test_folder_that_cannot_be_written(media_home: Home, media: MediaServer, people: list[Member]) -> None:
    """A refusal that says so, not a fault of ours."""
    del media
    alice, _, _ = people
    folder = media_home.folder / "content"
    folder.rmdir()
    folder.write_text("in the way")
    with pytest.raises(RemoteError) as refused:
        await alice.post(alice.letter([20], "bob").parts())
    assert refused.value.reason == "CONTENT_UNWRITABLE"


def opened_files(process_id: int) -> set[str]:
    """Paths of the files that a process has open."""
    found = set()
    for entry in Path(f"/proc/{process_id}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found.add(str(entry.readlink()))
    return found


async def send(alice: Member, letters: list[Letter], heard: set[str]) -> None:
    """Post envelopes one after the other, and note which were acknowledged."""
    for letter in letters:
        try:
            first, finished = await alice.upload(letter.envelope_id)
            if not finished:
                await alice.post(letter.parts(first))
        except RemoteError as error:
            assert error.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}, error  # noqa: PT017
            return
        heard.add(letter.envelope_id)


async def receive(bob: Member, sent: dict[str, Letter], gone: set[str], kept: int) -> None:
    """Fetch what waits, look that each is whole and in order, and acknowledge all but some."""
    last = 0
    try:
        waiting = bob.mailbox()
        for envelope_id in waiting:
            letter = sent[envelope_id]
            fetched = await bob.fetch(envelope_id)
            assert fetched.finish is not None
            assert fetched.segments == letter.segments
            assert letter.sequence > last
            last = letter.sequence
        for envelope_id in waiting[: len(waiting) - kept]:
            gone.add(envelope_id)  # from now on it may be gone
            await bob.acknowledge(envelope_id)
    except RemoteError as error:
        assert error.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}, error  # noqa: PT017


@pytest.mark.slow
async def test_killed_at_random_points(media_home: Home) -> None:
    """Of uploads, finishes and acknowledgements. Nothing acknowledged is lost, no half envelope is served."""
    chance = random.Random(SEED)  # noqa: S311  # when to kill is no secret
    session_id = new_session_id(secrets.token_bytes)
    sent: dict[str, Letter] = {}
    heard: set[str] = set()
    gone: set[str] = set()
    sequence = 0
    unfinished: list[Letter] = []
    for number in range(KILLS + 1):
        process = MediaProcess(media_home)
        async with members(media_home, "alice", "bob", session_id=session_id) as (alice, bob):
            assert set(bob.mailbox()) >= heard - gone, "an acknowledged envelope is lost"
            if number == KILLS:
                alice.pass_der = alice.make_pass(quota_bytes=1 << 30)
                await send(alice, unfinished, heard)
                await receive(bob, sent, gone, 0)
                assert process.terminate() == 0
                break
            alice.pass_der, alice.sequence = alice.make_pass(quota_bytes=1 << 30), sequence
            fresh = [alice.letter([FULL] * chance.randrange(4) + [20], "bob") for _ in range(6)]
            sequence = alice.sequence
            unfinished += fresh
            sent |= {letter.envelope_id: letter for letter in fresh}
            working = asyncio.gather(send(alice, unfinished, heard), receive(bob, sent, gone, 2))
            await asyncio.sleep(chance.uniform(0, 0.2))  # not to wait for anything: a random point is what is wanted
            process.kill()
            await working
            unfinished = [letter for letter in unfinished if letter.envelope_id not in heard]
    assert heard == gone == set(sent)
    assert content_files(media_home) == []
    assert query(media_home, "SELECT state, count(*) FROM relay_envelopes GROUP BY state") == [("delivered", len(sent))]
    assert query(media_home, "SELECT waiting_envelopes, waiting_bytes FROM relay_authors") == [(0, 0)]


async def test_runs_without_the_evidence_server(media_home: Home) -> None:
    """Its folder has no master key and no key but that of its own TLS; no table holds an account, agent or share."""
    with MediaProcess(media_home) as process:
        async with members(media_home, "alice", "bob") as (alice, bob):
            letter = alice.letter([FULL, 20], "bob")
            await alice.post(letter.parts())
            assert (await bob.fetch(letter.envelope_id)).segments == letter.segments
        opened = opened_files(process.process.pid)
        assert process.terminate() == 0
    assert {path.name for path in media_home.folder.iterdir() if path.is_file()} >= {"media.key", "media.pem"}
    assert not (media_home.folder / "master.key").exists()
    assert [path.name for path in media_home.folder.glob("*.key")] == ["media.key"]
    assert (media_home.folder / "media.key").stat().st_mode & 0o077 == 0
    assert {Path(name).name for name in opened} >= {"fourseal.db"}
    assert not any(name.endswith("master.key") for name in opened)
    tables = [row[0] for row in query(media_home, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    filled = {name for name in tables if query(media_home, f"SELECT 1 FROM {name} LIMIT 1")}  # noqa: S608
    assert filled <= {"alembic_version", "sqlite_sequence", "relay_envelopes", "relay_mail", "relay_authors"}
