"""A server killed with SIGKILL in the middle of its work: after every restart, one answer for one request."""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import grpc
import pytest
from fourseal.v1 import key_pb2, key_service_pb2, signing_service_pb2

from mpc.four_prime_rsa import Purpose, Role, commit_to_share, generate_key_share
from server.root.home import Home
from tests.server.harness import (
    HALF_BITS,
    Client,
    ClientKey,
    Identity,
    ServerProcess,
    call,
    enrol,
    make_ticket,
    opening_of,
    query,
    sealed_shares,
    sign_request,
    verify,
)
from wire.status import RemoteError

KILLS: Final = int(os.environ.get("FOURSEAL_KILLS", "100"))
IN_FLIGHT: Final = 8
SEED: Final = 20261122


@dataclass(slots=True)
class Round:
    """What was asked of one life of the server, and what was heard before it was killed."""

    requests: list[signing_service_pb2.SignDigestRequest]
    heard: dict[str, bytes] = field(default_factory=dict)
    pending: int = 0
    recorded: int = 0


async def ask(client: Client, asked: Round) -> None:
    """Send all requests at once, and note every answer that comes."""

    async def one(request: signing_service_pb2.SignDigestRequest) -> None:
        try:
            asked.heard[request.request_id] = await client.sign(request)
        except RemoteError as error:
            assert error.code is grpc.StatusCode.UNAVAILABLE, error  # noqa: PT017  # nothing else may come of a kill

    await asyncio.gather(*(one(request) for request in asked.requests))


async def ask_and_kill(process: ServerProcess, client: Client, asked: Round, delay: float) -> None:
    """Send all requests and kill the server some milliseconds later."""
    asking = asyncio.ensure_future(ask(client, asked))
    await asyncio.sleep(delay)  # not to wait for anything: a random point is what is wanted
    process.kill()
    await asking


async def repeat(client: Client, key: ClientKey, asked: Round) -> None:
    """Send the requests again: each has a signature that holds, and the one that was heard before, if any."""
    signatures = await asyncio.gather(*(client.sign(request) for request in asked.requests))
    for request, signature in zip(asked.requests, signatures, strict=True):
        assert asked.heard.get(request.request_id, signature) == signature
        verify(key, b"contract", signature)


def look(home: Home, asked: Round) -> None:
    """Count what the journal has of a round."""
    ids = [request.request_id for request in asked.requests]
    places = ", ".join("?" * len(ids))
    rows = query(home, f"SELECT request_id, outcome FROM operations WHERE request_id IN ({places})", *ids)  # noqa: S608
    asked.recorded = len(rows)
    asked.pending = sum(outcome == "pending" for _, outcome in rows)
    done = {request_id for request_id, outcome in rows if outcome == "done"}
    assert set(asked.heard) <= done, "an answer was heard that is not in the journal"


async def first_life(home: Home) -> tuple[Identity, ClientKey, float]:
    """Enrol, make a key, and see how long a round takes."""
    with ServerProcess(home) as process:
        identity = await enrol(make_ticket(home, "alice", process.serving))
        async with Client(process.serving, identity) as client:
            key = await client.generate()
            await client.sign(sign_request(key))
            asked = Round([sign_request(key) for _ in range(IN_FLIGHT)])
            started = asyncio.get_running_loop().time()
            await ask(client, asked)
            return identity, key, asyncio.get_running_loop().time() - started


@pytest.mark.slow
async def test_killed_a_hundred_times_between_intent_and_result(home: Home) -> None:
    """After each of a hundred kills at random points, every request has exactly one answer."""
    identity, key, duration = await first_life(home)
    chance = random.Random(SEED)  # noqa: S311  # when to kill is no secret
    rounds: list[Round] = []
    for number in range(KILLS + 1):
        process = ServerProcess(home)
        async with Client(process.serving, identity) as client:
            if rounds:
                look(home, rounds[-1])
                await repeat(client, key, rounds[-1])
            if number == KILLS:
                assert process.terminate() == 0
                break
            rounds.append(Round([sign_request(key) for _ in range(IN_FLIGHT)]))
            # One kill in ten comes at once: on a busy machine all others may come too late to find nothing recorded.
            await ask_and_kill(process, client, rounds[-1], chance.uniform(0, 1.2 * duration) if number % 10 else 0)
    assert sum(asked.pending > 0 for asked in rounds) >= KILLS // 10, "too few kills came between intent and result"
    assert any(asked.recorded == 0 for asked in rounds)
    assert any(asked.heard for asked in rounds)
    rows = query(home, "SELECT count(*), count(DISTINCT request_id) FROM operations WHERE method = 'SignDigest'")
    assert rows == [(KILLS * IN_FLIGHT + IN_FLIGHT + 1,) * 2]
    outcomes = query(home, "SELECT outcome, result_sha256, answer FROM operations WHERE method = 'SignDigest'")
    assert all(outcome == "done" and digest == sha256(answer).digest() for outcome, digest, answer in outcomes)


@pytest.mark.slow
async def test_killed_while_keys_are_generated(home: Home) -> None:
    """A generation that a kill interrupts is repeated with its request_id: one key, one share, and it signs."""
    identity, _, _ = await first_life(home)
    chance = random.Random(SEED)  # noqa: S311
    process = ServerProcess(home)
    for number in range(6):  # each life begins a generation, and the next one ends it
        request_id = f"generation-{number:05}"
        share = generate_key_share(Role.CLIENT, Purpose.SIGN, HALF_BITS)
        commitment = commit_to_share(share, chance.randbytes)
        async with Client(process.serving, identity) as client:
            asking = asyncio.ensure_future(client.begin(commitment, request_id=request_id))
            await asyncio.sleep(chance.uniform(0, 0.2))
            process.kill()
            (interrupted,) = await asyncio.gather(asking, return_exceptions=True)
        process = ServerProcess(home)
        async with Client(process.serving, identity) as client:
            begun = await client.begin(commitment, request_id=request_id)
            assert isinstance(interrupted, RemoteError) or interrupted == begun
            opening = opening_of(commitment, begun)
            finished = await client.finish(begun.key.key_id, opening)
            assert finished.key.state == key_pb2.KEY_STATE_ENABLED
            key = ClientKey(begun.key.key_id, share, opening.joint_key)
            verify(key, b"contract", await client.sign(sign_request(key)))
            listed = await call(client.keys.ListKeys, key_service_pb2.ListKeysRequest())
            assert len(listed.keys) == number + 2
        assert len(sealed_shares(home)) == number + 2
    assert process.terminate() == 0
