"""The line to the server: mutual TLS, deadlines, and what is repeated.

What is repeated, and how long, says ``wire.client.repetition``. A call whose lease has expired is made once more with
another one: nothing was done.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

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
from signer_agent.keystore.store import KeyStore
from wire.client.identity import Identity
from wire.client.repetition import CALL_SECONDS, call_repeatedly, server_channel
from wire.peer import LEASE_KEY, LOGIN_KEY
from wire.status import RemoteError

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
        self.identity = identity
        self._lease = None if store is None else Lease(store, identity.certificate_pem, self._take_lease)
        self._address = identity.server_address
        self._channel = server_channel(identity)
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


def _metadata(login_token: str, lease: bytes) -> Metadata:
    carried: Metadata = ((LOGIN_KEY, login_token),) if login_token else ()
    return (*carried, (LEASE_KEY, lease)) if lease else carried
