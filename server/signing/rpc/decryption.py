"""DecryptionService."""

from __future__ import annotations

from fourseal.v1 import decryption_service_pb2 as pb
from fourseal.v1 import decryption_service_pb2_grpc

from server.identity import CallerReader
from server.journal import request_of
from server.signing.decryptions import Decryptions, DecryptionWish
from server.signing.rpc.convert import Context
from wire.ids import check_key_id


class DecryptionRpc(decryption_service_pb2_grpc.DecryptionServiceServicer):
    """DecryptionService.

    Args:
        callers: says who calls.
        decryptions: the rules.
    """

    def __init__(self, callers: CallerReader, decryptions: Decryptions) -> None:
        self._callers = callers
        self._decryptions = decryptions

    async def CreatePartialDecryption(
        self, request: pb.CreatePartialDecryptionRequest, context: Context
    ) -> pb.CreatePartialDecryptionResponse:
        """See the proto."""
        caller = self._callers.of(context)
        wish = DecryptionWish(
            request=request_of(caller, request.request_id, "CreatePartialDecryption", request),
            key_id=check_key_id(request.key_id),
            ciphertext=request.ciphertext,
        )
        partial = await self._decryptions.decrypt_partially(wish)
        return pb.CreatePartialDecryptionResponse(partial_decryption=partial, key_id=request.key_id)
