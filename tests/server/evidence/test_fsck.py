"""fsck, against an operator who has the database and an SQL prompt, and the disk."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection

from contract.log_entry import LogEntry
from server.clock import system_clock
from server.config import load_settings
from server.journal import Caller, Intent, Request, Result
from server.journal.log import Progress
from server.journal.store import add_finished
from server.root.fsck import Checked, fsck
from server.root.ground import open_ground
from server.root.home import Home
from tests.server.cli.test_cli import command
from tests.server.evidence.messages import deposited, get, grant, permission
from tests.server.harness import MovableClock, database_path, running_server, silent_log
from tests.server.sessions.people import World, arrive, copy_home
from tests.server.storage.outside import execute


@dataclass(frozen=True)
class Kept:
    """A server's folder with evidence in it, a copy from before the last message, and a checkpoint from the end."""

    folder: Path
    earlier: Path
    checkpoint: Path


@pytest.fixture(scope="session")
def kept(world: World, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Made once."""
    folder = tmp_path_factory.mktemp("kept")
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, _prepare(world, folder)).result()


async def _prepare(world: World, folder: Path) -> Kept:
    home = copy_home(world, folder / "server")
    clock = MovableClock()
    clock.move(world.offset)
    session_id = ""
    for sequence in (1, 2):
        async with running_server(home, clock=clock) as server, AsyncExitStack() as stack:
            alice, bob, mallory = (arrive(world, server.serving, clock, name) for name in ("alice", "bob", "mallory"))
            for person in (alice, bob, mallory):
                await stack.enter_async_context(person.client)
            if sequence == 1:
                made = await alice.create("bob")
                await bob.join(made.session_id)
                session_id = made.session_id
            message, _ = await deposited(alice, await alice.get(session_id), bob, sequence=sequence)
            leaf_hash = LogEntry.from_der((await get(alice, message.digest)).entry_der).leaf_hash
            await grant(alice, permission(alice, mallory, message, leaf_hash))
        if sequence == 1:
            shutil.copytree(home.folder, folder / "earlier")
    ((note,),) = execute(database_path(home), "SELECT note FROM log_checkpoints ORDER BY size DESC LIMIT 1")
    checkpoint = folder / "checkpoint"
    checkpoint.write_bytes(note)
    return Kept(home.folder, folder / "earlier", checkpoint)


@pytest.fixture
def home(kept: Kept, tmp_path: Path) -> Home:
    """A copy, to be tampered with."""
    return Home(shutil.copytree(kept.folder, tmp_path / "server"))


def check(home: Home, *checkpoints: Path) -> Checked:
    """Run it."""
    return fsck(home, silent_log(), checkpoints, lambda _: lambda *_: None)


def test_a_sound_server(home: Home, kept: Kept) -> None:
    """Nothing is found where nothing was done."""
    checked = check(home, kept.checkpoint)
    assert checked.findings == []
    assert checked.size > 10


EDITS = {
    "an entry changed": "UPDATE log_entries SET entry = CAST(entry || x'00' AS BLOB) WHERE log_index = 3",
    "an entry changed with its hash": "UPDATE log_entries SET (entry, leaf_hash) ="
    " (SELECT entry, leaf_hash FROM log_entries WHERE log_index = 4) WHERE log_index = 3",
    "a leaf hash changed": "UPDATE log_entries SET leaf_hash = zeroblob(32) WHERE log_index = 3",
    "an entry deleted": "DELETE FROM log_entries WHERE log_index = 3",
    "the last entry deleted": "DELETE FROM log_entries WHERE log_index = (SELECT max(log_index) FROM log_entries)",
    "an entry appended": "INSERT INTO log_entries SELECT log_index + 1, leaf_hash, entry FROM log_entries"
    " ORDER BY log_index DESC LIMIT 1",
    "a node changed": "UPDATE log_nodes SET hash = zeroblob(32) WHERE number = 1",
    "a node deleted": "DELETE FROM log_nodes WHERE number = 3",
    "a node invented": "INSERT INTO log_nodes VALUES (1000001, zeroblob(32))",
    "a checkpoint changed": "UPDATE log_checkpoints SET note = CAST(replace(CAST(note AS TEXT), char(10) || size ||"
    " char(10), char(10) || 1 || char(10)) AS BLOB) WHERE size > 5",
    "checkpoints swapped": "UPDATE log_checkpoints SET note = (SELECT note FROM log_checkpoints ORDER BY size LIMIT 1)",
    "the newest checkpoint deleted": "DELETE FROM log_checkpoints WHERE size = (SELECT max(size) FROM log_checkpoints)",
    "the row set back": "UPDATE logs SET size = size - 1",
    "the edge changed": "UPDATE logs SET edge = zeroblob(length(edge))",
    "an operation deleted": "DELETE FROM operations WHERE log_index = 2",
    "an operation's digest changed": "UPDATE operations SET digest = zeroblob(32) WHERE log_index = 2",
    "an operation's method changed": "UPDATE operations SET method = 'Other' WHERE log_index = 2",
    "an operation's account changed": "UPDATE operations SET account = 'mallory' WHERE log_index = 2",
    "an operation's result changed": "UPDATE operations SET result_sha256 = zeroblob(32) WHERE log_index = 2",
    "an operation made pending": "UPDATE operations SET outcome = 'pending' WHERE log_index = 2",
    "an operation's time changed": "UPDATE operations SET result_time = result_time + 1000000 WHERE log_index = 2",
    "operations swapped": "UPDATE operations SET log_index = 5 - log_index WHERE log_index IN (2, 3)",
    "an operation without entry": "INSERT INTO operations (agent_id, certificate_sha256, request_id, method,"
    " body_sha256, key_id, intent_time, outcome, result_time) SELECT agent_id, certificate_sha256, 'invented', method,"
    " body_sha256, key_id, intent_time, outcome, result_time FROM operations ORDER BY sequence DESC LIMIT 1",
    "a record's row deleted": "DELETE FROM evidence_records WHERE author = 'alice'",
    "a record's author changed": "UPDATE evidence_records SET author = 'bob'",
    "a record's content changed": "UPDATE evidence_records SET content_digest = zeroblob(32)",
    "a record of another statement": "UPDATE evidence_records SET statement_digest = zeroblob(32)"
    " WHERE log_index = (SELECT max(log_index) FROM evidence_records)",
    "a content said to be deleted": "UPDATE evidence_records SET content_kept = 0",
    "a party added": "INSERT INTO evidence_parties SELECT session_id, 'mallory', log_index, statement_digest"
    " FROM evidence_parties WHERE name = 'alice'",
    "a party removed": "DELETE FROM evidence_parties WHERE name = 'bob'",
    "a party exchanged": "UPDATE evidence_parties SET name = 'mallory' WHERE name = 'bob'",
    "a permission deleted": "DELETE FROM evidence_permissions",
    "a permission made longer": "UPDATE evidence_permissions SET end_time = end_time + 1000000",
    "a permission for another": "UPDATE evidence_permissions SET grantee = 'carol'",
}


@pytest.mark.parametrize("what", EDITS)
def test_what_an_operator_edits_is_found(home: Home, what: str) -> None:
    """Each by hand, in SQL, in a way that the database itself does not mind."""
    path = database_path(home)
    before = execute(path, "SELECT total(length(entry)) FROM log_entries")
    execute(path, EDITS[what])
    assert check(home).findings, before


def _exchange(folder: Path) -> None:
    one, two = sorted(path for path in folder.rglob("*") if path.is_file())
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)


def _flip(folder: Path) -> None:
    path = min(path for path in folder.rglob("*") if path.is_file())
    content = bytearray(path.read_bytes())
    content[7] ^= 1
    path.write_bytes(content)


def _delete(folder: Path) -> None:
    min(path for path in folder.rglob("*") if path.is_file()).unlink()


def _append(folder: Path) -> None:
    path = min(path for path in folder.rglob("*") if path.is_file())
    path.write_bytes(path.read_bytes() + b"0")


@pytest.mark.parametrize("tamper", [_exchange, _flip, _delete, _append])
def test_what_happens_to_contents_is_found(home: Home, tamper: Callable[[Path], None]) -> None:
    """Files that were changed, lost or exchanged."""
    tamper(home.folder / "evidence")
    assert any(finding.where.startswith("content") for finding in check(home).findings)


def test_what_housekeeping_deletes_meanwhile_is_not_missing(home: Home) -> None:
    """Contents whose time is over while fsck hashes: the server takes their rows first, then the files."""

    def begin(part: str) -> Progress:
        if part == "Hashing contents":
            execute(database_path(home), "UPDATE evidence_records SET content_kept = 0")
            for path in (home.folder / "evidence").rglob("*"):
                if path.is_file():
                    path.unlink()
        return lambda *_: None

    assert fsck(home, silent_log(), (), begin).findings == []


def test_an_older_copy_is_found_by_a_kept_checkpoint(kept: Kept, tmp_path: Path) -> None:
    """An older copy of everything is sound in itself. Whoever kept a checkpoint sees that it was set back."""
    home = Home(shutil.copytree(kept.earlier, tmp_path / "server"))
    assert check(home).findings == []
    (finding,) = check(home, kept.checkpoint).findings
    assert finding.where == "kept checkpoint 1"


def test_a_log_that_was_written_anew_is_found_by_a_kept_checkpoint(home: Home, kept: Kept) -> None:
    """Who has the master key can sign another log, sound in itself: the kept checkpoint is not of it."""
    path = database_path(home)
    with open_ground(home, load_settings(home.folder), silent_log()) as ground:
        for table in ("log_entries", "log_nodes", "log_checkpoints", "operations", "evidence_records"):
            execute(path, f"DELETE FROM {table}")  # noqa: S608
        for table in ("evidence_parties", "evidence_permissions"):
            execute(path, f"DELETE FROM {table}")  # noqa: S608
        execute(path, "UPDATE logs SET size = 0, edge = x''")
        size = int(kept.checkpoint.read_text().split("\n")[1])

        def unit(connection: Connection) -> None:
            for number in range(size):
                request = Request(Caller("alice", bytes(32)), f"request-{number:08}", "Do", b"")
                add_finished(connection, Intent(request, "-"), Result(), system_clock())

        ground.database.write_now(unit)
    assert check(home).findings == []
    (finding,) = check(home, kept.checkpoint).findings
    assert (finding.where, "another tree" in finding.problem) == ("kept checkpoint 1", True)


def test_the_command(home: Home, kept: Kept) -> None:
    """What it says to people and programs, and its exit status."""
    done = command(home.folder, "fsck", "--json", "--checkpoint", str(kept.checkpoint))
    assert done.returncode == 0
    assert json.loads(done.stdout)["findings"] == []
    assert command(home.folder, "fsck").stdout.startswith("Sound: ")
    execute(database_path(home), EDITS["a node changed"])
    done = command(home.folder, "fsck")
    assert done.returncode == 1
    assert "node 0 of level 1" in done.stdout
    done = command(home.folder, "fsck", "--json")
    assert (done.returncode, json.loads(done.stdout)["findings"][0]["where"]) == (1, "node 0 of level 1")
    done = command(home.folder, "fsck", "--checkpoint", str(home.config))
    assert done.returncode == 1
    assert "no checkpoint" in done.stderr
