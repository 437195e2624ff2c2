"""The daemon's process: who can reach it, that there is one, how it starts and ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mpc.errors import FoursealError
from signer_agent.blocking import Agent
from signer_agent.daemon.client import DaemonAgent
from signer_agent.daemon.start import start_daemon, wait_for_end
from signer_agent.home import Home
from signer_agent.keystore.sealing import Passphrase
from signer_agent.keystore.store import KeyStore
from signer_agent.model import AgentState
from tests.signer_agent.real import RealServer, running_daemon
from tests.signer_agent.refusals import refused
from tests.signer_agent.stores import PASSPHRASE


def mode(path: Path) -> int:
    """The permission bits."""
    return path.stat().st_mode & 0o7777


def state(home: Home) -> AgentState:
    """What the daemon says of itself."""

    async def asked() -> AgentState:
        agent = DaemonAgent(home)
        try:
            return await agent.state()
        finally:
            await agent.close()

    return asyncio.run(asked())


@pytest.mark.usefixtures("store")
def test_only_its_owner_can_reach_it(home: Home) -> None:
    """By the permissions of folder and socket; lock and log are private too."""
    with running_daemon(home, unlocked=False):
        assert (mode(home.run), mode(home.socket)) == (0o700, 0o600)
        assert (mode(home.daemon_lock), mode(home.daemon_log)) == (0o600, 0o600)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.usefixtures("store")
def test_somebody_else_cannot_connect(home: Home) -> None:
    """Really tried: neither through the folder, nor, were the folder open, through the socket."""
    program = (
        "import os, socket, sys\n"
        "os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))\n"
        "socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
    )

    def connect(user: int) -> bytes:
        command = [sys.executable, "-c", program, str(home.socket), str(user)]
        return subprocess.run(command, capture_output=True, check=False).stderr

    above = Path(tempfile.gettempdir())
    for folder in home.folder.parents[: len(home.folder.parts) - len(above.parts) - 1]:
        folder.chmod(0o755)  # pytest's own folders are private as well
    with running_daemon(home, unlocked=False):
        assert connect(0) == b""
        assert b"PermissionError" in connect(65534)
        try:
            home.folder.chmod(0o755)
            home.run.chmod(0o755)
            assert b"PermissionError" in connect(65534)
            home.socket.chmod(0o666)
            assert connect(65534) == b"", "it was something else that kept them out"
        finally:
            home.folder.chmod(0o700)
            home.run.chmod(0o700)


@pytest.mark.usefixtures("store")
def test_a_socket_in_a_foreign_folder_is_not_trusted(home: Home) -> None:
    """Somebody who could put a socket there would be given the passphrase."""
    home.run.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.socket))
        home.run.chmod(0o777)
        with refused("STORE_PERMISSIONS", file=str(home.run)):
            Agent.connect(home=home.folder)


@pytest.mark.parametrize("name", ["a#b", "a?b=c", "a%41b", "a b", "a%", "\u5408\u540c"])
def test_its_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    """The socket is where the folder is, and not where a URI of the same characters would lead."""
    home = Home.find(tmp_path / name)
    KeyStore.create(home, Passphrase(PASSPHRASE))
    with running_daemon(home):
        assert not state(home).locked
        assert home.socket.is_socket()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.usefixtures("store")
def test_there_is_one_daemon(home: Home) -> None:
    """A second one says so, and does not disturb the first."""
    with running_daemon(home, unlocked=False):
        before = state(home)
        with refused("AGENT_RUNNING", folder=str(home.folder)):
            start_daemon(home)
        assert state(home) == before


@pytest.mark.usefixtures("store")
def test_of_many_that_start_at_once_one_runs(home: Home) -> None:
    """All others are told that one runs."""

    def start() -> str:
        try:
            start_daemon(home)
        except FoursealError as error:
            return error.reason
        return "started"

    with ThreadPoolExecutor(4) as threads:
        outcomes = sorted(future.result() for future in [threads.submit(start) for _ in range(4)])
    try:
        assert outcomes == ["AGENT_RUNNING"] * 3 + ["started"]
        assert state(home).locked
    finally:
        os.kill(state(home).process_id, signal.SIGTERM)
        wait_for_end(home)


@pytest.mark.usefixtures("store")
def test_it_starts_again_after_a_kill(home: Home) -> None:
    """The socket that a dead daemon left is no hindrance, and nobody is taken for alive."""
    start_daemon(home)
    os.kill(state(home).process_id, signal.SIGKILL)
    wait_for_end(home)
    assert home.socket.exists()
    with refused("AGENT_NOT_RUNNING"):
        Agent.connect(home=home.folder)
    with running_daemon(home, unlocked=False):
        assert state(home).locked


@pytest.mark.usefixtures("store")
def test_it_ends_on_sigterm_without_a_trace(home: Home) -> None:
    """The socket is gone; the log says nothing of an error."""
    start_daemon(home)
    os.kill(state(home).process_id, signal.SIGTERM)
    wait_for_end(home)
    assert not home.socket.exists()
    assert "Traceback" not in home.daemon_log.read_text()


def test_it_does_not_start_without_a_key_store(home: Home) -> None:
    """And makes nothing."""
    with refused("STORE_MISSING"):
        start_daemon(home)
    assert not home.folder.exists()


@pytest.mark.usefixtures("store")
def test_it_locks_itself_when_it_is_not_used(home: Home) -> None:
    """After the time that it was told; not while it is used."""
    start_daemon(home, lock_after_seconds=0.5)

    async def watched() -> int:
        agent = DaemonAgent(home)
        await agent.unlock(PASSPHRASE)
        with refused("KEY_NOT_FOUND"):  # a use, which begins the time again
            await agent.get_key("nobody")
        asked = 0
        while not (await agent.state()).locked:  # asking how it is is no use of it
            asked += 1
        with refused("AGENT_LOCKED"):
            await agent.get_key("nobody")
        await agent.unlock(PASSPHRASE)
        assert not (await agent.state()).locked
        await agent.stop()
        await agent.close()
        return asked

    assert asyncio.run(watched()) > 0
    wait_for_end(home)


def test_a_path_too_long_for_a_socket_is_said(tmp_path: Path) -> None:
    """107 bytes are all that the system allows."""
    home = Home.find(tmp_path / ("long" * 25))
    KeyStore.create(home, Passphrase(PASSPHRASE))
    with refused("STORE_UNUSABLE", file=str(home.socket)):
        start_daemon(home)


def test_a_daemon_that_dies_at_once_is_noticed(home: Home, store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is told where to look, and does not wait."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with refused("AGENT_START_FAILED", log=str(home.daemon_log)):
        start_daemon(home)
    assert store.records() == []


@pytest.mark.usefixtures("store")
def test_a_locked_daemon_cannot_be_worked_with(home: Home) -> None:
    """Connecting says so at once."""
    with running_daemon(home, unlocked=False), refused("AGENT_LOCKED"):
        Agent.connect(home=home.folder)


def test_what_lies_in_the_working_folder_is_not_run(
    home: Home, store: KeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module there with the name of one of ours."""
    (tmp_path / "grpc.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    with running_daemon(home):
        assert store.identity() is None
    assert not (tmp_path / "ran").exists()


def test_stopping_finishes_what_is_in_flight(server: RealServer, home: Home) -> None:
    """Each call is done, or refused as shutting down or gone; none is cut off."""
    server.enrolled(home)
    start_daemon(home)

    async def work() -> set[str]:
        agent = DaemonAgent(home)
        await agent.unlock(PASSPHRASE)
        key = await agent.generate_key("sign", half_bits=2048)

        async def sign() -> str:
            try:
                await agent.sign_digest(key.key_id, bytes(32))
            except FoursealError as error:
                return error.reason
            return "signed"

        calls = [asyncio.ensure_future(sign()) for _ in range(30)]
        await calls[0]
        await agent.stop()
        outcomes = await asyncio.gather(*calls)
        await agent.close()
        return set(outcomes)

    outcomes = asyncio.run(work())
    wait_for_end(home)
    assert "signed" in outcomes
    assert outcomes <= {"signed", "SHUTTING_DOWN", "AGENT_NOT_RUNNING"}
    assert "Traceback" not in home.daemon_log.read_text()


def test_a_new_enrolment_is_learnt_by_unlocking(server: RealServer, home: Home) -> None:
    """An open daemon that is unlocked again uses the new certificate."""
    KeyStore.create(home, Passphrase(PASSPHRASE))
    with running_daemon(home):
        with Agent.connect(home=home.folder) as agent, refused("NOT_ENROLLED"):
            agent.list_keys()
        server.enrol(home)

        async def unlock() -> None:
            agent = DaemonAgent(home)
            await agent.unlock(PASSPHRASE)
            await agent.close()

        asyncio.run(unlock())
        with Agent.connect(home=home.folder) as agent:
            assert agent.list_keys() == []
