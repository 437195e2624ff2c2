"""The gRPC face of leases."""

from __future__ import annotations

from typing import Any

import grpc
from fourseal.v1 import lease_service_pb2 as pb
from fourseal.v1 import lease_service_pb2_grpc

from server.identity.callers import CallerReader
from server.identity.leases import Leases
from wire.ids import check_request_id
from wire.peer import peer_certificate


class LeaseRpc(lease_service_pb2_grpc.LeaseServiceServicer):
    """LeaseService.

    Args:
        callers: says who calls.
        leases: the rules.
    """

    def __init__(self, callers: CallerReader, leases: Leases) -> None:
        self._callers = callers
        self._leases = leases

    async def TakeLease(
        self, request: pb.TakeLeaseRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.TakeLeaseResponse:
        """See the proto."""
        caller = self._callers.read(peer_certificate(context))
        taken = await self._leases.take(caller, check_request_id(request.request_id), request.baton)
        return pb.TakeLeaseResponse(
            lease=taken.lease, next_baton=taken.next_baton, remaining_seconds=int(taken.remaining.total_seconds())
        )
