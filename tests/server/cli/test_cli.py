"""The operator's command line as a process: what it says, what it writes, how it ends. Never a traceback."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mpc.engines import EngineName
from server.identity import Ticket
from server.root.home import Home
from tests import forked
from tests.server.harness import (
    Client,
    ServerProcess,
    database_path,
    enrol,
    make_home,
    sign_request,
)
from wire.status import RemoteError

PORTS = {"FOURSEAL_LISTEN": "127.0.0.1:0", "FOURSEAL_ENROLMENT_LISTEN": "127.0.0.1:0"}


def command(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run fourseal-server."""
    variables = os.environ | {"COLUMNS": "200"} | PORTS | environment
    done = forked.run("server.cli", [*arguments, "--home", str(home)], variables)
    said, complaint = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in complaint
    return subprocess.CompletedProcess(done.args, done.returncode, said, complaint)


def answer(home: Path, *arguments: str) -> Any:  # noqa: ANN401  # JSON
    """Run a command that succeeds, with --json."""
    done = command(home, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def refusal(home: Path, *arguments: str, **environment: str) -> str:
    """Run a command that is refused; what it says on standard error."""
    done = command(home, *arguments, **environment)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    return done.stderr


@contextmanager
def serving(home: Home) -> Iterator[ServerProcess]:
    """A server that serves the folder."""
    with ServerProcess(home, **PORTS) as process:
        yield process


def test_init_makes_everything_and_keeps_it_the_second_time(tmp_path: Path) -> None:
    """What init made is said, is closed to others, and is not made again."""
    home = tmp_path / "new" / "server"
    first, second = answer(home, "init"), answer(home, "init")
    assert [step["made"] for step in first] == [True] * 6
    assert [step["made"] for step in second] == [False] * 6
    assert home.stat().st_mode & 0o077 == 0
    for name in ("master.key", "fourseal.db"):
        assert (home / name).stat().st_mode & 0o077 == 0
    assert "run --home" in command(home, "init").stdout


def test_init_without_the_master_key_of_an_existing_database(home: Home) -> None:
    """A new master key would open nothing: none is made in the place of a lost one."""
    home.folder.joinpath("master.key").unlink()
    assert "master key" in refusal(home.folder, "init")
    assert not home.folder.joinpath("master.key").exists()


def test_init_where_no_folder_can_be_made(tmp_path: Path) -> None:
    """A file is no folder."""
    (tmp_path / "file").write_text("")
    assert "cannot be made" in refusal(tmp_path / "file" / "server", "init")


async def test_first_day(tmp_path: Path) -> None:
    """From nothing to a signature: init, run, ticket, enrol, sign; then agents, keys, records, revoke."""
    home = Home(tmp_path / "server")
    answer(home.folder, "init")
    with serving(home) as process:
        ticket_path = tmp_path / "alice.json"
        made = await asyncio.to_thread(command, home.folder, "ticket", "alice", "--out", str(ticket_path))
        assert made.returncode == 0
        assert ticket_path.stat().st_mode & 0o077 == 0
        ticket = Ticket(**json.loads(ticket_path.read_text()))
        assert ticket.server == process.serving.server
        async with Client(process.serving, await enrol(ticket)) as client:
            key = await client.generate()
            await client.sign(sign_request(key))
            (agent,) = answer(home.folder, "agents")["agents"]
            assert (agent["agent_id"], agent["state"]) == ("alice", "active")
            (listed,) = answer(home.folder, "keys")["keys"]
            assert (listed["key_id"], listed["agent_id"], listed["state"]) == (key.key_id, "alice", "enabled")
            records = answer(home.folder, "records", "--key", key.key_id)["records"]
            assert [record["method"] for record in records] == [
                "BeginKeyGeneration",
                "FinishKeyGeneration",
                "SignDigest",
            ]
            assert {record["outcome"] for record in records} == {"done"}
            assert "key-" in command(home.folder, "records").stdout
            assert answer(home.folder, "revoke", "alice")["state"] == "revoked"
            with pytest.raises(RemoteError, match="no agent"):
                await client.sign(sign_request(key))
        assert "was revoked" in refusal(home.folder, "ticket", "alice")
        assert command(home.folder, "ticket", "alice", "--reinstate").returncode == 0


async def test_records_and_keys_come_in_pages(tmp_path: Path) -> None:
    """Every record and key once, oldest first."""
    home = make_home(tmp_path / "server")
    with serving(home) as process:
        ticket = Ticket(**json.loads(command(home.folder, "ticket", "alice").stdout))
        async with Client(process.serving, await enrol(ticket)) as client:
            for _ in range(2):
                await client.generate()
    for what, size, expected in (("records", "3", 4), ("keys", "1", 2)):
        rows: list[Any] = []
        token = ""
        while True:
            page = answer(home.folder, what, "--page-size", size, "--page-token", token)
            rows += page[what]
            token = page["next_page_token"]
            if not token:
                break
        assert len(rows) == expected
        assert "--page-token" in command(home.folder, what, "--page-size", size).stdout
    assert answer(home.folder, "keys", "--agent", "bob")["keys"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("ticket", "Not A Name"),
        ("ticket", ""),
        ("ticket", "x" * 64),
        ("ticket", "alice", "--out", "/nowhere/ticket.json"),
        ("revoke", "nobody"),
        ("records", "--page-token", "x"),
        ("keys", "--page-token", "x"),
        ("records", "--page-token", "9" * 30),
    ],
)
def test_command_that_cannot_be_done(home: Home, arguments: tuple[str, ...]) -> None:
    """It says why, in one line, and ends with 1."""
    assert refusal(home.folder, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("ticket",),
        ("ticket", "alice", "--hours", "0"),
        ("records", "--page-size", "0"),
        ("nothing",),
        ("run", "--fast"),
    ],
)
def test_command_that_is_none(home: Home, arguments: tuple[str, ...]) -> None:
    """A wrong command ends with 2, and says how it is written."""
    done = command(home.folder, *arguments)
    assert done.returncode == 2
    assert "Usage" in done.stderr


