"""Genuine announcements from a gateway to the guard: a call for each, as gateways report them, and many in a call.

All were made before, of a source each. Both kinds take turns in each round; as a gateway each, for a gateway may only
tell of so many in a minute.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import count
from typing import Final

import grpc
from fourseal.v1 import guard_service_pb2 as pb
from fourseal.v1.guard_service_pb2_grpc import GuardServiceStub

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Outcome, Result
from bench.harness.timing import rotated
from bench.rig.watched import Case, Watched
from server.clock import system_clock
from server.guard.reports import MAX_REPORTED

GROUP: Final = "Genuine announcements reported to the guard over gRPC, each of another source"
_SIZES: Final = (1, MAX_REPORTED)
_SAME: Final = 8  # calls that are under way at once
_FIRST_SOURCE: Final = int(IPv4Address("10.0.0.0"))
_CALL_SECONDS: Final = 60.0
SAMPLES: Final = len(_SIZES)
"""Of each round."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One sample: so many announcements, the time that all took, and the processor time of the server meanwhile."""

    count: int
    seconds: float
    server_seconds: float


def measure(bench: Bench, net: Watched, case: Case) -> Outcome:
    """Measure both, with announcements of an account; one step of progress for each sample."""
    return _outcome(asyncio.run(_measure(bench, net, case)))


async def _measure(bench: Bench, net: Watched, case: Case) -> Mapping[int, Sequence[Reported]]:
    numbers = count(1)
    reported: dict[int, list[Reported]] = {size: [] for size in _SIZES}
    for turn in range(bench.plan.load_rounds):
        for size in rotated(_SIZES, turn):
            places = [next(numbers) for _ in range(bench.plan.announcements)]
            requests = [_request(case, places[at : at + size]) for at in range(0, len(places), size)]
            gateway = net.desk.gateway(f"gateway-{places[0]}")
            async with gateway.connected(net.guard.address) as channel:
                reported[size].append(await _report(net, channel, requests))
            bench.progress.step()
    return reported


def _request(case: Case, places: Sequence[int]) -> pb.ReportAnnouncementsRequest:
    signed = [
        case.genuine.announce(
            str(IPv4Address(_FIRST_SOURCE + place)), case.destination, case.session_id, b"", system_clock()
        )
        for place in places
    ]
    announcements = [
        pb.ReportedAnnouncement(announcement_der=each.to_der(), agent=f"agent-{place}")
        for each, place in zip(signed, places, strict=True)
    ]
    return pb.ReportAnnouncementsRequest(announcements=announcements)


async def _report(
    net: Watched, channel: grpc.aio.Channel, requests: Sequence[pb.ReportAnnouncementsRequest]
) -> Reported:
    report, waiting = GuardServiceStub(channel).ReportAnnouncements, iter(requests)

    async def work() -> None:
        for request in waiting:
            results = (await report(request, timeout=_CALL_SECONDS)).results
            if any(each.reason or each.alarm_id for each in results):
                raise BenchFailed("the guard passed over an announcement, or raised an alarm")

    before, began = net.guard.processor_seconds(), time.perf_counter()
    async with asyncio.TaskGroup() as workers:
        for _ in range(_SAME):
            workers.create_task(work())
    seconds = time.perf_counter() - began
    total = sum(len(each.announcements) for each in requests)
    return Reported(total, seconds, net.guard.processor_seconds() - before)


def _outcome(reported: Mapping[int, Sequence[Reported]]) -> Outcome:
    results = list[Result]()
    for size, samples in reported.items():
        title = "one in a call" if size == 1 else f"{size} in a call"
        rates = tuple(each.count / each.seconds for each in samples)
        busy = tuple(each.server_seconds / each.seconds for each in samples)
        costs = tuple(1e6 * each.server_seconds / each.count for each in samples)
        results += [
            Result(f"reports_{size}", f"{title}, {_SAME} calls at a time", GROUP, "1/s", rates, busy),
            Result(f"reports_{size}_server_cpu", f"{title}: server's CPU for an announcement", GROUP, "µs", costs),
        ]
    return Outcome(results)
