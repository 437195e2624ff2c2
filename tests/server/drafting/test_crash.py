"""A server killed between the last consent and the documents: one serial number, one time, and then it is finished.

FOURSEAL_KILLS sets how often.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import grpc
from fourseal.v1 import drafting_service_pb2 as pb

from contract.drafting.evidence import ContractEvidence
from server.root.fsck import fsck
from tests.server.drafting.people import Drafter, consented
from tests.server.harness import Client, MovableClock, ServerProcess, query, silent_log
from tests.server.trusteeship.people import World, copy_home
from wire.ids import new_request_id
from wire.status import RemoteError

KILLS: Final = int(os.environ.get("FOURSEAL_KILLS", "2"))
PENDING: Final = "SELECT 1 FROM operations WHERE method = 'FinishContract' AND outcome = 'pending'"


async def test_killed_before_the_documents_are_made(world: World, tmp_path: Path) -> None:
    """A kill comes as soon as the number is allotted; each next life goes on with it, whoever asks."""
    home, clock = copy_home(world, tmp_path / "server"), MovableClock()
    contract, other, last, evidence = pb.Contract(), pb.Contract(), pb.Contract(), b""
    request_ids = [{name: new_request_id() for name in ("alice", "bob")} for _ in range(KILLS)]
    for life in range(KILLS + 1):
        async with AsyncExitStack() as stack:
            process = ServerProcess(home)
            stack.callback(process.process.kill)
            people = [
                Drafter(name, Client(process.serving, known.identity), clock, token=known.token, known=known)
                for name, known in world.people.items()
                if name in request_ids[0]
            ]
            for person in people:
                await stack.enter_async_context(person.client)
            alice, bob = people
            if life == 0:
                contract = await consented(people)
                other = await consented(people)
            ids = request_ids[life % KILLS]  # the last life repeats the first requests
            asking = [asyncio.create_task(each.have_made(contract, request_id=ids[each.name])) for each in people]
            if life < KILLS:
                while len(query(home, PENDING)) <= 2 * life:  # another process writes it
                    assert not all(each.done() for each in asking), asking
                    await asyncio.sleep(0)
                process.kill()
                for outcome in await asyncio.gather(*asking, return_exceptions=True):
                    assert isinstance(outcome, RemoteError)
                    assert outcome.code is grpc.StatusCode.UNAVAILABLE
                assert query(home, "SELECT state FROM contracts ORDER BY create_time LIMIT 1") == [("consented",)]
                continue
            finished = await asyncio.gather(*asking)
            assert finished[0] == finished[1] == await bob.get(contract)
            last = await alice.have_made(other)
            evidence = (await alice.document(contract, pb.CONTRACT_DOCUMENT_EVIDENCE)).content
            process.terminate()
    read = ContractEvidence.from_der(evidence)
    rows = query(home, "SELECT serial, time FROM contract_archive ORDER BY serial")
    assert [row[0] for row in rows] == [read.serial, last.summary.serial]
    assert rows[0][1] == int(read.time.timestamp()) * 1_000_000
    assert fsck(home, silent_log(), (), lambda _: lambda *_: None).findings == []
