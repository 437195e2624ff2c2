"""Callers of a server whose token is taken out and put back while they sign: what they hear, and what they get."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import grpc
from fourseal.v1.signing_service_pb2 import SignDigestRequest, SignDigestResponse

from softhsm.token import SoftToken
from wire.status import RemoteError, error_from_rpc

SignDigest = Callable[..., Awaitable[SignDigestResponse]]
"""The method of a stub, or one that adds metadata to it; takes the request, and ``timeout`` in seconds."""

_CALL_SECONDS: Final = 60.0
_AWAY: Final = (grpc.StatusCode.UNAVAILABLE, "CUSTODY_UNAVAILABLE")
_ROUNDS: Final = 3  # signatures of each caller before and after, roughly
_TOLD_EVERY_SECONDS: Final = 0.5


@dataclass(slots=True)
class Course:
    """What has come of it so far.

    Args:
        signatures: by request_id.
        refused: calls that heard UNAVAILABLE at least once, by request_id; in the end each has a signature too.
        refusals: how often that was.
        changed: calls of these whose request, repeated once more at the end, was answered by another signature.
        return_seconds: from the token's return to the first signature after it.
    """

    signatures: dict[str, bytes] = field(default_factory=dict)
    refused: dict[str, SignDigestRequest] = field(default_factory=dict)
    refusals: int = 0
    changed: int = 0
    return_seconds: float = 0.0


class _Callers:
    """Each asks for one signature after the other, and repeats what was refused, under its request_id."""

    def __init__(self, sign_digest: SignDigest, requests: Iterator[SignDigestRequest]) -> None:
        self._sign_digest = sign_digest
        self._requests = requests
        self._signed = asyncio.Condition()
        self.course = Course()
        self.may_end = False

    async def call(self) -> None:
        """One caller."""
        while not self.may_end:
            request = next(self._requests)
            signature = await self.sign(request)
            async with self._signed:
                self.course.signatures[request.request_id] = signature
                self._signed.notify_all()

    async def sign(self, request: SignDigestRequest) -> bytes:
        """Ask until there is a signature. Raises RemoteError for any other refusal than that the token is away."""
        while True:
            try:
                return (await self._sign_digest(request, timeout=_CALL_SECONDS)).signature
            except grpc.aio.AioRpcError as error:
                refusal = error_from_rpc(error)
            if (refusal.code, refusal.reason) != _AWAY or refusal.retry_seconds is None:
                raise refusal
            self.course.refusals += 1
            self.course.refused[request.request_id] = request
            await asyncio.sleep(refusal.retry_seconds)

    async def repeat(self) -> None:
        """Ask once more for what was refused at first."""
        for name, request in self.course.refused.items():
            self.course.changed += await self.sign(request) != self.course.signatures[name]

    async def more(self, count: int) -> None:
        """Wait for so many more signatures."""
        async with self._signed:
            wanted = len(self.course.signatures) + count
            await self._signed.wait_for(lambda: len(self.course.signatures) >= wanted)


async def go_through_outage(
    sign_digest: SignDigest,
    token: SoftToken,
    requests: Iterator[SignDigestRequest],
    callers: int,
    seconds: float,
    tell: Callable[[float, Course], None],
) -> Course:
    """Take the token out under load, put it back, and let every call come to its end.

    Args:
        sign_digest: of the server that works with the token.
        token: taken out, and put back.
        requests: valid ones, without end, each with a request_id of its own.
        callers: how many ask at a time.
        seconds: for which it is away.
        tell: called while it is away, with the time for which it has been so.

    Returns:
        What came of it: every call that was begun has its signature.

    Raises:
        RemoteError: a call was refused for another reason than that the token was away, or it did not say when to
            come again.
    """
    crowd = _Callers(sign_digest, requests)
    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(callers):
                tasks.create_task(crowd.call())
            await crowd.more(_ROUNDS * callers)
            await _take_away(token, seconds, lambda passed: tell(passed, crowd.course))
            back = time.monotonic()
            await crowd.more(1)
            crowd.course.return_seconds = time.monotonic() - back
            await crowd.more(_ROUNDS * callers)
            crowd.may_end = True
        await crowd.repeat()
    except* RemoteError as refusals:
        raise refusals.exceptions[0] from None
    return crowd.course


async def _take_away(token: SoftToken, seconds: float, tell: Callable[[float], None]) -> None:
    token.pull()
    try:
        gone = time.monotonic()
        while (passed := time.monotonic() - gone) < seconds:
            tell(passed)
            await asyncio.sleep(min(_TOLD_EVERY_SECONDS, seconds - passed))
    finally:
        token.put_back()