@pytest.mark.parametrize("what", ["run", "agents", "keys", "records", "ticket alice", "revoke alice"])
def test_folder_that_was_never_set_up(tmp_path: Path, what: str) -> None:
    """Every command says to run init first."""
    assert "init" in refusal(tmp_path / "missing", *what.split())
    assert not (tmp_path / "missing").exists()


def test_run_with_a_wrong_configuration(home: Home) -> None:
    """It is refused before anything listens."""
    assert "worker_threads" in refusal(home.folder, "run", FOURSEAL_WORKER_THREADS="-3")


def test_run_with_another_master_key(home: Home, tmp_path: Path) -> None:
    """A master key that does not open this database is refused."""
    answer(tmp_path / "other", "init")
    shutil.copy(tmp_path / "other" / "master.key", home.folder / "master.key")
    assert "does not belong" in refusal(home.folder, "run")


def test_run_on_an_address_in_use(home: Home, tmp_path: Path) -> None:
    """The refusal names the address."""
    with serving(make_home(tmp_path / "first")) as process:
        port = process.serving.server.rpartition(":")[2]
        assert f"127.0.0.1:{port}" in refusal(home.folder, "run", FOURSEAL_LISTEN=f"127.0.0.1:{port}")


async def test_doctor_of_a_healthy_server(tmp_path: Path) -> None:
    """Everything is looked at, also the running server and every share."""
    home = make_home(tmp_path / "server")
    home.folder.chmod(0o700)
    with serving(home) as process:
        ticket = Ticket(**json.loads(command(home.folder, "ticket", "alice").stdout))
        async with Client(process.serving, await enrol(ticket)) as client:
            await client.generate()
        report = await asyncio.to_thread(answer, home.folder, "doctor")
    states = {finding["check"]: finding["state"] for finding in report["findings"]}
    assert report["well"]
    assert {state for check, state in states.items() if not check.startswith("engine ")} == {"ok"}
    assert {check for check in states if check.startswith("engine ")} == {f"engine {name}" for name in EngineName}
    assert states["engine gmpy2"] == "ok"
    details = {finding["check"]: finding["detail"] for finding in report["findings"]}
    assert re.fullmatch(r"\d+ of 2048 bits, \d+ of 3072 bits a second and core; in use", details["engine gmpy2"])
    assert {"arithmetic", "database", "key shares", "relay content", "certificate authority", "running server"} <= set(
        states
    )
    assert "1 opened" in {finding["detail"] for finding in report["findings"]}


async def test_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    """A damaged share, a server that was killed, an open folder, a missing master key: each is named."""
    home = make_home(tmp_path / "server")
    process = ServerProcess(home)
    ticket = Ticket(**json.loads(command(home.folder, "ticket", "alice").stdout))
    async with Client(process.serving, await enrol(ticket)) as client:
        key = await client.generate()
    process.kill()
    home.folder.chmod(0o755)
    with closing(sqlite3.connect(database_path(home))) as connection, connection:
        connection.execute("UPDATE sealed_shares SET sealed = zeroblob(2000)")
    done = command(home.folder, "doctor", "--json")
    states = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert states["key shares"]["state"] == "failed"
    assert key.key_id in states["key shares"]["detail"]
    assert states["running server"]["state"] == "failed"
    assert states["home folder"]["state"] == "warning"
    orphan = home.folder / "content" / "00" / f"envelope-{'a' * 26}.{'0' * 16}"
    orphan.mkdir(parents=True)
    states = {
        finding["check"]: finding for finding in json.loads(command(home.folder, "doctor", "--json").stdout)["findings"]
    }
    assert states["relay content"]["state"] == "warning"
    assert orphan.name in states["relay content"]["detail"]
    home.folder.joinpath("master.key").unlink()
    done = command(home.folder, "doctor")
    assert done.returncode == 1
    assert "master" in done.stdout


def test_name_that_looks_like_markup(tmp_path: Path) -> None:
    """A folder may have brackets in its name; they are shown as they are."""
    home = make_home(tmp_path / "[" / "x]")
    done = command(home.folder, "doctor", FOURSEAL_SERVER_NAMES=json.dumps(["localhost", f"{'long.' * 20}example"]))
    assert done.returncode == 0, done.stdout + done.stderr
