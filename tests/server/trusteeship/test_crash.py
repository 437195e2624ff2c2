"""A server killed in the middle of uses: none counts or is numbered twice, and no result is without its record.

FOURSEAL_KILLS sets how often.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import grpc
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from fourseal.v1 import trusteeship_service_pb2 as pb

from contract.log_entry import EntryKind, LogEntry
from contract.trusteeship.grants import GrantAction
from contract.trusteeship.uses import RecordedUse, UseOutcome, UseRecord, UseRequest
from server.root.fsck import fsck
from tests.server.harness import Client, MovableClock, ServerProcess, query, silent_log
from tests.server.trusteeship.people import DIGEST, Trustee, World, copy_home
from wire.ids import new_request_id
from wire.status import RemoteError

KILLS: Final = int(os.environ.get("FOURSEAL_KILLS", "3"))
IN_FLIGHT: Final = 6
SEED: Final = 20261128


@dataclass
class Killer:
    """Kills a server with its n-th answer; at 0, never."""

    process: ServerProcess
    answers: int

    def answered(self) -> None:
        """One more."""
        self.answers -= 1
        if self.answers == 0:
            self.process.kill()


class Attempt:
    """A use that is tried until it is done: each step by one request, however often it is sent."""

    def __init__(self, bob: Trustee, grant: pb.Grant) -> None:
        self.asked: UseRequest = bob.using(grant)
        der = self.asked.to_der()
        self._begin = pb.BeginUseRequest(statement_der=der, signature=bob.signature(der))
        self._finish: pb.FinishUseRequest | None = None
        self.record = b""
        self.result = b""

    async def go_on(self, bob: Trustee, answered: Callable[[], None]) -> None:
        """As far as the server lives; ``answered`` is called with each answer."""
        try:
            begun = await bob.call(bob.trust.BeginUse, self._begin)
            answered()
            if self._finish is None:
                signature = bob.signature(begun.record_der)
                self._finish = pb.FinishUseRequest(
                    request_id=new_request_id(), use_request_id=self.asked.request_id, signature=signature
                )
                self.record = begun.record_der
            assert begun.record_der == self.record, "a second record of one use"
            self.result = (await bob.call(bob.trust.FinishUse, self._finish)).result
            answered()
        except RemoteError as error:
            assert error.code is grpc.StatusCode.UNAVAILABLE, error  # noqa: PT017  # by a kill


async def test_killed_in_the_middle_of_uses(world: World, tmp_path: Path) -> None:
    """Repeats go on where it broke: one number, one count, one record a use; and fsck finds nothing."""
    home, clock = copy_home(world, tmp_path / "server"), MovableClock()
    points = random.Random(SEED)  # noqa: S311
    grant: pb.Grant | None = None
    done, attempts, cut_off = list[Attempt](), list[Attempt](), 0
    for life in range(KILLS + 1):
        async with AsyncExitStack() as stack:
            process = ServerProcess(home)
            stack.callback(process.process.kill)
            people = {
                name: Trustee(name, Client(process.serving, known.identity), clock, token=known.token, known=known)
                for name, known in world.people.items()
            }
            for person in people.values():
                await stack.enter_async_context(person.client)
            alice, bob, carol = people["alice"], people["bob"], people["carol"]
            if grant is None:
                grant = await bob.ask(bob.asking(world.keys["sign"], uses=1000))
                for director in (alice, carol):
                    grant = await director.order(director.ordering(grant, GrantAction.APPROVE))
            attempts += [Attempt(bob, grant) for _ in range(IN_FLIGHT)]
            answers = points.randrange(1, 2 * IN_FLIGHT - 2) if life < KILLS else 0  # each attempt waits for two
            killed = Killer(process, answers)
            await asyncio.gather(*(attempt.go_on(bob, killed.answered) for attempt in attempts))
            if life == KILLS:
                assert (await bob.look(grant.grant_id)).used == len(done) + len(attempts)
                process.terminate()
        cut_off += sum(not attempt.result for attempt in attempts)
        done += [attempt for attempt in attempts if attempt.result]
        attempts = [attempt for attempt in attempts if not attempt.result]
    assert cut_off > 0, "no kill came in the middle: move the points"
    assert attempts == []

    entries = [LogEntry.from_der(row[0]) for row in query(home, "SELECT entry FROM log_entries")]
    records = [RecordedUse.from_der(entry.body).record for entry in entries if entry.kind is EntryKind.USE]
    assert sorted(record.number for record in records) == list(range(1, len(done) + 1))
    by_number = {record.number: record for record in records}
    public = world.keys["sign"].public_key
    for attempt in done:
        record = UseRecord.from_der(attempt.record)
        assert by_number[record.number] == record
        assert (record.outcome, record.result) == (UseOutcome.DONE, sha256(attempt.result).digest())
        public.verify(attempt.result, DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))
    assert fsck(home, silent_log(), (), lambda _: lambda *_: None).findings == []
