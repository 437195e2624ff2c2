"""The watch of a log against a server that sets it back, forks it, hides it, or begins another one."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mpc.errors import FoursealError
from server.clock import system_clock
from server.identity import revoke
from signer_agent.log.alarms import LogAlarm
from signer_agent.log.watch import LogWatch
from tests.server.harness import MovableClock, database_path
from tests.server.storage.outside import execute
from tests.signer_agent.log.conftest import Scene
from tests.signer_agent.log.logs import copied, grow, verified, watching
from transparency.checkpoint import Checkpoint
from transparency.keys import VerifierKey
from transparency.note import Note

KILLED = Path(__file__).with_name("killed.py")


async def alarm(watch: LogWatch, reason: str, data: bytes | None = None) -> LogAlarm:
    """The alarm that a look, or a comparison, ends with."""
    with pytest.raises(LogAlarm) as raised:
        await (watch.look() if data is None else watch.compare(data))
    assert raised.value.reason == reason
    return raised.value


def sizes(found: LogAlarm) -> list[int]:
    """Of the checkpoints in the proof of an alarm, which hold."""
    document, checkpoints = verified(Path(found.metadata["file"]))
    assert document["reason"] == found.reason
    assert found.metadata["culprit"] == "server"
    return [checkpoint.size for checkpoint in checkpoints]


async def size(watch: LogWatch) -> int:
    """What a look finds."""
    look = await watch.look()
    assert look.checkpoint is not None
    return look.checkpoint.size


async def test_a_log_that_grows_is_followed(scene: Scene) -> None:
    """Every checkpoint is kept as it came; looks at a time, from one agent, do not get in each other's way."""
    server = await scene.run(scene.home)
    watches = [await scene.watch(scene.alice, server) for _ in range(2)]
    first = await watches[0].look()
    assert first == await watches[0].look()
    for _ in range(4):
        found = await asyncio.gather(grow(server), *(watch.look() for watch in watches), grow(server))
        assert all(look is None or look.checkpoint is not None for look in found)
    last = await watches[0].look()
    assert first.checkpoint is not None
    assert last.checkpoint is not None
    assert last.file is not None
    assert (
        last.file.read_bytes()
        == execute(database_path(scene.home), "SELECT note FROM log_checkpoints ORDER BY size DESC LIMIT 1")[0][0]
    )
    assert (first.checkpoint.size, last.checkpoint.size) == (3, 11)
    kept = sorted(path.name for path in last.file.parent.iterdir() if not path.name.startswith("."))
    assert [kept[0], kept[-1]] == [first.file and first.file.name, last.file.name]


async def test_who_was_overtaken_by_another_process_looks_again(scene: Scene) -> None:
    """Else the older of two checkpoints would be kept for the newest, and a log could be set back to it unnoticed."""
    server = await scene.run(scene.home)
    slow, fast = [await scene.watch(scene.alice, server) for _ in range(2)]
    newest = slow._line.newest

    async def newest_of_before() -> bytes | None:
        slow._line.newest = newest  # type: ignore[method-assign]
        shown = await newest()
        await grow(server)
        assert await size(fast) == 5
        return shown

    assert await size(slow) == 3
    await grow(server)
    slow._line.newest = newest_of_before  # type: ignore[method-assign]
    assert await size(slow) == 5
    state = slow._kept.state()
    assert state is not None
    assert state.proven is not None
    assert "\n5\n" in state.proven.text


async def test_a_log_that_was_set_back(scene: Scene) -> None:
    """The older copy is sound in itself; also when it has grown past what it was, by other entries."""
    server = await scene.run(scene.home)
    await grow(server, 4)
    assert await size(await scene.watch(scene.alice, server)) == 7
    await scene.stack.aclose()
    server = await scene.run(scene.backup)
    watch = await scene.watch(scene.alice, server)
    first = await alarm(watch, "LOG_REWOUND")
    assert sizes(first) == [7, 3]
    assert (await alarm(watch, "LOG_REWOUND")).metadata == first.metadata  # one file, however often it is found
    await grow(server, 4)
    found = await alarm(watch, "LOG_FORKED")
    assert sizes(found) == [7, 7]
    one, other = verified(Path(found.metadata["file"]))[1]
    assert one.root != other.root
    for _ in range(2):
        await grow(server)
        longer = await alarm(watch, "LOG_FORKED")
        assert sizes(longer)[0] == 7
    async with watching(scene.bob, server.serving.server) as unaware:
        assert await size(unaware) == 9


