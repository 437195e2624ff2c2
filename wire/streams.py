"""Streams to a server: what ended one, and whether another can go on where it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import grpc

from mpc.errors import FoursealError
from wire.catalogue import CATALOGUE, render
from wire.status import RemoteError, error_from_rpc

STREAM_SECONDS: Final = 110.0
"""Deadline of a stream: somewhat less than the servers' longest."""

_BROKEN: Final = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,  # by the other end, at its shutdown: what we cancel ourselves is no error
)
_OLD_PASS: Final = ("PASS_INVALID", "PASS_NOT_VALID", "RELAY_RECIPIENT_UNKNOWN")  # the last: it joined later
_CUT: Final = (grpc.StatusCode.INTERNAL, "Internal error from Core")
_WENT_ON: Final = (
    "UPLOAD_INCOMPLETE",
    "UPLOAD_ELSEWHERE",
    "CONTENT_UPLOAD_INCOMPLETE",
    "CONTENT_UPLOAD_ELSEWHERE",
)

_Part = TypeVar("_Part")
_Answer = TypeVar("_Answer")


class StreamCut(RemoteError):
    """A stream ended while we wrote to it, and why is not known.

    gRPC loses what the other end answered, if it answers before a stream of ours is over (grpc/grpc issue 36066). A
    stream that is over before the answer comes is told the reason.
    """

    def __init__(self) -> None:
        text = render(CATALOGUE["SERVER_UNAVAILABLE"], {})
        super().__init__("SERVER_UNAVAILABLE", text, grpc.StatusCode.UNAVAILABLE)


def is_break(error: FoursealError) -> bool:
    """Whether a stream broke, or its pass was too old, and another can go on where it ended."""
    if not isinstance(error, RemoteError):
        return False
    return error.code in _BROKEN or is_of_old_pass(error) or error.reason in _WENT_ON


def is_of_old_pass(error: FoursealError) -> bool:
    """Whether the media server does not take a pass any longer, and will take a fresh one."""
    return error.reason in _OLD_PASS


@asynccontextmanager
async def under_way(call: Any) -> AsyncIterator[Any]:  # noqa: ANN401  # gRPC's calls, of every kind
    """A stream of gRPC's that ends with the context.

    Raises:
        RemoteError: what the other end answered; ``StreamCut``.
    """
    try:
        yield call
    except grpc.aio.AioRpcError as error:
        if (error.code(), error.details()) == _CUT:
            raise StreamCut from None
        raise error_from_rpc(error) from None
    finally:
        call.cancel()


class Post(Generic[_Part, _Answer]):
    """An upload under way.

    Args:
        call: of gRPC.
    """

    def __init__(self, call: PostCall[_Part, _Answer]) -> None:
        self._call = call

    async def write(self, part: _Part) -> None:
        """Send a part; returns when there is room for another. Raises AioRpcError: the stream has ended."""
        try:
            await self._call.write(part)
        except asyncio.InvalidStateError:  # it has ended; why, says the answer
            await self._call

    async def answer(self) -> _Answer:
        """Say that this was all, and wait for the answer. Raises AioRpcError."""
        with suppress(grpc.aio.InternalError):  # it has ended; why, says the answer
            await self._call.done_writing()
        return await self._call


if TYPE_CHECKING:  # it takes parameters for the type checker only
    PostCall = grpc.aio.StreamUnaryCall[_Part, _Answer]
