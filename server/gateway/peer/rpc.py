"""GatewayService."""

from __future__ import annotations

from typing import Any

import grpc
from fourseal.v1 import gateway_service_pb2 as pb
from fourseal.v1 import gateway_service_pb2_grpc, guard_service_pb2

from server.gateway.peer.answering import Answering
from server.gateway.peer.cases import Cases
from server.gateway.peer.views import AlarmView
from server.identity import CallerReader, GatewayReader
from server.relay.passes import PassReader
from wire.convert import timestamp_of
from wire.peer import peer_certificate, relay_pass

_Context = grpc.aio.ServicerContext[Any, Any]


class GatewayRpc(gateway_service_pb2_grpc.GatewayServiceServicer):
    """GatewayService.

    Args:
        callers: says which agent calls.
        passes: reads passes.
        gateways: says which gateway calls.
        cases: what agents ask for.
        answering: what gateways ask for.
    """

    def __init__(
        self,
        callers: CallerReader,
        passes: PassReader,
        gateways: GatewayReader,
        cases: Cases,
        answering: Answering,
    ) -> None:
        self._callers = callers
        self._passes = passes
        self._gateways = gateways
        self._cases = cases
        self._answering = answering

    async def AskBlock(self, request: pb.AskBlockRequest, context: _Context) -> pb.AskBlockResponse:
        """See the proto."""
        account, agent = self._caller(context)
        return pb.AskBlockResponse(alarm=_alarm_to_proto(await self._cases.ask(account, agent, request.proof)))

    async def GetAlarm(self, request: pb.GetAlarmRequest, context: _Context) -> pb.GetAlarmResponse:
        """See the proto."""
        account, _ = self._caller(context)
        return pb.GetAlarmResponse(alarm=_alarm_to_proto(await self._cases.find(account, request.alarm_id)))

    async def DecideAlarm(self, request: pb.DecideAlarmRequest, context: _Context) -> pb.DecideAlarmResponse:
        """See the proto."""
        account, _ = self._caller(context)
        view = await self._cases.decide(account, request.alarm_id, request.genuine, request.impostors)
        return pb.DecideAlarmResponse(alarm=_alarm_to_proto(view))

    async def CheckHistory(self, request: pb.CheckHistoryRequest, context: _Context) -> pb.CheckHistoryResponse:
        """See the proto."""
        gateway = self._gateways.of(context)
        feedback = await self._answering.history(gateway, request.control_der, request.proof)
        return pb.CheckHistoryResponse(feedback=feedback)

    async def TellDecision(self, request: pb.TellDecisionRequest, context: _Context) -> pb.TellDecisionResponse:
        """See the proto."""
        await self._answering.decided(self._gateways.of(context), request)
        return pb.TellDecisionResponse()

    def _caller(self, context: _Context) -> tuple[str, str]:
        """Whose account calls, and by which agent."""
        caller = self._callers.read(peer_certificate(context))
        shown = self._passes.read(relay_pass(context), caller.certificate_sha256)
        return shown.account, caller.agent_id


def _alarm_to_proto(view: AlarmView) -> pb.GatewayAlarm:
    claim, judgement = view.claim, view.judgement
    return pb.GatewayAlarm(
        status=guard_service_pb2.AlarmStatus(
            alarm_id=view.alarm_id,
            source=claim.source,
            user=claim.user,
            destination=claim.destination,
            state=guard_service_pb2.AlarmState.Value(f"ALARM_STATE_{view.state.name}"),
            rule="" if judgement is None else judgement.rule.value,
            keys=view.keys,
            genuine=() if judgement is None else judgement.genuine,
            impostors=() if judgement is None else judgement.impostors,
            create_time=timestamp_of(view.create_time),
            update_time=timestamp_of(view.update_time),
        ),
        impostor_channels=[
            pb.ImpostorChannel(
                key=each.key,
                agent=each.channel.agent,
                agent_certificate_sha256=each.channel.certificate,
                address=each.channel.address,
            )
            for each in view.impostors
        ],
        of_guard=view.of_guard,
    )
