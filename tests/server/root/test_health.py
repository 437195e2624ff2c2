"""grpc.health.v1: SERVING only while database, custody and journal really work."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1 import health_pb2_grpc

from server.root.home import Home
from server.root.listeners import AGENT_SERVICES, ENROLMENT_SERVICES
from server.storage.sqlite import SqliteBackend
from tests.server.harness import Client, database_path, enrolled, make_home, running_server
from tests.server.root.processes import wait_until
from wire import tls

SERVING = pb.HealthCheckResponse.SERVING
NOT_SERVING = pb.HealthCheckResponse.NOT_SERVING
SECONDS = 30.0


async def test_malformed_request(alice: Client) -> None:
    """Bytes that are no message are the caller's mistake, for both methods."""
    check: Any = alice.channel.unary_unary("/grpc.health.v1.Health/Check")
    watching: Any = alice.channel.unary_stream("/grpc.health.v1.Health/Watch")
    for call in (check(b"\xff" * 9, timeout=SECONDS), watching(b"\xff" * 9, timeout=SECONDS)):
        assert await call.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A server that looks at its health often."""
    return make_home(tmp_path / "server", health_interval_seconds=0.05)


def watch(client: Client, service: str = "") -> Any:  # noqa: ANN401  # grpc_health brings no types
    """A watcher's stream."""
    return client.health.Watch(pb.HealthCheckRequest(service=service))


async def until(stream: Any, state: int) -> None:  # noqa: ANN401
    """Read a watcher's stream until it tells a state."""
    async with asyncio.timeout(SECONDS):
        while (await stream.read()).status != state:
            pass


@pytest.mark.parametrize("service", ["", *AGENT_SERVICES, *ENROLMENT_SERVICES])
async def test_every_service_serves(alice: Client, service: str) -> None:
    """The server as a whole and each of its services are known by name."""
    answer = await alice.health.Check(pb.HealthCheckRequest(service=service), timeout=SECONDS)
    assert answer.status == SERVING


async def test_unknown_service(alice: Client) -> None:
    """Check says NOT_FOUND; Watch says that it does not know it, and goes on."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await alice.health.Check(pb.HealthCheckRequest(service="x"), timeout=SECONDS)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    stream = watch(alice, "x")
    assert (await stream.read()).status == pb.HealthCheckResponse.SERVICE_UNKNOWN
    stream.cancel()


async def test_health_without_a_certificate(home: Home) -> None:
    """A load balancer asks at the listener that needs no certificate."""
    async with running_server(home) as server, await enrolled(home, server, "alice") as alice:
        credentials = tls.channel_credentials(alice.identity.authority_pem)
        async with grpc.aio.secure_channel(server.serving.enrolment_server, credentials) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            assert (await stub.Check(pb.HealthCheckRequest(), timeout=SECONDS)).status == SERVING


def damage_master_key(home: Home) -> Callable[[], object]:
    """Cut the master key file; returns what puts it right."""
    path = home.folder / "master.key"
    content = path.read_bytes()
    path.write_bytes(content[:10])
    return lambda: path.write_bytes(content)


def remove_master_key(home: Home) -> Callable[[], object]:
    """Move the master key file away."""
    path = home.folder / "master.key"
    away = path.rename(path.with_name("away"))
    return lambda: away.rename(path)


def open_master_key_to_others(home: Home) -> Callable[[], object]:
    """Let everybody read it."""
    path = home.folder / "master.key"
    path.chmod(0o644)
    return lambda: path.chmod(0o600)


def lock_database(home: Home) -> Callable[[], object]:
    """Another process holds the write lock and does not let go."""
    other = sqlite3.connect(database_path(home), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def drop_journal(home: Home) -> Callable[[], object]:
    """The journal's table is not there."""
    with sqlite3.connect(database_path(home)) as other:
        other.execute("ALTER TABLE operations RENAME TO gone")
    other.close()

    def back() -> None:
        with sqlite3.connect(database_path(home)) as again:
            again.execute("ALTER TABLE gone RENAME TO operations")
        again.close()

    return back


def hold_writing_up(home: Home) -> Callable[[], object]:
    """Another process of the server's has its turn to write, and stands still."""
    lock = SqliteBackend(database_path(home)).open_lock()
    wait_until(lock.take)  # the server's own upkeep may have it just now
    return lock.close


@pytest.mark.parametrize(
    "fault",
    [damage_master_key, remove_master_key, open_master_key_to_others, lock_database, drop_journal, hold_writing_up],
)
async def test_fault_is_told_to_watchers_and_its_end_too(
    home: Home, alice: Client, fault: Callable[[Home], Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SERVING, NOT_SERVING while the fault lasts, SERVING again."""
    if fault is hold_writing_up:
        monkeypatch.setattr("server.root.health._LONGEST_SECONDS", 0.5)
    stream = watch(alice)
    await until(stream, SERVING)
    repair = fault(home)
    await until(stream, NOT_SERVING)
    repair()
    await until(stream, SERVING)
    stream.cancel()


async def test_deleted_database(home: Home, alice: Client) -> None:
    """A database that is gone stays gone until the server is started again."""
    stream = watch(alice)
    await until(stream, SERVING)
    database_path(home).unlink()
    await until(stream, NOT_SERVING)
    stream.cancel()


async def test_watchers_are_told_of_a_shutdown_and_sent_away(home: Home) -> None:
    """The last thing that a watcher hears is NOT_SERVING; then the stream ends, and does not hold the server up."""
    async with running_server(home) as server:
        client = await enrolled(home, server, "alice")
        streams = [watch(client), watch(client, AGENT_SERVICES[0]), watch(client, "unknown")]
        for stream in streams:
            await stream.read()
    heard = [await _rest(stream) for stream in streams]
    assert heard == [[NOT_SERVING], [NOT_SERVING], []]
    assert {await stream.code() for stream in streams} == {grpc.StatusCode.UNAVAILABLE}
    await client.channel.close()


async def _rest(stream: Any) -> list[int]:  # noqa: ANN401
    heard: list[int] = []
    with contextlib.suppress(grpc.aio.AioRpcError):
        while (answer := await stream.read()) is not grpc.aio.EOF:
            heard.append(answer.status)
    return heard


async def test_watch_has_no_imposed_deadline(alice: Client) -> None:
    """A watcher without a deadline is not cut off as other calls are: it hears of the next change."""
    stream = watch(alice)
    await until(stream, SERVING)
    assert not stream.done()
    stream.cancel()
