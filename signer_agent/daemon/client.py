"""An agent behind a daemon's socket: everything of ``AsyncAgent``, asked for over gRPC."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from fourseal.v1 import agent_service_pb2
from fourseal.v1.agent_service_pb2_grpc import AgentServiceStub

from mpc.errors import DecryptionFailed, FoursealError, PeerMisbehaved
from mpc.four_prime_rsa import OaepParameters, Purpose, Role, SignatureAlgorithm
from signer_agent.client.messages import change_to_proto, key_from_proto, policy_to_proto
from signer_agent.home import Home
from signer_agent.interface import DEFAULT_ALGORITHM, DEFAULT_HALF_BITS, DEFAULT_OAEP, AsyncAgent, OnStep
from signer_agent.keystore.entries import GenerationRequest
from signer_agent.model import AgentKey, AgentState, DigestToSign, KeyChange, KeyPage, SignedDigest
from signer_agent.requests import checked_key_name, checked_page_size, generation_request
from signer_agent.usage import Usage
from wire.catalogue import ServiceError
from wire.client.blame import answer_malformed
from wire.client.private_folder import PrivateFolder
from wire.convert import hash_algorithm_to_proto, purpose_to_proto, signature_algorithm_to_proto
from wire.ids import check_request_id, new_request_id
from wire.limits import DEFAULT_DEADLINE_SECONDS, MAX_DEADLINE_SECONDS, channel_options
from wire.status import DETAILS_KEY, RemoteError, error_from_item, error_from_rpc

if TYPE_CHECKING:  # the stub exists for the type checker only
    from fourseal.v1.agent_service_pb2_grpc import AgentServiceAsyncStub

    from signer_agent.contracts.contracts import Contracts

_OPTIONS: Final = [  # else a daemon that has just been started again is taken for dead, as it was a moment ago
    ("grpc.use_local_subchannel_pool", 1)
]

_Response = TypeVar("_Response")
_Event = TypeVar("_Event", agent_service_pb2.GenerateKeyResponse, agent_service_pb2.RekeyAgentKeyResponse)


class DaemonAgent(AsyncAgent):
    """See ``AsyncAgent``. Belongs to the event loop that it was made on.

    Who sits behind the socket is known by the folder's permissions: only we, or root, could put one there.

    Args:
        home: where the daemon runs.

    Raises:
        ServiceError: AGENT_NOT_RUNNING, STORE_PERMISSIONS.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        if not os.path.lexists(home.socket):
            raise ServiceError("AGENT_NOT_RUNNING", folder=str(home.folder))
        for folder in (home.folder, home.run):
            PrivateFolder.open(folder)
        self._channel = grpc.aio.insecure_channel(home.socket_address, [*channel_options(), *_OPTIONS])
        self._stub: AgentServiceAsyncStub = AgentServiceStub(self._channel)
        self._usage = Usage()

    async def state(self) -> AgentState:
        """See ``AsyncAgent``. Raises ServiceError (AGENT_NOT_RUNNING)."""
        found = await self._call(self._stub.GetAgentState, agent_service_pb2.GetAgentStateRequest())
        return AgentState(
            found.locked, found.version, found.agent_id, found.server_address, found.process_id, found.wrong_pins
        )

    async def require_unlocked(self) -> None:
        """Raise ServiceError (AGENT_NOT_RUNNING, AGENT_LOCKED) unless the daemon can work."""
        if (await self.state()).locked:
            raise ServiceError("AGENT_LOCKED")

    async def unlock(self, passphrase: str) -> None:
        """Open the daemon's key store. Raises as ``AsyncAgent.open``, and ServiceError (AGENT_NOT_RUNNING)."""
        await self._call(self._stub.UnlockAgent, agent_service_pb2.UnlockAgentRequest(passphrase=passphrase))

    async def lock(self) -> None:
        """Make the daemon forget every opened secret. Raises ServiceError (AGENT_NOT_RUNNING)."""
        await self._call(self._stub.LockAgent, agent_service_pb2.LockAgentRequest())

    async def stop(self) -> None:
        """Ask the daemon to end. Raises ServiceError (AGENT_NOT_RUNNING)."""
        await self._call(self._stub.StopAgent, agent_service_pb2.StopAgentRequest())

    async def generate_key(
        self,
        purpose: Purpose | str,
        *,
        half_bits: int = DEFAULT_HALF_BITS,
        algorithms: Sequence[SignatureAlgorithm] = (),
        daily_limit: int = 0,
        label: str = "",
        request_id: str | None = None,
        on_step: OnStep | None = None,
    ) -> AgentKey:
        """See ``AsyncAgent``."""
        asked = generation_request(purpose, half_bits, algorithms, daily_limit, label, request_id, datetime.now(UTC))
        return await self._key_of(self._stub.GenerateKey, _generate_request(asked), on_step)

    async def rekey(self, key: str, *, request_id: str | None = None, on_step: OnStep | None = None) -> AgentKey:
        """See ``AsyncAgent``."""
        named = "" if request_id is None else check_request_id(request_id)
        request = agent_service_pb2.RekeyAgentKeyRequest(request_id=named, key=checked_key_name(key))
        return await self._key_of(self._stub.RekeyAgentKey, request, on_step)

    async def get_key(self, key: str) -> AgentKey:
        """See ``AsyncAgent``."""
        found = await self._call(
            self._stub.GetAgentKey, agent_service_pb2.GetAgentKeyRequest(key=checked_key_name(key))
        )
        return _read(found.agent_key)

    async def list_key_page(self, page_size: int = 0, page_token: str = "") -> KeyPage:
        """See ``AsyncAgent``."""
        request = agent_service_pb2.ListAgentKeysRequest(page_size=checked_page_size(page_size), page_token=page_token)
        found = await self._call(self._stub.ListAgentKeys, request)
        keys = await asyncio.to_thread(lambda: tuple(map(_read, found.agent_keys)))
        return KeyPage(keys, found.next_page_token)

    async def change_key(self, key: str, change: KeyChange) -> AgentKey:
        """See ``AsyncAgent``."""
        request = agent_service_pb2.ChangeKeyStateRequest(key=checked_key_name(key), change=change_to_proto(change))
        return _read((await self._call(self._stub.ChangeKeyState, request)).agent_key)

    async def sign_digest(
        self,
        key: str,
        digest: bytes,
        algorithm: SignatureAlgorithm = DEFAULT_ALGORITHM,
        *,
        request_id: str | None = None,
    ) -> bytes:
        """See ``AsyncAgent``."""
        request = _sign_request(DigestToSign(key, algorithm, digest, request_id or new_request_id()))
        return (await self._call(self._stub.SignAgentDigest, request)).signature

    async def sign_digests(self, items: Sequence[DigestToSign]) -> list[SignedDigest | FoursealError]:
        """See ``AsyncAgent``."""
        request = agent_service_pb2.BatchSignAgentDigestsRequest(items=map(_sign_request, items))
        answer = await self._call(self._stub.BatchSignAgentDigests, request)
        if len(answer.results) != len(items):
            raise answer_malformed("it has not as many results as items")
        return [_outcome(result) for result in answer.results]

    async def decrypt(self, key: str, ciphertext: bytes, parameters: OaepParameters = DEFAULT_OAEP) -> bytes:
        """See ``AsyncAgent``."""
        request = agent_service_pb2.DecryptCiphertextRequest(
            key=checked_key_name(key),
            ciphertext=ciphertext,
            hash=hash_algorithm_to_proto(parameters.hash),
            mgf_hash=hash_algorithm_to_proto(parameters.mgf_hash),
            label=parameters.label,
        )
        return (await self._call(self._stub.DecryptCiphertext, request)).plaintext

    async def contracts(self) -> Contracts:
        """See ``AsyncAgent``. Raises ServiceError (STORE_NOT_OPEN), always."""
        raise ServiceError("STORE_NOT_OPEN", folder=str(self._home.folder))

    async def close(self) -> None:
        """See ``AsyncAgent``."""
        await self._usage.end()
        await self._channel.close()

    async def _key_of(
        self, method: Callable[..., AsyncIterable[_Event]], request: object, on_step: OnStep | None
    ) -> AgentKey:
        with self._usage.call():
            try:
                async for event in method(request, timeout=MAX_DEADLINE_SECONDS):
                    if event.HasField("agent_key"):
                        return _read(event.agent_key)
                    if on_step is not None:
                        on_step(event.step)
            except grpc.aio.AioRpcError as error:
                raise self._refusal(error) from None
        raise answer_malformed("it ended without a key")

    async def _call(self, method: Callable[..., Awaitable[_Response]], request: object) -> _Response:
        with self._usage.call():
            try:
                return await method(request, timeout=DEFAULT_DEADLINE_SECONDS)
            except grpc.aio.AioRpcError as error:
                raise self._refusal(error) from None

    def _refusal(self, error: grpc.aio.AioRpcError) -> FoursealError:
        answered = any(key == DETAILS_KEY for key, _ in error.trailing_metadata() or ())
        if error.code() is grpc.StatusCode.UNAVAILABLE and not answered:
            return ServiceError("AGENT_NOT_RUNNING", folder=str(self._home.folder))
        return _as_raised_there(error_from_rpc(error))