async def test_two_members_are_shown_two_logs(scene: Scene) -> None:
    """Each log holds for who sees it alone. A checkpoint that one of them hands over tells."""
    ours, theirs = await scene.run(scene.home), await scene.run(scene.backup)
    alice, bob = await scene.watch(scene.alice, ours), await scene.watch(scene.bob, theirs)
    honest = (await alice.look()).file
    early = (await bob.look()).file
    assert honest is not None
    assert early is not None
    await grow(ours, 5)
    await alice.compare(early.read_bytes())
    await grow(theirs, 3)
    shorter = (await bob.look()).file
    assert shorter is not None
    assert sizes(await alarm(alice, "LOG_FORKED", shorter.read_bytes())) == [6, 8]
    assert (honest.parent / shorter.name).read_bytes() == shorter.read_bytes()  # whoever hands it over keeps it or not
    longer = (await alice.look()).file
    assert longer is not None
    assert sizes(await alarm(bob, "LOG_REWOUND", longer.read_bytes())) == [8, 6]
    await grow(theirs, 2)
    assert sizes(await alarm(bob, "LOG_FORKED", longer.read_bytes())) == [8, 8]
    await bob.compare(honest.read_bytes())  # of before they went apart


async def test_files_that_are_no_checkpoint_of_the_log(scene: Scene) -> None:
    """They are refused, and say nothing about the server."""
    watch = await scene.watch(scene.alice, await scene.run(scene.home))
    look = await watch.look()
    assert look.file is not None
    assert look.checkpoint is not None
    note, key = look.file.read_bytes(), Ed25519PrivateKey.generate()
    longer = Checkpoint(look.origin, 1 << 40, bytes(32))
    for data, reason in (
        (b"", "NOTE_MALFORMED"),
        (note.replace(b"\n3\n", b"\n9\n"), "NOTE_SIGNATURE_WRONG"),
        (longer.sign(key).to_bytes(), "NOTE_NOT_SIGNED"),
        (Note.sign("text\n", "other", key).to_bytes(), "NOTE_NOT_SIGNED"),
    ):
        with pytest.raises(FoursealError) as refused:
            await watch.compare(data)
        assert refused.value.reason == reason
        assert not isinstance(refused.value, LogAlarm)
    assert await watch.look() == look


async def test_killed_before_it_could_compare(scene: Scene, tmp_path: Path) -> None:
    """What was shown before the kill is held against the server after it, though nobody had compared it yet."""
    server = await scene.run(scene.home)
    async with watching(scene.alice, server.serving.server) as watch:
        await watch.look()
    await grow(server, 2)
    middle = copied(scene.home, tmp_path / "middle")
    await grow(server, 2)
    arguments = [str(tmp_path / "alice"), server.serving.server, "2"]
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, str(KILLED), *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    await scene.stack.aclose()
    middle_server = await scene.run(middle)
    assert sizes(await alarm(await scene.watch(scene.alice, middle_server), "LOG_REWOUND")) == [7, 5]
    await scene.stack.aclose()
    assert await size(await scene.watch(scene.alice, await scene.run(scene.home))) == 7


async def test_another_key_or_origin(scene: Scene) -> None:
    """A log that begins anew, certified by the same authority, is not the one that was pinned."""
    server = await scene.run(scene.home)
    watch = await scene.watch(scene.alice, server)
    await watch.look()
    await scene.stack.aclose()
    for table in ("logs", "log_entries", "log_nodes", "log_checkpoints"):
        execute(database_path(scene.home), f"DELETE FROM {table}")  # noqa: S608  # names of ours
    server = await scene.run(scene.home)
    found = await alarm(await scene.watch(scene.alice, server), "LOG_EXCHANGED")
    assert "fourseal-log-" in found.metadata["problem"]
    document, _ = verified(Path(found.metadata["file"]))
    assert document["certificate"] != document["other"] != ""
    assert (await (await scene.watch(scene.bob, server)).look()).checkpoint is None  # an empty log, for who knows none


