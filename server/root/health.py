"""grpc.health.v1, from checks that do what operations do: write, record, open a sealed secret.

The state starts as NOT_SERVING, is SERVING after a round of checks in which all held, and NOT_SERVING after one in
which any failed, or which took too long, and from the beginning of a shutdown on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1 import health_pb2_grpc

from mpc.errors import FoursealError
from server.errors import OperatorError
from wire.catalogue import ServiceError
from wire.status import status_of

Context = grpc.aio.ServicerContext[Any, Any]
Check = Callable[[], Awaitable[None]]
"""Returns if all is well; else raises OperatorError or ServiceError."""

_LONGEST_SECONDS = 10.0
_SERVING = pb.HealthCheckResponse.SERVING
_NOT_SERVING = pb.HealthCheckResponse.NOT_SERVING


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # grpc_health brings no types
    """The health of the server and of each of its services, which is the same.

    Args:
        services: full names of the services; "" stands for the server as a whole and is always there.
        check: one round of checks.
        interval: seconds between two rounds.
        log: where changes are told.
    """

    def __init__(
        self, services: Iterable[str], check: Check, interval: float, log: structlog.stdlib.BoundLogger
    ) -> None:
        self._services = frozenset(services) | {""}
        self._check = check
        self._interval = interval
        self._log = log
        self._state = _NOT_SERVING
        self._cause: str | None = None
        self._ended = False
        self._changed = asyncio.Condition()

    @property
    def serving(self) -> bool:
        """Whether the last round of checks held."""
        return bool(self._state == _SERVING)

    async def check_once(self) -> None:
        """One round of checks."""
        cause = None
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                await self._check()
        except TimeoutError:  # the disk stands still, or a process that should write does
            cause = f"the checks take more than {_LONGEST_SECONDS:.0f} seconds"
        except (OperatorError, FoursealError) as error:
            cause = str(error)
        if cause is not None and cause != self._cause:
            self._log.error("unhealthy", cause=cause)
        elif cause is None and not self.serving:
            self._log.info("healthy")
        self._cause = cause
        await self._set(_SERVING if cause is None else _NOT_SERVING)

    async def keep_checking(self) -> None:
        """Rounds of checks until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            await self.check_once()

    async def shut_down(self) -> None:
        """NOT_SERVING from now on; watchers are told so and sent away."""
        await self._set(_NOT_SERVING)
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def Check(  # noqa: N802  # named by the proto
        self, request: pb.HealthCheckRequest, context: Context
    ) -> pb.HealthCheckResponse:
        """See grpc.health.v1."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "No such service.")
        return pb.HealthCheckResponse(status=self._state)

    async def Watch(  # noqa: N802  # named by the proto
        self, request: pb.HealthCheckRequest | None, context: Context
    ) -> AsyncIterator[pb.HealthCheckResponse]:
        """See grpc.health.v1: an unknown service is answered SERVICE_UNKNOWN, for it could come.

        The request is None where its bytes were no message (``calls``).
        """
        if request is None:
            await _abort(context, "REQUEST_MALFORMED")
            return
        known = request.service in self._services
        told = None
        while not self._ended:
            state = self._state if known else pb.HealthCheckResponse.SERVICE_UNKNOWN
            if state != told:
                told = state
                yield pb.HealthCheckResponse(status=state)
                continue  # it may have changed again while this was sent
            async with self._changed:
                if self._nothing_new(state):
                    await self._changed.wait()
        if known and told != _NOT_SERVING:
            yield pb.HealthCheckResponse(status=_NOT_SERVING)
        await _abort(context, "SHUTTING_DOWN")

    def _nothing_new(self, told: pb.HealthCheckResponse.ServingStatus.ValueType) -> bool:
        return not self._ended and told in (self._state, pb.HealthCheckResponse.SERVICE_UNKNOWN)

    async def _set(self, state: pb.HealthCheckResponse.ServingStatus.ValueType) -> None:
        async with self._changed:
            if not self._ended:
                self._state = state
            self._changed.notify_all()


async def _abort(context: Context, reason: str) -> None:
    status = status_of(ServiceError(reason))
    await context.abort(status.code, status.message, status.trailing_metadata)
