"""SigningService."""

from __future__ import annotations

import asyncio

from fourseal.v1 import signing_service_pb2 as pb
from fourseal.v1 import signing_service_pb2_grpc

from mpc.errors import FoursealError
from server.identity import CallerReader
from server.journal import Caller, request_of
from server.signing.rpc.convert import Context
from server.signing.signatures import Signatures, SignatureWish
from wire.catalogue import ServiceError
from wire.convert import signature_algorithm_from_proto
from wire.ids import check_key_id
from wire.limits import MAX_BATCH_ITEMS
from wire.peer import peer_certificate
from wire.status import item_error


class SigningRpc(signing_service_pb2_grpc.SigningServiceServicer):
    """SigningService.

    Args:
        callers: says who calls.
        signatures: the rules.
    """

    def __init__(self, callers: CallerReader, signatures: Signatures) -> None:
        self._callers = callers
        self._signatures = signatures

    async def SignDigest(self, request: pb.SignDigestRequest, context: Context) -> pb.SignDigestResponse:
        """See the proto."""
        return await self._sign(self._callers.read(peer_certificate(context)), request)

    async def BatchSignDigests(
        self, request: pb.BatchSignDigestsRequest, context: Context
    ) -> pb.BatchSignDigestsResponse:
        """See the proto."""
        caller = self._callers.read(peer_certificate(context))
        if not 1 <= len(request.items) <= MAX_BATCH_ITEMS:
            raise ServiceError("BATCH_SIZE_WRONG", maximum=MAX_BATCH_ITEMS, found=len(request.items))
        results = await asyncio.gather(*(self._sign_item(caller, item) for item in request.items))
        return pb.BatchSignDigestsResponse(results=results)

    async def _sign_item(self, caller: Caller, item: pb.SignDigestRequest) -> pb.BatchSignDigestsResult:
        try:
            return pb.BatchSignDigestsResult(signed=await self._sign(caller, item))
        except FoursealError as error:
            return pb.BatchSignDigestsResult(error=item_error(error))

    async def _sign(self, caller: Caller, item: pb.SignDigestRequest) -> pb.SignDigestResponse:
        wish = SignatureWish(
            request=request_of(caller, item.request_id, "SignDigest", item),
            key_id=check_key_id(item.key_id),
            algorithm=signature_algorithm_from_proto(item.algorithm),
            digest=item.digest,
            salt=item.salt,
            client_partial=item.client_partial,
        )
        signature = await self._signatures.sign(wish)
        return pb.SignDigestResponse(signature=signature, key_id=item.key_id, algorithm=item.algorithm)
