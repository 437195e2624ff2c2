"""SigningDeviceService: the face that terminals see."""

from __future__ import annotations

from typing import Any

import grpc
from fourseal.v1 import signing_device_service_pb2 as pb
from fourseal.v1 import signing_device_service_pb2_grpc

from signer_agent.signing_device.desk import Desk

Context = grpc.aio.ServicerContext[Any, Any]


class SigningDeviceRpc(signing_device_service_pb2_grpc.SigningDeviceServiceServicer):
    """SigningDeviceService.

    Args:
        desk: where transactions are shown.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def PresentTransaction(
        self, request: pb.PresentTransactionRequest, context: Context
    ) -> pb.PresentTransactionResponse:
        """See the proto."""
        binding = await self._desk.present(request.transaction_der)
        return pb.PresentTransactionResponse(binding_der=binding.to_der())

    async def CollectCode(self, request: pb.CollectCodeRequest, context: Context) -> pb.CollectCodeResponse:
        """See the proto."""
        code = await self._desk.collect(request.transaction_sha256)
        return pb.CollectCodeResponse(code=code.to_secret_text())
