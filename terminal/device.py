"""A signing device, by its Unix socket. Nothing of it is repeated: it is here, or it is not."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from fourseal.v1 import signing_device_service_pb2 as pb
from fourseal.v1.signing_device_service_pb2_grpc import SigningDeviceServiceStub

from contract.errors import VerificationFailed
from contract.transactions.binding import SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.transaction import Transaction
from wire.catalogue import ServiceError
from wire.client.repetition import MAX_SOCKET_PATH_BYTES, socket_address
from wire.limits import channel_options
from wire.status import RemoteError, error_from_rpc

if TYPE_CHECKING:  # the stub exists for the type checker only
    from fourseal.v1.signing_device_service_pb2_grpc import SigningDeviceServiceAsyncStub

_SIGN_SECONDS: Final = 30.0
_COLLECT_SECONDS: Final = 60.0
_OPTIONS: Final = [("grpc.use_local_subchannel_pool", 1)]  # else one that was not there a moment ago still is not

_Response = TypeVar("_Response")


class Device:
    """A device, connected. From ``connected_device``.

    Every method raises RemoteError: what the device refuses, in its words; ServiceError: DEVICE_UNREACHABLE.

    Args:
        stub: of its service.
        socket: where it is, for the error.
    """

    def __init__(self, stub: SigningDeviceServiceAsyncStub, socket: Path) -> None:
        self._stub = stub
        self._socket = socket

    async def present(self, transaction: Transaction) -> SignedBinding:
        """Have a transaction signed and shown.

        Raises:
            MalformedInput: BINDING_MALFORMED.
            VerificationFailed: BINDING_OF_OTHER_TRANSACTION.
        """
        request = pb.PresentTransactionRequest(transaction_der=transaction.to_der())
        answer = await self._call(self._stub.PresentTransaction, request, _SIGN_SECONDS)
        binding = SignedBinding.from_der(answer.binding_der)
        if binding.core.transaction != transaction.digest:
            raise VerificationFailed("BINDING_OF_OTHER_TRANSACTION", "the device signed another transaction")
        return binding

    async def collect(self, transaction: Transaction) -> ConfirmationCode:
        """Wait until the device's user hands the code over, or it is over.

        Raises:
            MalformedInput: CODE_MISTYPED: it is none.
        """
        request = pb.CollectCodeRequest(transaction_sha256=transaction.digest)
        while True:
            try:
                answer = await self._call(self._stub.CollectCode, request, _COLLECT_SECONDS)
            except RemoteError as error:
                if error.reason != "DEADLINE_PASSED":
                    raise
            else:
                return ConfirmationCode.parse(answer.code)

    async def _call(self, method: Callable[..., Awaitable[_Response]], request: object, seconds: float) -> _Response:
        try:
            return await method(request, timeout=seconds)
        except grpc.aio.AioRpcError as error:
            refusal = error_from_rpc(error)
        raise _unreachable(self._socket) if refusal.reason == "SERVER_UNAVAILABLE" else refusal


@asynccontextmanager
async def connected_device(socket: Path) -> AsyncIterator[Device]:
    """A device, as long as the context lasts.

    Args:
        socket: its Unix socket. Whoever put it there can refuse, or hand over a wrong code, and confirms nothing.

    Raises:
        ServiceError: DEVICE_UNREACHABLE: no socket has such a path.
    """
    if len(os.fsencode(socket)) > MAX_SOCKET_PATH_BYTES:
        raise _unreachable(socket)
    address = socket_address(socket)
    async with grpc.aio.insecure_channel(address, [*channel_options(), *_OPTIONS]) as channel:
        yield Device(SigningDeviceServiceStub(channel), socket)


def _unreachable(socket: Path) -> ServiceError:
    return ServiceError("DEVICE_UNREACHABLE", device=str(socket))
