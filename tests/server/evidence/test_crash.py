"""A server killed in the middle of deposits: what it acknowledged is there, once, in a log that only grew.

FOURSEAL_KILLS sets how often; a thousand take half an hour, and `-o faulthandler_timeout=0` to let them.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, cast

import grpc
import pytest
from fourseal.v1 import evidence_service_pb2 as pb

from server.config import load_settings
from server.journal.log import LogReader
from server.root.fsck import fsck
from server.root.ground import open_ground
from server.root.home import Home
from tests.server.evidence.messages import Message, deposit, parts_of, put, write
from tests.server.harness import MovableClock, ServerProcess, database_path, running_server, silent_log
from tests.server.sessions.people import Signer, World, arrive
from tests.server.storage.outside import execute
from transparency.checkpoint import Checkpoint
from transparency.receipt import Receipt
from transparency.verification import verify_consistency
from wire.convert import timestamp_of
from wire.status import RemoteError

_CUT_OFF: Final = "Internal error from Core"  # of gRPC here: a stream was being written to when its line went
KILLS: Final = int(os.environ.get("FOURSEAL_KILLS", "20"))
IN_FLIGHT: Final = 6
SEED: Final = 20261128


async def deposit_or_die(author: Signer, message: Message, heard: dict[bytes, pb.DepositEvidenceResponse]) -> None:
    """Upload and deposit; whether it was acknowledged is noted."""
    try:
        await put(author, parts_of(message))
        heard[message.digest] = await deposit(author, message)
    except RemoteError as error:
        assert error.code is grpc.StatusCode.UNAVAILABLE or str(error) == _CUT_OFF, error  # noqa: PT017  # by a kill
    except asyncio.CancelledError:  # by gRPC, rarely, when a stream's line goes: nobody here cancels
        assert not cast("asyncio.Task[None]", asyncio.current_task()).cancelling()


@pytest.mark.slow
async def test_killed_in_the_middle_of_deposits(world: World, session_home: Home, clock: MovableClock) -> None:
    """Nothing acknowledged is lost, no index is used twice, every kept checkpoint is a state of the last log."""
    present = MovableClock()  # a process has the machine's clock; the preparation's was ahead
    async with running_server(session_home, clock=clock) as server:
        alice, bob = (arrive(world, server.serving, clock, name) for name in ("alice", "bob"))
        async with alice.client, bob.client:
            begin = timestamp_of(present().replace(microsecond=0))
            session_id = (await alice.create("bob", begin_time=begin)).session_id
            await bob.join(session_id)
    points = random.Random(SEED)  # noqa: S311
    written: list[Message] = []
    heard: dict[bytes, pb.DepositEvidenceResponse] = {}
    sequence, acknowledged_in_time = 0, 0
    for _ in range(KILLS):
        async with AsyncExitStack() as stack:
            process = ServerProcess(session_home)
            stack.callback(process.process.kill)
            alice, bob = (arrive(world, process.serving, present, name) for name in ("alice", "bob"))
            for person in (alice, bob):
                await stack.enter_async_context(person.client)
            for message in written:  # of the life before: what was cut off is done, the rest is answered as it was
                answer = heard.get(message.digest)
                if answer is None:
                    await put(alice, parts_of(message))
                again = await deposit(alice, message)
                heard[message.digest] = answer = answer or again
                assert (again.log_index, again.entry_der) == (answer.log_index, answer.entry_der)
            written.clear()
            for _ in range(IN_FLIGHT):
                sequence += 1
                session = await alice.get(session_id)
                written.append(await write(alice, session, bob, sequence=sequence))
            before = len(heard)
            asking = [asyncio.ensure_future(deposit_or_die(alice, message, heard)) for message in written]
            await asyncio.sleep(points.uniform(0.01, 0.12))  # not to wait for anything: a random point is wanted
            process.kill()
            await asyncio.gather(*asking)
            acknowledged_in_time += IN_FLIGHT > len(heard) - before > 0
    assert fsck(session_home, silent_log(), (), lambda _: lambda *_: None).findings == []
    rows = execute(database_path(session_home), "SELECT statement_digest, log_index FROM evidence_records")
    kept = dict(rows)
    assert len(set(kept.values())) == len(kept)
    assert {digest: answer.log_index for digest, answer in heard.items()}.items() <= kept.items()
    with open_ground(session_home, load_settings(session_home.folder), silent_log()) as ground:
        reader = LogReader(ground.log_key.verifier)
        last = Checkpoint.from_text(
            ground.database.read_now(lambda connection: reader.receipt(connection, 0)).checkpoint.text
        )
        for answer in heard.values():
            checkpoint = Receipt.from_bytes(answer.receipt).verify(answer.entry_der, reader.verifier)
            sizes = (checkpoint.size, last.size)
            proof = ground.database.read_now(partial(reader.consistency, old_size=sizes[0], new_size=sizes[1]))
            verify_consistency(checkpoint.size, last.size, checkpoint.root, last.root, proof)
    assert acknowledged_in_time > 0, "no kill came in the middle: move the points"
