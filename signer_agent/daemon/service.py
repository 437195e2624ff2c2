"""The daemon's gRPC face: decode, ask the agent, encode; and the lock in front of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc
from fourseal.v1 import agent_service_pb2, agent_service_pb2_grpc

from mpc.errors import FoursealError, MalformedInput
from mpc.four_prime_rsa import OaepParameters
from signer_agent.client.agent import LocalAgent
from signer_agent.client.messages import algorithms_from_proto, change_from_proto, key_to_proto
from signer_agent.daemon.opened import Opened
from signer_agent.home import Home
from signer_agent.interface import DEFAULT_HALF_BITS
from signer_agent.model import AgentKey, DigestToSign, SignedDigest
from wire.catalogue import ServiceError
from wire.client.version import VERSION
from wire.convert import hash_algorithm_from_proto, purpose_from_proto, signature_algorithm_from_proto
from wire.ids import new_request_id
from wire.limits import MAX_BATCH_ITEMS
from wire.status import item_error

Context = grpc.aio.ServicerContext[Any, Any]


class AgentRpc(agent_service_pb2_grpc.AgentServiceServicer):
    """AgentService. Starts locked.

    Args:
        home: where the key store is.
        stop: set when a caller asks the process to end.
        lock_after_seconds: it locks itself when it was not used for so long; 0: never.
    """

    def __init__(self, home: Home, stop: asyncio.Event, lock_after_seconds: float) -> None:
        self._home = home
        self._stop = stop
        self._lock_after_seconds = lock_after_seconds
        self._opened: Opened | None = None
        self._turn = asyncio.Lock()
        self._locking: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def GetAgentState(
        self, request: agent_service_pb2.GetAgentStateRequest, context: Context
    ) -> agent_service_pb2.GetAgentStateResponse:
        """See the proto."""
        if self._opened is None:
            return agent_service_pb2.GetAgentStateResponse(locked=True, version=VERSION, process_id=os.getpid())
        state = await self._opened.agent.state()
        return agent_service_pb2.GetAgentStateResponse(
            locked=False,
            version=state.version,
            agent_id=state.agent_id,
            server_address=state.server_address,
            process_id=state.process_id,
            wrong_pins=state.wrong_pins,
        )

    async def UnlockAgent(
        self, request: agent_service_pb2.UnlockAgentRequest, context: Context
    ) -> agent_service_pb2.UnlockAgentResponse:
        """See the proto. An agent that is open is opened again, and so sees a new enrolment."""
        async with self._turn:  # one at a time: each takes 64 MiB
            opened = await LocalAgent.open_store(self._home, request.passphrase)
            self._replace(Opened(opened))
        self._lock_later()
        return agent_service_pb2.UnlockAgentResponse()

    async def LockAgent(
        self, request: agent_service_pb2.LockAgentRequest, context: Context
    ) -> agent_service_pb2.LockAgentResponse:
        """See the proto. What is in flight is finished first."""
        await self.lock()
        return agent_service_pb2.LockAgentResponse()

    async def StopAgent(
        self, request: agent_service_pb2.StopAgentRequest, context: Context
    ) -> agent_service_pb2.StopAgentResponse:
        """See the proto."""
        self._stop.set()
        return agent_service_pb2.StopAgentResponse()

    async def GenerateKey(
        self, request: agent_service_pb2.GenerateKeyRequest, context: Context
    ) -> AsyncIterator[agent_service_pb2.GenerateKeyResponse]:
        """See the proto."""
        generate = partial(
            self._unlocked().generate_key,
            purpose_from_proto(request.purpose),
            half_bits=request.half_bits or DEFAULT_HALF_BITS,
            algorithms=algorithms_from_proto(request.policy),
            daily_limit=request.policy.daily_limit,
            label=request.label,
            request_id=request.request_id or None,
        )
        async with aclosing(_steps_and_key(generate)) as events:
            async for event in events:
                yield agent_service_pb2.GenerateKeyResponse(**event)

    async def RekeyAgentKey(
        self, request: agent_service_pb2.RekeyAgentKeyRequest, context: Context
    ) -> AsyncIterator[agent_service_pb2.RekeyAgentKeyResponse]:
        """See the proto."""
        rekey = partial(self._unlocked().rekey, request.key, request_id=request.request_id or None)
        async with aclosing(_steps_and_key(rekey)) as events:
            async for event in events:
                yield agent_service_pb2.RekeyAgentKeyResponse(**event)

    async def GetAgentKey(
        self, request: agent_service_pb2.GetAgentKeyRequest, context: Context
    ) -> agent_service_pb2.GetAgentKeyResponse:
        """See the proto."""
        key = await self._unlocked().get_key(request.key)
        return agent_service_pb2.GetAgentKeyResponse(agent_key=key_to_proto(key))

    async def ListAgentKeys(
        self, request: agent_service_pb2.ListAgentKeysRequest, context: Context
    ) -> agent_service_pb2.ListAgentKeysResponse:
        """See the proto."""
        page = await self._unlocked().list_key_page(request.page_size, request.page_token)
        keys = await asyncio.to_thread(lambda: list(map(key_to_proto, page.keys)))
        return agent_service_pb2.ListAgentKeysResponse(agent_keys=keys, next_page_token=page.next_page_token)

    async def ChangeKeyState(
        self, request: agent_service_pb2.ChangeKeyStateRequest, context: Context
    ) -> agent_service_pb2.ChangeKeyStateResponse:
        """See the proto."""
        change = change_from_proto(request.change)
        if change is None:
            raise ServiceError("FIELD_INVALID", field="change", problem="it is not set or not known")
        key = await self._unlocked().change_key(request.key, change)
        return agent_service_pb2.ChangeKeyStateResponse(agent_key=key_to_proto(key))

    async def SignAgentDigest(
        self, request: agent_service_pb2.SignAgentDigestRequest, context: Context
    ) -> agent_service_pb2.SignAgentDigestResponse:
        """See the proto."""
        signed = await self._unlocked().sign_item(_digest_to_sign(request))
        return agent_service_pb2.SignAgentDigestResponse(signature=signed.signature, key_id=signed.key_id)

    async def BatchSignAgentDigests(
        self, request: agent_service_pb2.BatchSignAgentDigestsRequest, context: Context
    ) -> agent_service_pb2.BatchSignAgentDigestsResponse:
        """See the proto."""
        agent = self._unlocked()
        if not 1 <= len(request.items) <= MAX_BATCH_ITEMS:
            raise ServiceError("BATCH_SIZE_WRONG", maximum=MAX_BATCH_ITEMS, found=len(request.items))
        items = [_digest_or_error(item) for item in request.items]
        good = [item for item in items if isinstance(item, DigestToSign)]
        outcomes = iter(await agent.sign_digests(good) if good else ())
        results = [_result(item if isinstance(item, FoursealError) else next(outcomes)) for item in items]
        return agent_service_pb2.BatchSignAgentDigestsResponse(results=results)

    async def DecryptCiphertext(
        self, request: agent_service_pb2.DecryptCiphertextRequest, context: Context
    ) -> agent_service_pb2.DecryptCiphertextResponse:
        """See the proto."""
        agent, hash_algorithm = self._unlocked(), hash_algorithm_from_proto(request.hash)
        mgf_hash = hash_algorithm_from_proto(request.mgf_hash) if request.mgf_hash else hash_algorithm
        parameters = OaepParameters(hash_algorithm, mgf_hash, request.label)
        key_id, plaintext = await agent.decrypt_named(request.key, request.ciphertext, parameters)
        return agent_service_pb2.DecryptCiphertextResponse(plaintext=plaintext, key_id=key_id)

    async def lock(self) -> None:
        """Finish what is in flight and forget every opened secret."""
        async with self._turn:
            self._replace(None)
        if self._closing:
            await asyncio.wait(self._closing)  # a caller that does not wait so long does not stop them

    def end_waiting(self) -> None:
        """End the calls that only wait for something to come."""
        if self._opened is not None:
            self._opened.closing.set()

    def opened(self) -> Opened:
        """The opened key store, for a call that uses it. Raises ServiceError (AGENT_LOCKED)."""
        if self._opened is None:
            raise ServiceError("AGENT_LOCKED")
        self._lock_later()
        return self._opened

    def _replace(self, opened: Opened | None) -> None:
        old, self._opened = self._opened, opened
        if old is not None:
            closing = asyncio.create_task(old.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _unlocked(self) -> LocalAgent:
        return self.opened().agent

    def _lock_later(self) -> None:
        """Begin the time after which it locks itself again."""
        if self._locking is not None:
            self._locking.cancel()
        if self._lock_after_seconds:
            self._locking = asyncio.create_task(self._lock_when_unused())

    async def _lock_when_unused(self) -> None:
        await asyncio.sleep(self._lock_after_seconds)
        self._locking = None  # from here on it is not cancelled
        await self.lock()


async def _steps_and_key(work: Callable[..., Coroutine[Any, Any, AgentKey]]) -> AsyncGenerator[dict[str, Any]]:
    """What a generation tells: its steps as they are reached, and last its key; the fields of an answer."""
    steps = asyncio.Queue[str | None]()
    task = asyncio.create_task(work(on_step=steps.put_nowait))
    task.add_done_callback(lambda _: steps.put_nowait(None))
    try:
        while (step := await steps.get()) is not None:
            yield {"step": step}
        yield {"agent_key": key_to_proto(await task)}
    finally:
        task.cancel()  # without effect on one that ended; else the caller went away, and it can be finished later


def _digest_to_sign(request: agent_service_pb2.SignAgentDigestRequest) -> DigestToSign:
    algorithm = signature_algorithm_from_proto(request.algorithm)
    return DigestToSign(request.key, algorithm, request.digest, request.request_id or new_request_id())


def _digest_or_error(request: agent_service_pb2.SignAgentDigestRequest) -> DigestToSign | MalformedInput:
    try:
        return _digest_to_sign(request)
    except MalformedInput as error:
        return error


def _result(outcome: SignedDigest | FoursealError) -> agent_service_pb2.BatchSignAgentDigestsResult:
    if isinstance(outcome, FoursealError):
        return agent_service_pb2.BatchSignAgentDigestsResult(error=item_error(outcome))
    signed = agent_service_pb2.SignAgentDigestResponse(signature=outcome.signature, key_id=outcome.key_id)
    return agent_service_pb2.BatchSignAgentDigestsResult(signed=signed)
