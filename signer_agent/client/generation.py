"""Two-party generation of a joint key, from the client's side, so that a crash anywhere does no harm.

1. Our share is made and stored, with the nonce of its commitment.
2. BeginKeyGeneration: the commitment goes out, the server's modulus and proof come back.
3. They are checked. FinishKeyGeneration: our modulus and proof go out, the finished key comes back.
4. The key is stored, and the generation forgotten.

After a crash between 1 and 4 the same steps run again from the stored generation: recovery is the normal path. Both
calls are idempotent, and our opening is the same every time, so what comes of it is one key, or none. Where either side
refuses for good, the generation is forgotten with its share, which was never in use.

A re-key goes the same way with the share of the replaced key, which stays where it is until the new key is stored.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final, Protocol, TypeVar
from weakref import WeakValueDictionary

import grpc
from fourseal.v1 import key_pb2, key_service_pb2

from mpc.engines import Engine
from mpc.errors import FoursealError, PeerMisbehaved, blaming
from mpc.four_prime_rsa import (
    GenerationTerms,
    JointPublicKey,
    KeyShare,
    Opening,
    Role,
    commit_to_share,
    open_commitment,
)
from signer_agent.client.answers import checked_key, fetch_key
from signer_agent.client.messages import policy_to_proto
from signer_agent.client.server_line import ServerLine
from signer_agent.fresh_shares import make_shares
from signer_agent.interface import OnStep
from signer_agent.keystore.entries import GenerationRequest, KeyRecord, PendingGeneration
from signer_agent.keystore.store import KeyStore
from signer_agent.model import AgentKey
from wire.catalogue import ServiceError
from wire.client.blame import answer_malformed
from wire.convert import purpose_to_proto
from wire.ids import check_key_id
from wire.limits import MAX_DEADLINE_SECONDS
from wire.status import RemoteError

_ABORT_SECONDS: Final = 5.0
_FINAL_CODES: Final = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.ABORTED,
)

_Result = TypeVar("_Result")


class InThread(Protocol):
    """Runs a function in a worker thread."""

    def __call__(self, function: Callable[[], _Result], /) -> Awaitable[_Result]:
        """Return its result."""


class Generations:
    """Generates keys; of one request there is one generation at a time.

    Args:
        store: the opened key store.
        engine: who exponentiates.
        in_thread: where the work is done.
    """

    def __init__(self, store: KeyStore, engine: Engine, in_thread: InThread) -> None:
        self._store = store
        self._engine = engine
        self._in_thread = in_thread
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by request id, while under way
        self._requests_by_key: dict[str, str] = {}

    async def generate(self, line: ServerLine, request: GenerationRequest, on_step: OnStep) -> AgentKey:
        """Generate a key, or finish the generation that began with the same request id, or return what came of it.

        Raises:
            FoursealError: REQUEST_ID_REUSED for another request; what the server refuses; PeerMisbehaved.
        """
        async with self._turn(request.request_id):
            await self._finish_others(line, on_step)
            known = await self._in_thread(lambda: self._known(request.request_id))
            if known is not None and not same_request(known.request, request):
                raise ServiceError("REQUEST_ID_REUSED")
            if isinstance(known, KeyRecord):
                return await fetch_key(line, known.key_id, known)
            if known is None and request.replaces_key_id:
                known = await self._in_thread(lambda: self._begin_rekey(request))
            elif known is None:
                on_step("Making our key share")
                shares = await asyncio.to_thread(make_shares, [request.purpose], request.half_bits)
                known = await self._in_thread(lambda: self._begin(request, shares[request.purpose]))
            return await self._finish(line, known, on_step)

    async def finish_interrupted(self, line: ServerLine) -> None:
        """Finish what a crash interrupted. What cannot be finished now is left for later."""
        await self._finish_others(line, lambda _: None)

    def _turn(self, request_id: str) -> asyncio.Lock:
        lock = self._turns.get(request_id)
        if lock is None:
            lock = self._turns[request_id] = asyncio.Lock()
        return lock

    async def _finish_others(self, line: ServerLine, on_step: OnStep) -> None:
        """Finish those that nobody is at."""
        for other in await self._in_thread(self._store.request_ids):
            if other in self._turns:
                continue
            on_step("Finishing a generation that was interrupted")
            async with self._turn(other):
                try:
                    pending = await self._in_thread(partial(self._store.pending_generation, other))
                    if pending is not None:
                        await self._finish(line, pending, lambda _: None)
                except FoursealError as error:
                    on_step(f"It could not be finished: {error}")

    def _known(self, request_id: str) -> PendingGeneration | KeyRecord | None:
        pending = self._store.pending_generation(request_id)
        return pending or next((key for key in self._store.records() if key.request.request_id == request_id), None)

    def _begin(
        self, request: GenerationRequest, share: KeyShare, replaced: JointPublicKey | None = None
    ) -> PendingGeneration:
        pending = PendingGeneration(request, commit_to_share(share, secrets.token_bytes), replaced)
        self._store.save_pending_generation(pending)
        return pending

    def _begin_rekey(self, request: GenerationRequest) -> PendingGeneration:
        replaced, share = self._store.key(request.replaces_key_id), self._store.share(request.replaces_key_id)
        if replaced is None or share is None:
            raise ServiceError("SHARE_MISSING", key_id=request.replaces_key_id)
        return self._begin(request, share, replaced.joint_key)

    async def _finish(self, line: ServerLine, pending: PendingGeneration, on_step: OnStep) -> AgentKey:
        begun: key_service_pb2.BeginKeyGenerationResponse | None = None
        try:
            on_step("Sending our commitment; waiting for the server's key share")
            begun = await line.call(line.keys.BeginKeyGeneration, _begin_request(pending), seconds=MAX_DEADLINE_SECONDS)
            on_step("Checking the server's modulus and its proof")
            opening = await self._in_thread(partial(self._open, pending, begun))
            on_step("Opening our commitment")
            finished = await line.call(line.keys.FinishKeyGeneration, _finish_request(begun.key.key_id, opening))
            record = KeyRecord(begun.key.key_id, pending.request, opening.joint_key)
            key = _finished_key(finished.key, record)
            await self._in_thread(lambda: self._store.finish_generation(pending, record))
        except FoursealError as error:
            if _is_final(error):
                await self._give_up(line, pending, begun, error)
            raise
        return key

    def _open(self, pending: PendingGeneration, begun: key_service_pb2.BeginKeyGenerationResponse) -> Opening:
        request = pending.request
        self._require_id_of_its_own(begun.key.key_id, request)
        with blaming(Role.SERVER):
            key_id = check_key_id(begun.key.key_id)
        if begun.key.replaces_key_id != request.replaces_key_id:
            raise answer_malformed("the new key replaces another key than was asked for")
        commitment = pending.client.commitment
        terms = GenerationTerms(key_id, request.purpose, request.half_bits, commitment, pending.replaced)
        return open_commitment(
            pending.client,
            terms,
            begun.key.server_modulus,
            list(begun.server_certification_roots),
            self._engine,
            secrets.token_bytes,
        )

    def _require_id_of_its_own(self, key_id: str, request: GenerationRequest) -> None:
        """A server that gave a new key the id of another one would make us overwrite that key's share."""
        with blaming(Role.SERVER):
            known = self._store.key(key_id)
        taken_by = self._requests_by_key.setdefault(key_id, request.request_id)  # of generations under way too
        if known is not None:
            taken_by = known.request.request_id
        if taken_by != request.request_id:
            raise answer_malformed("it gives the new key the id of another key")

    async def _give_up(
        self,
        line: ServerLine,
        pending: PendingGeneration,
        begun: key_service_pb2.BeginKeyGenerationResponse | None,
        error: FoursealError,
    ) -> None:
        if begun is not None and isinstance(error, PeerMisbehaved):
            request = key_service_pb2.AbortKeyGenerationRequest(key_id=begun.key.key_id, reason=error.reason)
            with suppress(FoursealError):  # a courtesy to a server that misbehaved: without us there is no key anyway
                await line.call(line.keys.AbortKeyGeneration, request, seconds=_ABORT_SECONDS)
        await self._in_thread(lambda: self._store.remove_pending_generation(pending.request.request_id))


