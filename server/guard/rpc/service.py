"""GuardService."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import grpc
from fourseal.v1 import guard_service_pb2 as pb
from fourseal.v1 import guard_service_pb2_grpc

from server.guard.reports import Reported
from server.guard.rpc.convert import alarm_to_proto
from server.guard.rules import GuardRules
from server.identity import CallerReader
from server.journal.places import Places
from wire.interceptor import call_seconds
from wire.peer import login_token

_MAX_WATCHES: Final = 1024
_MAX_WATCHES_OF_GATEWAY: Final = 4  # the earlier ones are ending
_LEAVE_SECONDS: Final = 0.05  # before the deadline
_Context = grpc.aio.ServicerContext[Any, Any]


class GuardRpc(guard_service_pb2_grpc.GuardServiceServicer):
    """GuardService.

    Args:
        callers: says which agent calls.
        rules: what is done.
    """

    def __init__(self, callers: CallerReader, rules: GuardRules) -> None:
        self._callers = callers
        self._rules = rules
        self._watches = Places(capacity=_MAX_WATCHES, capacity_of_account=_MAX_WATCHES_OF_GATEWAY)

    async def GetGuard(self, request: pb.GetGuardRequest, context: _Context) -> pb.GetGuardResponse:
        """See the proto."""
        agent = None if self._rules.gateways.is_gateway(context) else self._callers.of(context)
        certificates = await self._rules.certificates(agent)
        response = pb.GetGuardResponse(
            name=self._rules.terms.name,
            certificates_der=certificates,
            log_certificate_der=self._rules.log_certificate,
        )
        response.window.FromTimedelta(self._rules.terms.window.window)
        return response

    async def ReportAnnouncements(
        self, request: pb.ReportAnnouncementsRequest, context: _Context
    ) -> pb.ReportAnnouncementsResponse:
        """See the proto."""
        gateway = self._rules.gateways.of(context)
        reported = [Reported(each.announcement_der, each.agent) for each in request.announcements]
        results = await self._rules.reports.report(gateway, reported)
        if any(result.alarm_id for result in results):
            self._rules.outbox.wake()
        return pb.ReportAnnouncementsResponse(
            results=[pb.AnnouncementResult(reason=each.reason, alarm_id=each.alarm_id) for each in results]
        )

    async def WatchControl(
        self,
        request: pb.WatchControlRequest,  # it says nothing
        context: _Context,
    ) -> AsyncIterator[pb.WatchControlResponse]:
        """See the proto."""
        gateway = self._rules.gateways.of(context)
        try:
            with self._watches.take(gateway.name):
                async with (
                    asyncio.timeout(call_seconds(context) - _LEAVE_SECONDS),
                    aclosing(self._rules.outbox.watch(gateway)) as messages,
                ):
                    async for message in messages:
                        yield pb.WatchControlResponse(control_der=message or b"", all_told=message is None)
        except TimeoutError:
            return  # the stream ends cleanly; the caller calls again

    async def AcknowledgeControl(
        self, request: pb.AcknowledgeControlRequest, context: _Context
    ) -> pb.AcknowledgeControlResponse:
        """See the proto."""
        gateway = self._rules.gateways.of(context)
        await self._rules.answers.acknowledge(gateway, request.numbers, request.delivered_alarm_ids)
        self._rules.outbox.wake()
        return pb.AcknowledgeControlResponse()

    async def ReportHeldTraffic(
        self, request: pb.ReportHeldTrafficRequest, context: _Context
    ) -> pb.ReportHeldTrafficResponse:
        """See the proto."""
        gateway = self._rules.gateways.of(context)
        await self._rules.answers.hold(gateway, [(each.alarm_id, each.notices) for each in request.held])
        return pb.ReportHeldTrafficResponse()

    async def SendControl(self, request: pb.SendControlRequest, context: _Context) -> pb.SendControlResponse:
        """See the proto."""
        await self._rules.answers.take(self._rules.gateways.of(context), request.control_der)
        return pb.SendControlResponse()

    async def ListAlarms(self, request: pb.ListAlarmsRequest, context: _Context) -> pb.ListAlarmsResponse:
        """See the proto."""
        login = await self._rules.logins.read(login_token(context), self._callers.of(context))
        page = await self._rules.views.list(login, request.page_size, request.page_token)
        return pb.ListAlarmsResponse(alarms=map(alarm_to_proto, page.rows), next_page_token=page.next_token)
