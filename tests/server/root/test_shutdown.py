"""The end of a server: what is in flight is finished, or refused with a status; nothing hangs, nothing is lost."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from server.root.home import Home
from tests.server.harness import Client, ServerProcess, enrol, make_ticket, query, sign_request, verify
from wire.status import RemoteError


def until_begun(home: Home) -> None:
    """Return when the journal has a signature that was begun."""
    while not query(home, "SELECT 1 FROM operations WHERE method = 'SignDigest'"):
        pass


async def test_sigterm_with_many_in_flight(home: Home) -> None:
    """Of two hundred requests each is answered or refused as UNAVAILABLE; what was answered is in the journal."""
    with ServerProcess(home) as process:
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            key = await client.generate()
            requests = [sign_request(key) for _ in range(200)]
            answered = asyncio.Event()

            async def ask(index: int) -> bytes:
                signature = await client.sign(requests[index])
                answered.set()
                return signature

            asking = [asyncio.ensure_future(ask(index)) for index in range(len(requests))]
            await answered.wait()
            assert await asyncio.to_thread(process.terminate) == 0
            results = await asyncio.gather(*asking, return_exceptions=True)
    signatures = [result for result in results if isinstance(result, bytes)]
    refusals = [result for result in results if isinstance(result, RemoteError)]
    assert len(signatures) + len(refusals) == len(requests)
    assert signatures
    assert {error.code for error in refusals} <= {grpc.StatusCode.UNAVAILABLE}
    for signature in signatures:
        verify(key, b"contract", signature)
    rows = query(home, "SELECT outcome, count(*) FROM operations WHERE method = 'SignDigest' GROUP BY outcome")
    assert rows == [("done", len(signatures))]
    assert not home.serving.exists()


async def test_begun_operations_are_finished(home: Home) -> None:
    """Whatever was begun when the signal came is answered: the grace is for that."""
    with ServerProcess(home) as process:
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            key = await client.generate()
            asking = [asyncio.ensure_future(client.sign(sign_request(key))) for _ in range(64)]
            await asyncio.to_thread(until_begun, home)
            assert await asyncio.to_thread(process.terminate) == 0
            await asyncio.gather(*asking, return_exceptions=True)
    assert query(home, "SELECT count(*) FROM operations WHERE outcome = 'pending'") == [(0,)]


async def test_client_that_hangs_up_leaves_nothing_half_done(home: Home) -> None:
    """Cancelled calls go on to their end; the server ends after them."""
    with ServerProcess(home) as process:
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            key = await client.generate()
            asking = [asyncio.ensure_future(client.sign(sign_request(key))) for _ in range(64)]
            await asyncio.to_thread(until_begun, home)
            for call in asking:
                call.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        assert await asyncio.to_thread(process.terminate) == 0
    assert query(home, "SELECT count(*) FROM operations WHERE outcome = 'pending'") == [(0,)]


async def test_restarted_server_knows_all(home: Home) -> None:
    """Certificate, keys, answers: all is there after a restart, on other ports."""
    with ServerProcess(home) as process:
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            key = await client.generate()
            request = sign_request(key)
            signature = await client.sign(request)
    with ServerProcess(home) as process:
        async with Client(process.serving, identity) as client:
            assert await client.sign(request) == signature
            verify(key, b"contract", await client.sign(sign_request(key)))


async def test_second_server_in_one_folder(home: Home) -> None:
    """Two servers would not know of each other's operations: the second does not start."""
    with ServerProcess(home) as process:
        with pytest.raises(AssertionError, match="a server runs in"):
            ServerProcess(home)
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            await client.generate()
