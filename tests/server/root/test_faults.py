"""Faults and overload as a caller meets them: a clean refusal, nothing released, and all is well again afterwards."""

from __future__ import annotations

import asyncio
import itertools
import resource
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from fourseal.v1 import key_service_pb2
from google.rpc import error_details_pb2, status_pb2

from mpc.engines import Exponentiation, Gmpy2Engine, Random
from mpc.four_prime_rsa import Purpose
from server.config import load_settings
from server.root.application import start_server
from server.root.home import Home
from tests.server.harness import (
    Client,
    ServerProcess,
    call,
    database_path,
    enrol,
    enrolled,
    make_home,
    make_ticket,
    query,
    running_server,
    sign_request,
    silent_log,
    verify,
)
from wire.status import RemoteError


async def test_disk_full(home: Home) -> None:
    """While nothing can be written no signature leaves; afterwards the same request has its one answer."""
    with ServerProcess(home) as process:
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            key = await client.generate()
            requests = [sign_request(key) for _ in range(5)]
            limits = resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
            results = await asyncio.gather(*(client.sign(request) for request in requests), return_exceptions=True)
            assert {type(result) for result in results} == {RemoteError}
            errors = [result for result in results if isinstance(result, RemoteError)]
            assert {(error.code, error.reason) for error in errors} == {
                (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE")
            }
            resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, limits)
            for request in requests:
                verify(key, b"contract", await client.sign(request))


