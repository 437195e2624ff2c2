"""TransparencyService."""

from __future__ import annotations

from typing import Any

import grpc
from fourseal.v1 import transparency_service_pb2 as pb
from fourseal.v1 import transparency_service_pb2_grpc

from server.evidence.transparency import Transparency
from server.identity import CallerReader
from server.journal import Caller
from wire.convert import timestamp_of

Context = grpc.aio.ServicerContext[Any, Any]


class TransparencyRpc(transparency_service_pb2_grpc.TransparencyServiceServicer):
    """TransparencyService.

    Args:
        callers: says which agent calls.
        transparency: what is answered.
    """

    def __init__(self, callers: CallerReader, transparency: Transparency) -> None:
        self._callers = callers
        self._transparency = transparency

    async def GetLogKey(self, request: pb.GetLogKeyRequest, context: Context) -> pb.GetLogKeyResponse:
        """See the proto."""
        self._read(context)
        rules = self._transparency
        return pb.GetLogKeyResponse(verifier_key=rules.verifier.to_text(), certificate_der=rules.certificate_der)

    async def GetCheckpoint(self, request: pb.GetCheckpointRequest, context: Context) -> pb.GetCheckpointResponse:
        """See the proto."""
        newest = await self._transparency.newest(self._read(context), stamped=request.stamped)
        return pb.GetCheckpointResponse(
            checkpoint=newest.note,
            create_time=timestamp_of(newest.create_time),
            time_stamp_der=newest.time_stamp or b"",
        )

    async def GetConsistencyProof(
        self, request: pb.GetConsistencyProofRequest, context: Context
    ) -> pb.GetConsistencyProofResponse:
        """See the proto."""
        caller = self._read(context)
        hashes = await self._transparency.consistency(caller, request.old_size, request.new_size)
        return pb.GetConsistencyProofResponse(hashes=hashes)

    async def GetReceipt(self, request: pb.GetReceiptRequest, context: Context) -> pb.GetReceiptResponse:
        """See the proto."""
        receipt = await self._transparency.receipt(self._read(context), request.log_index)
        return pb.GetReceiptResponse(receipt=receipt)

    def _read(self, context: Context) -> Caller:
        return self._callers.of(context)