async def test_a_server_that_shows_another_certificate_or_note(scene: Scene) -> None:
    """What is not certified, or not signed, is not believed, at the first look and at any later one."""
    server = await scene.run(scene.home)
    transparency = server._rules.evidence.transparency
    certificate = transparency.certificate_der
    watch = await scene.watch(scene.alice, server)
    transparency.certificate_der = b"\x30\x00"
    await alarm(watch, "LOG_SILENT")
    transparency.certificate_der = certificate
    await watch.look()
    transparency.certificate_der = b"\x30\x00"
    await alarm(watch, "LOG_EXCHANGED")
    transparency.certificate_der = certificate
    stranger = VerifierKey.of("fourseal-log-other", Ed25519PrivateKey.generate())
    path = database_path(scene.home)
    ((note,),) = execute(path, "SELECT note FROM log_checkpoints WHERE size = 3")
    checkpoint = Checkpoint(stranger.name, 3, bytes(32)).sign(Ed25519PrivateKey.generate())
    for shown in (checkpoint.to_bytes(), note.replace(b"\n3\n", b"\n4\n")):
        execute(path, "UPDATE log_checkpoints SET note = ? WHERE size = 3", shown)
        await alarm(watch, "LOG_EXCHANGED")
    execute(path, "UPDATE log_checkpoints SET note = ? WHERE size = 3", note)
    assert await size(watch) == 3
    execute(path, "DELETE FROM log_checkpoints")
    assert sizes(await alarm(watch, "LOG_REWOUND")) == [3]


async def test_a_proof_that_is_none(scene: Scene) -> None:
    """A node that was changed, or is missing, on the server: it cannot show that it only grew."""
    server = await scene.run(scene.home)
    watch = await scene.watch(scene.alice, server)
    await watch.look()
    await grow(server, 6)
    path = database_path(scene.home)
    rows = execute(path, "SELECT number, hash FROM log_nodes")
    execute(path, "UPDATE log_nodes SET hash = ?", bytes(32))
    assert sizes(await alarm(watch, "LOG_FORKED")) == [3, 9]
    execute(path, "DELETE FROM log_nodes")
    assert sizes(await alarm(watch, "LOG_FORKED")) == [3, 9]
    for number, value in rows:
        execute(path, "INSERT INTO log_nodes (number, hash) VALUES (?, ?)", number, value)
    assert await size(watch) == 9


async def test_silence(scene: Scene) -> None:
    """A log that does not grow within the bound, a server that refuses, one that is gone, and another in its place."""
    server = await scene.run(scene.home)
    clock, address = MovableClock(), server.serving.server
    watch = await scene.stack.enter_async_context(watching(scene.alice, address, timedelta(hours=1), clock))
    await watch.look()
    clock.move(timedelta(minutes=50))
    await watch.look()
    clock.move(timedelta(minutes=20))
    assert "has not grown since" in str(await alarm(watch, "LOG_SILENT"))
    await grow(server)
    await watch.look()
    await server._ground.database.write(lambda connection: revoke(connection, "alice", system_clock()))
    assert "CALLER_UNKNOWN" in str(await alarm(watch, "LOG_SILENT"))
    await server.stop()
    assert "SERVER_UNAVAILABLE" in str(await alarm(watch, "LOG_SILENT"))


async def test_what_is_kept_was_damaged(scene: Scene) -> None:
    """What the watch stands on is sealed. A checkpoint that the disk damaged is written again when it is shown."""
    watch = await scene.watch(scene.alice, await scene.run(scene.home))
    look = await watch.look()
    assert look.file is not None
    whole = look.file.read_bytes()
    look.file.write_bytes(whole[:-3])
    assert await watch.look() == look
    assert look.file.read_bytes() == whole
    (state,) = look.file.parent.parent.glob("*.json")
    content = state.read_bytes()
    for damaged in (content.replace(b"\\n3\\n", b"\\n1\\n"), content[:-9], b""):
        state.write_bytes(damaged)
        with pytest.raises(FoursealError) as refused:
            await watch.look()
        assert refused.value.reason == "STORE_DAMAGED"
    state.write_bytes(content)
    assert await watch.look() == look
