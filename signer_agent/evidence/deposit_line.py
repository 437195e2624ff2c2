"""How records go to the evidence server: those that wait at the same time go together, each with an outcome of its own.

A server commits what comes together at once; what goes in one call costs it and us one call. Who deposits one record
waits for nobody: it goes in the next round of the event loop, unless enough calls are under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from fourseal.v1 import evidence_service_pb2 as pb

from signer_agent.client.messages import answer_malformed
from signer_agent.contracts.login import LoginLine
from wire.limits import MAX_RECORDS_BYTES
from wire.status import error_from_item

_CALLS: Final = 2
"""At a time: while the server works for one, the other is on its way."""

_ITEMS: Final = 64
"""In one call at most: more would make those who come first wait for those who come last."""

_Outcome = pb.DepositEvidenceResponse | Exception
_Waiting = tuple[pb.DepositEvidenceRequest, asyncio.Future[pb.DepositEvidenceResponse]]


class DepositLine:
    """Deposits records for one account. Belongs to the event loop that it was made on.

    Args:
        line: to the server, with the login.
    """

    def __init__(self, line: LoginLine) -> None:
        self._line = line
        self._waiting: deque[_Waiting] = deque()
        self._calls: set[asyncio.Task[None]] = set()

    async def deposit(self, record_der: bytes) -> pb.DepositEvidenceResponse:
        """Deposit a record. Returns what the server answered, unverified. A repeat gets the same answer.

        Raises:
            RemoteError: what the server refuses, for this record alone or for all that went with it.
            PeerMisbehaved: ANSWER_MALFORMED; the culprit is the server.
        """
        future: asyncio.Future[pb.DepositEvidenceResponse] = asyncio.get_running_loop().create_future()
        self._waiting.append((pb.DepositEvidenceRequest(record_der=record_der), future))
        self._send()
        return await future

    def _send(self) -> None:
        if self._waiting and len(self._calls) < _CALLS:
            call = asyncio.create_task(self._call())
            self._calls.add(call)
            call.add_done_callback(self._called)

    def _called(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        self._send()  # those who came meanwhile

    async def _call(self) -> None:
        taken = self._take()
        if not taken:  # a call that began a moment before took all
            return
        requests = [request for request, _ in taken]
        try:
            outcomes = await (self._deposit_one(*requests) if len(requests) == 1 else self._deposit_all(requests))
        except Exception as error:  # noqa: BLE001  # carried to all who wait as it is, not handled
            outcomes = [error] * len(taken)
        except asyncio.CancelledError:  # the loop ends, and with it all who wait
            for _, future in taken:
                future.cancel()
            raise
        for (_, future), outcome in zip(taken, outcomes, strict=True):
            if future.done():  # cancelled: the record may have been deposited nevertheless
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    def _take(self) -> list[_Waiting]:
        """Those who have waited longest and still do: so many as go in one call, one at least if any waits."""
        taken: list[_Waiting] = []
        room = MAX_RECORDS_BYTES
        while self._waiting and len(taken) < _ITEMS:
            request, future = self._waiting[0]
            room -= len(request.record_der)
            if taken and room < 0:
                break
            self._waiting.popleft()
            if not future.done():
                taken.append((request, future))
        return taken

    async def _deposit_one(self, request: pb.DepositEvidenceRequest) -> list[_Outcome]:
        return [await self._line.call(self._line.line.evidence.DepositEvidence, request)]

    async def _deposit_all(self, requests: list[pb.DepositEvidenceRequest]) -> list[_Outcome]:
        batch = pb.BatchDepositEvidenceRequest(items=requests)
        answer = await self._line.call(self._line.line.evidence.BatchDepositEvidence, batch)
        if len(answer.results) != len(requests):
            raise answer_malformed("it has not as many results as items")
        return [error_from_item(each.error) if each.HasField("error") else each.deposited for each in answer.results]