def _as_raised_there(error: RemoteError) -> FoursealError:
    """The error with the type that it had in the daemon, as far as callers ask for types."""
    if error.reason == "DECRYPTION_FAILED":
        return DecryptionFailed()
    if error.metadata.get("culprit") == Role.SERVER:
        return PeerMisbehaved(error.reason, str(error), **{**error.metadata, "culprit": Role.SERVER})
    return error


def _generate_request(asked: GenerationRequest) -> agent_service_pb2.GenerateKeyRequest:
    return agent_service_pb2.GenerateKeyRequest(
        request_id=asked.request_id,
        purpose=purpose_to_proto(asked.purpose),
        half_bits=asked.half_bits,
        policy=policy_to_proto(asked.algorithms, asked.daily_limit),
        label=asked.label,
    )


def _sign_request(item: DigestToSign) -> agent_service_pb2.SignAgentDigestRequest:
    return agent_service_pb2.SignAgentDigestRequest(
        request_id=check_request_id(item.request_id),
        key=checked_key_name(item.key),
        algorithm=signature_algorithm_to_proto(item.algorithm),
        digest=item.digest,
    )


def _outcome(result: agent_service_pb2.BatchSignAgentDigestsResult) -> SignedDigest | FoursealError:
    if result.HasField("error"):
        return _as_raised_there(error_from_item(result.error))
    return SignedDigest(result.signed.key_id, result.signed.signature)


def _read(agent_key: agent_service_pb2.AgentKey) -> AgentKey:
    return key_from_proto(agent_key.key, agent_key.label)
