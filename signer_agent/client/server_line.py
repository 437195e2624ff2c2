"""The line to the server: mutual TLS, deadlines, and what is repeated.

Only UNAVAILABLE is repeated: the server could not be reached, went away before it answered, or says so itself. The
request stays the same, with the same request_id, so the server does its work once however often it is asked.
Repeating ends after 10 seconds, or with the call's deadline. A call whose lease has expired is made once more with
another one: nothing was done.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1.account_service_pb2_grpc import AccountServiceStub
from fourseal.v1.certificate_service_pb2_grpc import CertificateServiceStub
from fourseal.v1.contract_session_service_pb2_grpc import ContractSessionServiceStub
from fourseal.v1.decryption_service_pb2_grpc import DecryptionServiceStub
from fourseal.v1.device_service_pb2_grpc import DeviceServiceStub
from fourseal.v1.drafting_service_pb2_grpc import DraftingServiceStub
from fourseal.v1.evidence_service_pb2_grpc import EvidenceServiceStub
from fourseal.v1.key_service_pb2_grpc import KeyServiceStub
from fourseal.v1.lease_service_pb2_grpc import LeaseServiceStub
from fourseal.v1.pin_service_pb2_grpc import PinGuardServiceStub
from fourseal.v1.registration_service_pb2_grpc import RegistrationServiceStub
from fourseal.v1.signing_service_pb2_grpc import SigningServiceStub
from fourseal.v1.transaction_service_pb2_grpc import TransactionServiceStub
from fourseal.v1.transparency_service_pb2_grpc import TransparencyServiceStub
from fourseal.v1.trusteeship_service_pb2_grpc import TrusteeshipServiceStub

from signer_agent.client.leases import Lease
from signer_agent.keystore.entries import Identity
from signer_agent.keystore.store import KeyStore
from wire.catalogue import ServiceError
from wire.limits import channel_options
from wire.peer import LEASE_KEY, LOGIN_KEY
from wire.status import RemoteError, error_from_rpc
from wire.tls import channel_credentials

if TYPE_CHECKING:  # these exist for the type checker only
    from fourseal.v1.account_service_pb2_grpc import AccountServiceAsyncStub
    from fourseal.v1.certificate_service_pb2_grpc import CertificateServiceAsyncStub
    from fourseal.v1.contract_session_service_pb2_grpc import ContractSessionServiceAsyncStub
    from fourseal.v1.decryption_service_pb2_grpc import DecryptionServiceAsyncStub
    from fourseal.v1.device_service_pb2_grpc import DeviceServiceAsyncStub
    from fourseal.v1.drafting_service_pb2_grpc import DraftingServiceAsyncStub
    from fourseal.v1.evidence_service_pb2_grpc import EvidenceServiceAsyncStub
    from fourseal.v1.key_service_pb2_grpc import KeyServiceAsyncStub
    from fourseal.v1.lease_service_pb2 import TakeLeaseRequest, TakeLeaseResponse
    from fourseal.v1.lease_service_pb2_grpc import LeaseServiceAsyncStub
    from fourseal.v1.pin_service_pb2_grpc import PinGuardServiceAsyncStub
    from fourseal.v1.registration_service_pb2_grpc import RegistrationServiceAsyncStub
    from fourseal.v1.signing_service_pb2_grpc import SigningServiceAsyncStub
    from fourseal.v1.transaction_service_pb2_grpc import TransactionServiceAsyncStub
    from fourseal.v1.transparency_service_pb2_grpc import TransparencyServiceAsyncStub
    from fourseal.v1.trusteeship_service_pb2_grpc import TrusteeshipServiceAsyncStub

CALL_SECONDS: Final = 15.0
"""Deadline of a call, its repetitions included."""

_REPEAT_SECONDS: Final = 10.0  # a server that is started again serves within 5

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 1.0
_RECONNECT_OPTIONS: Final = [  # gRPC's own pauses grow to two minutes: a server that is back would not be seen
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_UNTRUSTED_MARKS: Final = ("CERTIFICATE_VERIFY_FAILED", "Peer name", "WRONG_VERSION_NUMBER")

Metadata = tuple[tuple[str, str | bytes], ...]
"""What goes with a call."""

_Response = TypeVar("_Response")


class ServerLine:
    """A connection to the server, opened when it is first used. Belongs to the event loop that it was made on.

    Args:
        identity: who we are, and whom we believe.
        store: where it is from, for leases; None: calls carry none, which an agent that has taken one is refused.

    Raises:
        ServiceError: CERTIFICATE_EXPIRED: ours.
    """

    def __init__(self, identity: Identity, store: KeyStore | None = None) -> None:
        _require_current(identity.certificate_pem)
        self.identity = identity
        self._lease = None if store is None else Lease(store, identity.certificate_pem, self._take_lease)
        self._address = identity.server_address
        key_pem = identity.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        credentials = channel_credentials(identity.authority_pem, key_pem, identity.certificate_pem)
        self._channel = grpc.aio.secure_channel(
            identity.server_address, credentials, [*channel_options(), *_RECONNECT_OPTIONS]
        )
        self.keys: KeyServiceAsyncStub = KeyServiceStub(self._channel)
        self.signing: SigningServiceAsyncStub = SigningServiceStub(self._channel)
        self.decryption: DecryptionServiceAsyncStub = DecryptionServiceStub(self._channel)
        self.devices: DeviceServiceAsyncStub = DeviceServiceStub(self._channel)
        self.accounts: AccountServiceAsyncStub = AccountServiceStub(self._channel)
        self.certificates: CertificateServiceAsyncStub = CertificateServiceStub(self._channel)
        self._leases: LeaseServiceAsyncStub = LeaseServiceStub(self._channel)
        self.pin_guards: PinGuardServiceAsyncStub = PinGuardServiceStub(self._channel)
        self.registration: RegistrationServiceAsyncStub = RegistrationServiceStub(self._channel)
        self.sessions: ContractSessionServiceAsyncStub = ContractSessionServiceStub(self._channel)
        self.evidence: EvidenceServiceAsyncStub = EvidenceServiceStub(self._channel)
        self.transparency: TransparencyServiceAsyncStub = TransparencyServiceStub(self._channel)
        self.transactions: TransactionServiceAsyncStub = TransactionServiceStub(self._channel)
        self.drafting: DraftingServiceAsyncStub = DraftingServiceStub(self._channel)
        self.trusteeship: TrusteeshipServiceAsyncStub = TrusteeshipServiceStub(self._channel)

    async def call(
        self,
        method: Callable[..., Awaitable[_Response]],
        request: object,
        *,
        seconds: float = CALL_SECONDS,
        login_token: str = "",
    ) -> _Response:
        """Call the server, and repeat while it is unavailable.

        Args:
            method: of one of the stubs.
            request: its request; whatever changes something has a request_id.
            seconds: deadline.
            login_token: of the account that is logged in, secret; empty where the call needs none.

        Raises:
            RemoteError: what the server, or gRPC for it, answered.
            FoursealError: SERVER_UNTRUSTED; those of ``Lease.current``.
        """
        lease = await self._current_lease()
        try:
            return await self._call(method, request, seconds, login_token, lease)
        except RemoteError as error:
            if self._lease is None or error.reason != "LEASE_EXPIRED":
                raise
        self._lease.drop(lease)
        return await self._call(method, request, seconds, login_token, await self._current_lease())

    async def metadata(self, login_token: str) -> Metadata:
        """What a stream carries. Raises as ``Lease.current``."""
        return _metadata(login_token, await self._current_lease())

    async def close(self) -> None:
        """Close the connection. Nothing may be in flight."""
        if self._lease is not None:
            await self._lease.close()
        await self._channel.close()

    async def _current_lease(self) -> bytes:
        return b"" if self._lease is None else await self._lease.current()

    async def _call(
        self,
        method: Callable[..., Awaitable[_Response]],
        request: object,
        seconds: float,
        login_token: str,
        lease: bytes,
    ) -> _Response:
        carrying = functools.partial(method, metadata=_metadata(login_token, lease))
        return await call_repeatedly(carrying, request, self._address, seconds)

    async def _take_lease(self, request: TakeLeaseRequest) -> TakeLeaseResponse:
        return await call_repeatedly(self._leases.TakeLease, request, self._address, CALL_SECONDS)


async def call_repeatedly(
    method: Callable[..., Awaitable[_Response]], request: object, address: str, seconds: float
) -> _Response:
    """See ``ServerLine.call``; ``address`` is for the errors."""
    loop = asyncio.get_running_loop()
    start, pause = loop.time(), _FIRST_PAUSE_SECONDS
    end_of_repeating = start + min(seconds, _REPEAT_SECONDS)
    while True:
        try:
            return await method(request, timeout=start + seconds - loop.time())
        except grpc.aio.AioRpcError as error:
            refusal = _refusal(error, address)
        jittered = pause * random.uniform(0.5, 1.0)  # noqa: S311  # so that many callers do not come back at once
        # As long as the pause is left for the answer: a call cut off by the deadline would hide what the server said.
        if refusal.code is not grpc.StatusCode.UNAVAILABLE or loop.time() + 2 * jittered >= end_of_repeating:
            raise refusal
        await asyncio.sleep(jittered)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _metadata(login_token: str, lease: bytes) -> Metadata:
    carried: Metadata = ((LOGIN_KEY, login_token),) if login_token else ()
    return (*carried, (LEASE_KEY, lease)) if lease else carried


def _refusal(error: grpc.aio.AioRpcError, address: str) -> RemoteError:
    details = error.details() or ""
    if error.code() is grpc.StatusCode.UNAVAILABLE and any(mark in details for mark in _UNTRUSTED_MARKS):
        raise ServiceError("SERVER_UNTRUSTED", server=address) from None
    return error_from_rpc(error)


def _require_current(certificate_pem: bytes) -> None:
    expire_time = x509.load_pem_x509_certificate(certificate_pem).not_valid_after_utc
    if expire_time <= datetime.now(UTC):
        raise ServiceError("CERTIFICATE_EXPIRED", expire_time=expire_time.isoformat())