def same_request(one: GenerationRequest, other: GenerationRequest) -> bool:
    """Whether two requests ask for the same key; when they came does not matter."""
    return one.to_public() | {"create_time": ""} == other.to_public() | {"create_time": ""}


def _finished_key(answer: key_pb2.Key, record: KeyRecord) -> AgentKey:
    key, request = checked_key(answer, record), record.request
    if (set(key.algorithms), key.daily_limit) != (set(request.algorithms), request.daily_limit):
        raise answer_malformed("the key has another policy than was asked for")
    if key.replaces_key_id != request.replaces_key_id:
        raise answer_malformed("the key replaces another key than was asked for")
    return key


def _is_final(error: FoursealError) -> bool:
    """Whether repeating the generation can never work. A lost connection, a full disk and the like can be mended."""
    return isinstance(error, PeerMisbehaved) or (isinstance(error, RemoteError) and error.code in _FINAL_CODES)


def _begin_request(pending: PendingGeneration) -> key_service_pb2.BeginKeyGenerationRequest:
    request = pending.request
    return key_service_pb2.BeginKeyGenerationRequest(
        request_id=request.request_id,
        purpose=purpose_to_proto(request.purpose),
        half_bits=request.half_bits,
        policy=policy_to_proto(request.algorithms, request.daily_limit),
        client_commitment=pending.client.commitment,
        replaces_key_id=request.replaces_key_id,
    )


def _finish_request(key_id: str, opening: Opening) -> key_service_pb2.FinishKeyGenerationRequest:
    return key_service_pb2.FinishKeyGenerationRequest(
        key_id=key_id,
        client_modulus=opening.modulus,
        commitment_nonce=opening.nonce,
        client_certification_roots=opening.roots,
    )