async def test_locked_database(home: Home) -> None:
    """A lock that another process does not give back is a refusal, and its end the end of it."""
    with ServerProcess(home) as process:
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            key = await client.generate()
            request = sign_request(key)
            with closing(sqlite3.connect(database_path(home), isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(RemoteError) as refused:
                    await client.sign(request)
                assert refused.value.reason == "STORAGE_UNAVAILABLE"
            verify(key, b"contract", await client.sign(request))


async def test_tampered_share(home: Home) -> None:
    """A share whose row was changed is not used, and the refusal says no more than that."""
    async with running_server(home) as server, await enrolled(home, server, "alice") as alice:
        key = await alice.generate()
    with closing(sqlite3.connect(database_path(home))) as other, other:
        (sealed,) = other.execute("SELECT sealed FROM sealed_shares").fetchone()
        other.execute("UPDATE sealed_shares SET sealed = ?", (sealed[:100] + bytes([sealed[100] ^ 1]) + sealed[101:],))
    async with running_server(home) as server, Client(server.serving, alice.identity) as alice:
        with pytest.raises(RemoteError) as refused:
            await alice.sign(sign_request(key))
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.DATA_LOSS, "SHARE_DAMAGED")


class FaultyEngine(Gmpy2Engine):
    """An engine whose result has one wrong bit, as from a fault in one of the two CRT halves."""

    def __init__(self) -> None:
        self.faulty = False

    def exponentiate(self, operations: Sequence[Exponentiation], random: Random) -> list[int]:
        """See ``Engine``."""
        results = super().exponentiate(operations, random)
        altered = [(result + key.p) % key.modulus for result, (key, _) in zip(results, operations, strict=True)]
        return altered if self.faulty else results


class WideEngine(Gmpy2Engine):
    """An engine that is said to do eight at a time; notes how many came together, and makes the first of each wrong."""

    width = 8

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.faulty = False

    def exponentiate(self, operations: Sequence[Exponentiation], random: Random) -> list[int]:
        """See ``Engine``."""
        self.groups.append(len(operations))
        first, *others = super().exponentiate(operations, random)
        key, _ = operations[0]
        return [(first + key.p) % key.modulus if self.faulty else first, *others]


async def test_fault_in_one_of_those_that_go_together(home: Home) -> None:
    """Concurrent signatures share an exponentiation. A fault in one of its lanes is refused to that caller alone."""
    engine = WideEngine()
    server = await start_server(home, load_settings(home.folder), silent_log(), engine=engine)
    async with await enrolled(home, server, "alice") as alice:
        key = await alice.generate()
        engine.faulty = True
        engine.groups.clear()
        requests = [sign_request(key) for _ in range(64)]
        results = await asyncio.gather(*(alice.sign(request) for request in requests), return_exceptions=True)
        engine.faulty = False
        refused = [result.reason for result in results if isinstance(result, RemoteError)]
        assert refused == ["FAULT_DETECTED"] * len(engine.groups)
        assert sum(engine.groups) == len(requests)
        assert max(engine.groups) > 1
        for request in requests:
            verify(key, b"contract", await alice.sign(request))
    await server.stop()


@pytest.mark.parametrize("purpose", Purpose)
async def test_fault_in_the_arithmetic(home: Home, purpose: Purpose) -> None:
    """A wrong CRT result would reveal a prime: nothing leaves, and a repeat after the fault has its answer."""
    engine = FaultyEngine()
    server = await start_server(home, load_settings(home.folder), silent_log(), engine=engine)
    async with await enrolled(home, server, "alice") as alice:
        key = await alice.generate(purpose=purpose)
        request = sign_request(key) if purpose is Purpose.SIGN else None
        ciphertext = (7).to_bytes(512, "big")

        async def use() -> bytes:
            if request is not None:
                return await alice.sign(request)
            return await alice.decrypt_partially(key.key_id, ciphertext, request_id="f" * 16)

        engine.faulty = True
        for _ in range(2):
            with pytest.raises(RemoteError) as refused:
                await use()
            assert refused.value.reason == "FAULT_DETECTED"
        assert query(home, "SELECT result_sha256, answer FROM operations WHERE outcome = 'pending'") == [(None, None)]
        engine.faulty = False
        assert await use() == await use()
    await server.stop()


async def test_overload_is_shed_with_retry_info(tmp_path: Path) -> None:
    """More than the server takes is refused at once, with the time after which to try again; the rest is served."""
    home = make_home(tmp_path / "small", max_operations=8, max_operations_per_caller=4)
    async with running_server(home) as server:
        alice, bob = [await enrolled(home, server, name) for name in ("alice", "bob")]
        async with alice, bob:
            keys = [await client.generate() for client in (alice, bob)]
            requests = [[sign_request(key) for _ in range(40)] for key in keys]
            calls = [alice.signing.SignDigest(request, timeout=60) for request in requests[0]]
            calls += [bob.signing.SignDigest(request, timeout=60) for request in requests[1][:4]]
            results = await asyncio.gather(*calls, return_exceptions=True)
            refused = [result for result in results if isinstance(result, grpc.aio.AioRpcError)]
            served = [result for result in results if not isinstance(result, BaseException)]
            assert len(served) + len(refused) == 44
            assert refused
            assert {error.code() for error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
            assert {retry_seconds(error) for error in refused} == {1}
            assert not any(isinstance(result, BaseException) for result in results[40:]), "one starved the other"
            for request in requests[0]:
                await alice.sign(request)


def retry_seconds(error: grpc.aio.AioRpcError) -> int | None:
    """Seconds of a refusal's RetryInfo."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                retry = error_details_pb2.RetryInfo()
                if detail.Unpack(retry):
                    return int(retry.retry_delay.seconds)
    return None


async def test_too_many_calls_of_any_sort(tmp_path: Path) -> None:
    """Calls that only read are bounded too."""
    home = make_home(tmp_path / "small", max_calls=2)
    async with running_server(home) as server, await enrolled(home, server, "alice") as alice:
        held = threading.Event()
        readers = [asyncio.create_task(server._ground.database.read(lambda _: held.wait())) for _ in range(2)]
        calls = [asyncio.create_task(call(alice.keys.ListKeys, key_service_pb2.ListKeysRequest())) for _ in range(50)]
        reasons = []
        for first in itertools.islice(asyncio.as_completed(calls), 48):
            with pytest.raises(RemoteError) as refused:
                await first
            reasons.append(refused.value.reason)
        held.set()
        results = await asyncio.gather(*calls, *readers, return_exceptions=True)
    assert set(reasons) == {"OVERLOADED"}
    assert sum(isinstance(result, RemoteError) for result in results) == 48


async def test_deadline_that_passes_leaves_the_state_clean(home: Home) -> None:
    """A caller whose time is over is told so; what was begun ends, and a repeat gets its answer."""
    with ServerProcess(home) as process:
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            key = await client.generate()
            requests = [sign_request(key) for _ in range(300)]
            calls = (call(client.signing.SignDigest, request, 0.15) for request in requests)
            results = await asyncio.gather(*calls, return_exceptions=True)
            late = [
                request for request, result in zip(requests, results, strict=True) if isinstance(result, RemoteError)
            ]
            codes = {result.code for result in results if isinstance(result, RemoteError)}
            assert codes == {grpc.StatusCode.DEADLINE_EXCEEDED}
            for request in late[:20]:
                verify(key, b"contract", await client.sign(request))
        assert process.terminate() == 0
    assert query(home, "SELECT count(*) FROM operations WHERE outcome = 'pending'") == [(0,)]
