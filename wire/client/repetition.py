"""Calls that are repeated, and the connections that they go over.

Only UNAVAILABLE is repeated: the other end could not be reached, went away before it answered, or says so itself. The
request stays the same, with the same request_id, so the work is done once however often it is asked for. Repeating
ends after 10 seconds, or with the call's deadline.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import grpc

from wire.catalogue import ServiceError
from wire.client.identity import Identity
from wire.limits import channel_options
from wire.status import RemoteError, error_from_rpc
from wire.tls import channel_credentials

CALL_SECONDS: Final = 15.0
"""Deadline of a call, its repetitions included."""
MAX_SOCKET_PATH_BYTES: Final = 107
"""Longest path of a Unix socket: sun_path of unix(7), without its final zero."""

_REPEAT_SECONDS: Final = 10.0  # a server that is started again serves within 5

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 1.0
_RECONNECT_OPTIONS: Final = [  # gRPC's own pauses grow to two minutes: a server that is back would not be seen
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_UNTRUSTED_MARKS: Final = ("CERTIFICATE_VERIFY_FAILED", "Peer name", "WRONG_VERSION_NUMBER")

_Response = TypeVar("_Response")


def server_channel(identity: Identity) -> grpc.aio.Channel:
    """A connection to the server by mutual TLS, opened when it is first used.

    Args:
        identity: who we are, and whom we believe.

    Raises:
        ServiceError: CERTIFICATE_EXPIRED: ours.
    """
    identity.require_current(datetime.now(UTC))
    credentials = channel_credentials(identity.authority_pem, identity.key_pem, identity.certificate_pem)
    return grpc.aio.secure_channel(identity.server_address, credentials, [*channel_options(), *_RECONNECT_OPTIONS])


def socket_address(socket: Path) -> str:
    """A Unix socket as gRPC takes it: a URI, in which some characters of a path would mean something else."""
    return f"unix:{quote(os.fsencode(socket))}"


async def call_repeatedly(
    method: Callable[..., Awaitable[_Response]], request: object, address: str, seconds: float
) -> _Response:
    """Call, and repeat while the other end is unavailable.

    Args:
        method: of a stub.
        request: its request; whatever changes something has a request_id, or is the same however often it comes.
        address: of the other end, for the errors.
        seconds: deadline.

    Raises:
        RemoteError: what the other end, or gRPC for it, answered.
        ServiceError: SERVER_UNTRUSTED.
    """
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


def _refusal(error: grpc.aio.AioRpcError, address: str) -> RemoteError:
    details = error.details() or ""
    if error.code() is grpc.StatusCode.UNAVAILABLE and any(mark in details for mark in _UNTRUSTED_MARKS):
        raise ServiceError("SERVER_UNTRUSTED", server=address) from None
    return error_from_rpc(error)
