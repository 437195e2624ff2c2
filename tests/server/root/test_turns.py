"""One caller has all under way that it may have, and more; another's single signature does not wait for all of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import grpc
import pytest
from fourseal.v1 import key_service_pb2
from fourseal.v1 import signing_service_pb2 as pb

from mpc.engines import Exponentiation, Gmpy2Engine, Random
from server.config import load_settings
from server.journal import request_of
from server.journal.flights import GROUP
from server.root.application import start_server
from server.signing.rpc import signing as signing_rpc
from server.storage import Threads, current_caller
from tests.server.harness import (
    CALL_SECONDS,
    Client,
    ClientKey,
    call,
    enrolled,
    make_home,
    sign_request,
    silent_log,
    verify,
)
from tests.server.root.test_faults import retry_seconds
from wire.ids import new_request_id
from wire.limits import MAX_BATCH_ITEMS

ALL = 2 * MAX_BATCH_ITEMS
BATCHES = 8
WAIT_SECONDS = 60.0


class WatchingEngine(Gmpy2Engine):
    """Counts what it does for the flooder while a step of the other caller waits; the first of it waits for that."""

    def __init__(self) -> None:
        super().__init__()
        self.flooders_modulus = 0
        self.other_waits = threading.Event()
        self.done = 0
        self.done_while_the_other_waits = 0

    def exponentiate(self, operations: Sequence[Exponentiation], random: Random) -> list[int]:
        """See ``Engine``."""
        if self.flooders_modulus in {key.modulus for key, _ in operations}:
            if not self.done:
                assert self.other_waits.wait(WAIT_SECONDS)
            self.done += len(operations)
            self.done_while_the_other_waits += len(operations) * self.other_waits.is_set()
        return super().exponentiate(operations, random)


async def test_a_single_signature_does_not_wait_for_a_flood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted: a group of the flood for each of its steps. What of the flood is too much is refused unread."""
    home, engine, read = make_home(tmp_path / "home", worker_threads=1), WatchingEngine(), list[str]()
    server = await start_server(home, load_settings(home.folder), silent_log(), engine=engine)
    post, callers = Threads.post, set[str]()

    def watched_post(threads: Threads, step: object, failed: object, caller: str | None = None) -> None:
        callers.add(current_caller.get() if caller is None else caller)

        def watched_step() -> None:
            engine.other_waits.clear()
            step()  # type: ignore[operator]

        post(threads, watched_step if caller == "bob" else step, failed, caller)  # type: ignore[arg-type]
        if caller == "bob":
            engine.other_waits.set()

    def watched_request_of(caller: object, request_id: str, *more: object) -> object:
        read.append(request_id)
        return request_of(caller, request_id, *more)  # type: ignore[arg-type]

    async with await enrolled(home, server, "mallory") as mallory, await enrolled(home, server, "bob") as bob:
        keys = [await client.generate() for client in (mallory, bob)]
        single = sign_request(keys[1])
        engine.flooders_modulus = keys[0].joint_key.server.modulus
        monkeypatch.setattr(Threads, "post", watched_post)
        monkeypatch.setattr(signing_rpc, "request_of", watched_request_of)
        calls = {asyncio.create_task(batch(mallory, each)) for each in flood(keys[0])}
        refused = await first_to_end(calls, BATCHES - 2)
        assert [retry_seconds(each) for each in refused if isinstance(each, grpc.aio.AioRpcError)] == [1] * (
            BATCHES - 2
        )
        assert len(read) == ALL
        verify(keys[1], b"contract", await bob.sign(single))
        assert engine.done_while_the_other_waits <= 4 * GROUP
        assert engine.done < ALL
        answers = await asyncio.gather(*calls, return_exceptions=True)
        results = [each for answer in answers if not isinstance(answer, BaseException) for each in answer.results]
        assert [len(each.signed.signature) for each in results] == [512] * ALL
        callers.clear()
        await call(bob.keys.ListKeys, key_service_pb2.ListKeysRequest())
        assert callers == {"bob"}  # what is only read has its turn too
    await server.stop()


def flood(key: ClientKey) -> list[pb.BatchSignDigestsRequest]:
    """Batches of valid requests, each with an id of its own."""
    one = sign_request(key)
    batches = [pb.BatchSignDigestsRequest(items=[one] * MAX_BATCH_ITEMS) for _ in range(BATCHES)]
    for each in batches:
        for item in each.items:
            item.request_id = new_request_id()
    return batches


async def batch(client: Client, request: pb.BatchSignDigestsRequest) -> pb.BatchSignDigestsResponse:
    """One call."""
    answer: pb.BatchSignDigestsResponse = await client.signing.BatchSignDigests(request, timeout=CALL_SECONDS)
    return answer


async def first_to_end(calls: set[asyncio.Task[pb.BatchSignDigestsResponse]], count: int) -> list[BaseException | None]:
    """Wait for so many; why they ended."""
    ended = set[asyncio.Task[pb.BatchSignDigestsResponse]]()
    while len(ended) < count:
        await asyncio.wait(calls - ended, return_when=asyncio.FIRST_COMPLETED)
        ended = {call for call in calls if call.done()}
    return [call.exception() for call in ended]
