"""KeyService."""

from __future__ import annotations

import re
from typing import Final

from fourseal.v1 import key_service_pb2 as pb
from fourseal.v1 import key_service_pb2_grpc

from mpc.four_prime_rsa import HALF_BITS
from server.identity import CallerReader
from server.journal import own_request_of, request_of
from server.signing.generation import Generation
from server.signing.keys import Keys
from server.signing.rpc.convert import Context, key_to_proto, policy_from_proto
from server.signing.states import KeyChange
from server.signing.store import Key
from server.signing.wishes import GenerationWish, OpeningWish, abort_request_id, finish_request_id
from wire.catalogue import ServiceError
from wire.convert import purpose_from_proto
from wire.ids import check_key_id

_REASON: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)


ChangeRequest = (
    pb.EnableKeyRequest
    | pb.DisableKeyRequest
    | pb.ScheduleKeyDestructionRequest
    | pb.CancelKeyDestructionRequest
    | pb.DestroyKeyRequest
)


class KeyRpc(key_service_pb2_grpc.KeyServiceServicer):
    """KeyService.

    Args:
        callers: says who calls.
        generation: the rules of generation.
        keys: the rules of the life after it.
    """

    def __init__(self, callers: CallerReader, generation: Generation, keys: Keys) -> None:
        self._callers = callers
        self._generation = generation
        self._keys = keys

    async def BeginKeyGeneration(
        self, request: pb.BeginKeyGenerationRequest, context: Context
    ) -> pb.BeginKeyGenerationResponse:
        """See the proto."""
        caller = self._callers.of(context)
        purpose = purpose_from_proto(request.purpose)
        if request.half_bits not in HALF_BITS:
            raise ServiceError("HALF_BITS_WRONG", found=request.half_bits)
        algorithms, daily_limit = policy_from_proto(request.policy, purpose)
        wish = GenerationWish(
            request=request_of(caller, request.request_id, "BeginKeyGeneration", request),
            purpose=purpose,
            half_bits=request.half_bits,
            algorithms=algorithms,
            daily_limit=daily_limit,
            client_commitment=request.client_commitment,
            replaces_key_id=check_key_id(request.replaces_key_id) if request.replaces_key_id else None,
        )
        key, roots = await self._generation.begin(wish)
        return pb.BeginKeyGenerationResponse(key=key_to_proto(key), server_certification_roots=roots)

    async def FinishKeyGeneration(
        self, request: pb.FinishKeyGenerationRequest, context: Context
    ) -> pb.FinishKeyGenerationResponse:
        """See the proto."""
        caller = self._callers.of(context)
        key_id = check_key_id(request.key_id)
        wish = OpeningWish(
            request=own_request_of(caller, finish_request_id(key_id), "FinishKeyGeneration", request),
            key_id=key_id,
            client_modulus=request.client_modulus,
            nonce=request.commitment_nonce,
            roots=list(request.client_certification_roots),
        )
        return pb.FinishKeyGenerationResponse(key=key_to_proto(await self._generation.finish(wish)))

    async def AbortKeyGeneration(
        self, request: pb.AbortKeyGenerationRequest, context: Context
    ) -> pb.AbortKeyGenerationResponse:
        """See the proto."""
        caller = self._callers.of(context)
        key_id = check_key_id(request.key_id)
        if not _REASON.fullmatch(request.reason):
            problem = "not 1 to 64 characters of [A-Z0-9_], a letter first"
            raise ServiceError("FIELD_INVALID", field="reason", problem=problem)
        named = pb.AbortKeyGenerationRequest(key_id=key_id)  # a repeat may give another reason
        abort = own_request_of(caller, abort_request_id(key_id), "AbortKeyGeneration", named)
        key = await self._generation.abort(abort, key_id, request.reason)
        return pb.AbortKeyGenerationResponse(key=key_to_proto(key))

    async def GetKey(self, request: pb.GetKeyRequest, context: Context) -> pb.GetKeyResponse:
        """See the proto."""
        caller = self._callers.of(context)
        return pb.GetKeyResponse(key=key_to_proto(await self._keys.get(caller, check_key_id(request.key_id))))

    async def ListKeys(self, request: pb.ListKeysRequest, context: Context) -> pb.ListKeysResponse:
        """See the proto."""
        caller = self._callers.of(context)
        page = await self._keys.list(caller, request.page_size, request.page_token)
        return pb.ListKeysResponse(keys=map(key_to_proto, page.rows), next_page_token=page.next_token)

    async def EnableKey(self, request: pb.EnableKeyRequest, context: Context) -> pb.EnableKeyResponse:
        """See the proto."""
        return pb.EnableKeyResponse(key=key_to_proto(await self._change(request, context, KeyChange.ENABLE)))

    async def DisableKey(self, request: pb.DisableKeyRequest, context: Context) -> pb.DisableKeyResponse:
        """See the proto."""
        return pb.DisableKeyResponse(key=key_to_proto(await self._change(request, context, KeyChange.DISABLE)))

    async def ScheduleKeyDestruction(
        self, request: pb.ScheduleKeyDestructionRequest, context: Context
    ) -> pb.ScheduleKeyDestructionResponse:
        """See the proto."""
        key = await self._change(request, context, KeyChange.SCHEDULE_DESTRUCTION)
        return pb.ScheduleKeyDestructionResponse(key=key_to_proto(key))

    async def CancelKeyDestruction(
        self, request: pb.CancelKeyDestructionRequest, context: Context
    ) -> pb.CancelKeyDestructionResponse:
        """See the proto."""
        key = await self._change(request, context, KeyChange.CANCEL_DESTRUCTION)
        return pb.CancelKeyDestructionResponse(key=key_to_proto(key))

    async def DestroyKey(self, request: pb.DestroyKeyRequest, context: Context) -> pb.DestroyKeyResponse:
        """See the proto."""
        return pb.DestroyKeyResponse(key=key_to_proto(await self._change(request, context, KeyChange.DESTROY)))

    async def _change(self, message: ChangeRequest, context: Context, change: KeyChange) -> Key:
        caller = self._callers.of(context)
        key_id = check_key_id(message.key_id)
        request = request_of(caller, message.request_id, change.value, message)
        return await self._keys.change(request, key_id, change)
