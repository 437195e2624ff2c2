"""The gRPC face of enrolment."""

from __future__ import annotations

from typing import Any

import grpc
from fourseal.v1 import enrolment_service_pb2, enrolment_service_pb2_grpc

from server.identity.enrolment import Enrolment
from wire.convert import timestamp_of


class EnrolmentRpc(enrolment_service_pb2_grpc.EnrolmentServiceServicer):
    """EnrolmentService.

    Args:
        enrolment: the rules.
    """

    def __init__(self, enrolment: Enrolment) -> None:
        self._enrolment = enrolment

    async def EnrolAgent(
        self,
        request: enrolment_service_pb2.EnrolAgentRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> enrolment_service_pb2.EnrolAgentResponse:
        """See the proto."""
        enrolled = await self._enrolment.enrol(
            request.token, request.certificate_request_der, request.revocation_sha256
        )
        return enrolment_service_pb2.EnrolAgentResponse(
            agent_id=enrolled.agent_id,
            certificate_der=enrolled.certificate_der,
            authority_certificate_der=enrolled.authority_certificate_der,
            expire_time=timestamp_of(enrolled.expire_time),
        )

    async def BlockAgent(
        self,
        request: enrolment_service_pb2.BlockAgentRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> enrolment_service_pb2.BlockAgentResponse:
        """See the proto."""
        blocked = await self._enrolment.block(request.revocation_secret)
        return enrolment_service_pb2.BlockAgentResponse(agent_id=blocked.agent_id)
