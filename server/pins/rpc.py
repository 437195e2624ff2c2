"""The gRPC face of guards: one service for agents, one for whoever has a key store and no certificate yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from fourseal.v1 import pin_service_pb2 as pb
from fourseal.v1 import pin_service_pb2_grpc

from server.identity import CallerReader
from server.pins.guards import PinGuards

Context = grpc.aio.ServicerContext[Any, Any]


class PinGuardRpc(pin_service_pb2_grpc.PinGuardServiceServicer):
    """PinGuardService.

    Args:
        callers: says who calls.
        guards: the rules.
        pin_server: says where PinService is reached, host:port.
    """

    def __init__(self, callers: CallerReader, guards: PinGuards, pin_server: Callable[[], str]) -> None:
        self._callers = callers
        self._guards = guards
        self._pin_server = pin_server

    async def CreatePinGuard(self, request: pb.CreatePinGuardRequest, context: Context) -> pb.CreatePinGuardResponse:
        """See the proto."""
        caller = self._callers.of(context)
        evaluation, public_key = await self._guards.create(caller, request.guard_id, request.blinded_element)
        return pb.CreatePinGuardResponse(evaluation=evaluation, public_key=public_key, pin_server=self._pin_server())

    async def ConfirmPinGuard(self, request: pb.ConfirmPinGuardRequest, context: Context) -> pb.ConfirmPinGuardResponse:
        """See the proto."""
        caller = self._callers.of(context)
        await self._guards.confirm(caller, request.guard_id, request.proof_key)
        return pb.ConfirmPinGuardResponse()

    async def RemovePinGuards(self, request: pb.RemovePinGuardsRequest, context: Context) -> pb.RemovePinGuardsResponse:
        """See the proto."""
        caller = self._callers.of(context)
        await self._guards.remove(caller, request.except_guard_id)
        return pb.RemovePinGuardsResponse()


class PinRpc(pin_service_pb2_grpc.PinServiceServicer):
    """PinService.

    Args:
        guards: the rules.
    """

    def __init__(self, guards: PinGuards) -> None:
        self._guards = guards

    async def EvaluatePin(self, request: pb.EvaluatePinRequest, context: Context) -> pb.EvaluatePinResponse:
        """See the proto."""
        evaluated = await self._guards.evaluate(request.guard_id, request.blinded_element)
        return pb.EvaluatePinResponse(
            evaluation=evaluated.evaluation, attempt=evaluated.attempt, unproven=evaluated.unproven
        )

    async def ProvePin(self, request: pb.ProvePinRequest, context: Context) -> pb.ProvePinResponse:
        """See the proto."""
        await self._guards.prove(request.guard_id, request.attempt, request.signature)
        return pb.ProvePinResponse()
