"""SigningService."""

from __future__ import annotations

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
        wish = _wish(self._callers.of(context), request)
        return _signed(request, await self._signatures.sign(wish))

    async def BatchSignDigests(
        self, request: pb.BatchSignDigestsRequest, context: Context
    ) -> pb.BatchSignDigestsResponse:
        """See the proto."""
        caller = self._callers.of(context)
        if not 1 <= len(request.items) <= MAX_BATCH_ITEMS:
            raise ServiceError("BATCH_SIZE_WRONG", maximum=MAX_BATCH_ITEMS, found=len(request.items))
        self._signatures.require_room(caller, (item.request_id for item in request.items))
        wishes = [_wish_or_error(caller, item) for item in request.items]
        outcomes = iter(
            await self._signatures.sign_together([wish for wish in wishes if isinstance(wish, SignatureWish)])
        )
        results = [
            _result(item, next(outcomes) if isinstance(wish, SignatureWish) else wish)
            for item, wish in zip(request.items, wishes, strict=True)
        ]
        return pb.BatchSignDigestsResponse(results=results)


def _wish(caller: Caller, item: pb.SignDigestRequest) -> SignatureWish:
    return SignatureWish(
        request=request_of(caller, item.request_id, "SignDigest", item),
        key_id=check_key_id(item.key_id),
        algorithm=signature_algorithm_from_proto(item.algorithm),
        digest=item.digest,
        salt=item.salt,
        client_partial=item.client_partial,
    )


def _wish_or_error(caller: Caller, item: pb.SignDigestRequest) -> SignatureWish | FoursealError:
    try:
        return _wish(caller, item)
    except FoursealError as error:
        return error


def _result(item: pb.SignDigestRequest, outcome: bytes | Exception) -> pb.BatchSignDigestsResult:
    if isinstance(outcome, FoursealError):
        return pb.BatchSignDigestsResult(error=item_error(outcome))
    if isinstance(outcome, Exception):
        raise outcome
    return pb.BatchSignDigestsResult(signed=_signed(item, outcome))


def _signed(item: pb.SignDigestRequest, signature: bytes) -> pb.SignDigestResponse:
    return pb.SignDigestResponse(signature=signature, key_id=item.key_id, algorithm=item.algorithm)
