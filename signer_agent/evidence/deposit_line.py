"""How records go to the evidence server: those that wait at the same time together, for it commits them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fourseal.v1 import evidence_service_pb2 as pb

from signer_agent.client.joined_calls import JoinedCalls
from signer_agent.contracts.login import LoginLine
from wire.client.blame import answer_malformed
from wire.limits import MAX_RECORDS_BYTES
from wire.status import error_from_item

_CALLS: Final = 2
"""At a time: while the server works for one, the other is on its way."""

_ITEMS: Final = 64
"""In one call at most: more would make those who come first wait for those who come last."""


class DepositLine:
    """Deposits records for one account. Belongs to the event loop that it was made on.

    Args:
        line: to the server, with the login.
    """

    def __init__(self, line: LoginLine) -> None:
        self._line = line
        self._joined = JoinedCalls(self._deposit, calls=_CALLS, room=MAX_RECORDS_BYTES, size_of=_size_of)

    async def deposit(self, record_der: bytes) -> pb.DepositEvidenceResponse:
        """Deposit a record. Returns what the server answered, unverified. A repeat gets the same answer.

        Raises:
            RemoteError: what the server refuses, for this record alone or for all that went with it.
            PeerMisbehaved: ANSWER_MALFORMED; the culprit is the server.
        """
        outcome = await self._joined.add(pb.DepositEvidenceRequest(record_der=record_der))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _deposit(
        self, requests: list[pb.DepositEvidenceRequest]
    ) -> Sequence[pb.DepositEvidenceResponse | Exception]:
        rpc = self._line.line.evidence
        if len(requests) == 1:
            return [await self._line.call(rpc.DepositEvidence, requests[0])]
        answer = await self._line.call(rpc.BatchDepositEvidence, pb.BatchDepositEvidenceRequest(items=requests))
        if len(answer.results) != len(requests):
            raise answer_malformed("it has not as many results as items")
        return [error_from_item(each.error) if each.HasField("error") else each.deposited for each in answer.results]


def _size_of(request: pb.DepositEvidenceRequest) -> int:
    return max(len(request.record_der), MAX_RECORDS_BYTES // _ITEMS)
