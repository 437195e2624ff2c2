"""Genuine envelopes with announcements, alone and under floods of announcements with invalid signatures.

A flood is ten times what a guard takes of a gateway by its configuration: by an agent through the gateway that the
genuine ones take, forty-nine with each envelope; and by ten gateways that lie, in reports to the guard, as of one agent
each and as of another one with each announcement. So none of them has told too much by its number. Every announcement
of a flood would be in conflict with a genuine one if its signature held. In each round the genuine ones are sent alone
and under each flood, in turns.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

from fourseal.v1 import guard_service_pb2 as pb
from fourseal.v1 import relay_service_pb2

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.statistics import quantile
from bench.harness.timing import rotated
from bench.load.flood import REPORTS
from bench.load.orders import Order, write_requests
from bench.load.process import LoadProcess
from bench.rig.posting import Letter, Line
from bench.rig.watched import SOURCE, Case, Events, Watched
from contract.announcements.announcement import SignedAnnouncement
from contract.session_info import MAX_PEOPLE
from server.clock import system_clock
from server.config import Settings
from server.guard.reports import MAX_REPORTED

GROUP: Final = "Genuine envelopes with announcements through a gateway, alone and under floods of invalid ones"
AIM: Final = Aim(0.5)
TIMES: Final = 10
_WAITING: Final = 64  # calls of a flood
_STOCK: Final = 20  # different calls of it, in turns
_ALONE, _POSTED, _OF_ONE, _OF_MANY = "alone", "agent", "gateways", "gateways_many"
_TITLES: Final = {
    _ALONE: "alone",
    _POSTED: "flood by an agent, with envelopes",
    _OF_ONE: "flood by gateways, as of one agent each",
    _OF_MANY: "flood by gateways, as of many agents",
}
SAMPLES: Final = len(_TITLES)
"""Of each round."""
SENDERS: Final = 4
"""Who send one genuine envelope after the other, each."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Genuine envelopes of one sample.

    Args:
        milliseconds: of each.
        seconds: of all together.
        share: of its rate that the flood had meanwhile; 1 without one.
    """

    milliseconds: Sequence[float]
    seconds: float
    share: float = 1.0

    @property
    def rate(self) -> float:
        """Envelopes a second."""
        return len(self.milliseconds) / self.seconds


@dataclass(frozen=True, slots=True)
class Flood:
    """One kind of flood.

    Args:
        path: of its requests.
        announcements: in each.
    """

    path: Path
    announcements: int

    def order(self, seconds: float) -> Order:
        """For so long."""
        per_second = TIMES * _rated_per_second() / self.announcements
        calls = max(1, round(seconds * per_second))
        return Order(str(self.path), calls, _WAITING, answers=1, per_second=per_second, even=True)


def _rated_per_second() -> float:
    return float(Settings.model_fields["guard_announcements_per_minute"].default) / 60


def measure(bench: Bench, net: Watched, cases: Sequence[Case]) -> Outcome:
    """Measure every kind of flood, as of the first case; one step of progress for each sample, and one before."""
    case, folder, events = cases[0], net.folder, Events(net.guard.log)
    flooder, liars = net.desk.agent("flooder"), [net.desk.gateway(f"127.0.1.{number}") for number in range(TIMES)]
    crowd = [case.destination, *(f"bob-{number}" for number in range(1000, 1000 + MAX_PEOPLE - 2))]
    shown = folder / "pass"
    shown.write_bytes(net.desk.pass_for(flooder, case.session_id, case.genuine.account, [case.genuine.account, *crowd]))
    targets = [flooder.target(net.senders.address, folder), *(each.target(net.guard.address, folder) for each in liars)]
    arguments = [str(shown), *(target.to_json() for target in targets)]
    with LoadProcess("bench.load.flood", arguments, bench.cores.all) as load:
        sent = asyncio.run(_measure(bench, net, cases, _Stock(case, crowd, folder), load))
    raised = [event for event in events.new() if event["event"] == "alarm_raised"]
    if raised:
        raise BenchFailed("announcements with invalid signatures have raised alarms")
    return _outcome(sent)


class _Stock:
    """Makes the requests of floods, which are of now.

    Args:
        case: whom they would be in conflict with.
        crowd: recipients of envelopes.
        folder: for files.
    """

    def __init__(self, case: Case, crowd: Sequence[str], folder: Path) -> None:
        self._case = case
        self._crowd = sorted(crowd)
        self._folder = folder

    def make(self, kind: str) -> Flood:
        """Of a kind."""
        if kind == _POSTED:
            return self._write(kind, [self._start() for _ in range(_STOCK)], len(self._crowd))
        names = (f"flooder-{number if kind == _OF_MANY else 0}" for number in count())
        reports = [self._report(names) for _ in range(_STOCK)]
        return self._write(f"{kind}{REPORTS}", reports, MAX_REPORTED)

    def _write(self, name: str, requests: list[bytes], announcements: int) -> Flood:
        path = self._folder / name
        write_requests(path, requests)
        return Flood(path, announcements)

    def _start(self) -> bytes:
        case = self._case
        letter = Letter.new(case.session_id, case.genuine.account, *self._crowd)
        start = relay_service_pb2.EnvelopeStart(
            header_der=letter.header, announcements_der=[self._invalid(each, letter.header) for each in self._crowd]
        )
        return relay_service_pb2.PostEnvelopeRequest(start=start).SerializeToString()

    def _report(self, names: Iterator[str]) -> bytes:
        destination = self._case.destination
        reported = [
            pb.ReportedAnnouncement(announcement_der=self._invalid(destination, b""), agent=next(names))
            for _ in range(MAX_REPORTED)
        ]
        return pb.ReportAnnouncementsRequest(announcements=reported).SerializeToString()

    def _invalid(self, destination: str, document: bytes) -> bytes:
        case = self._case
        announcement = case.forged.announcement(SOURCE, destination, case.session_id, document, system_clock())
        return SignedAnnouncement(announcement, secrets.token_bytes(64)).to_der()


class Sender:
    """Sends genuine envelopes, one after the other.

    Args:
        case: who does, and to whom.
        line: to the gateway.
    """

    def __init__(self, case: Case, line: Line) -> None:
        self._case = case
        self._line = line
        self._sequence = 0

    async def send(self, until: float) -> list[float]:
        """At least one, and then until a time of ``time.perf_counter``; milliseconds of each."""
        case, milliseconds = self._case, list[float]()
        while not milliseconds or time.perf_counter() < until:
            letter = Letter.new(case.session_id, case.genuine.account, case.destination)
            signed = case.genuine.announce(SOURCE, case.destination, case.session_id, letter.header, system_clock())
            self._sequence += 1
            began = time.perf_counter()
            await self._line.post(letter, [signed.to_der()], self._sequence)
            milliseconds.append(1000 * (time.perf_counter() - began))
        return milliseconds


async def _measure(
    bench: Bench, net: Watched, cases: Sequence[Case], stock: _Stock, load: LoadProcess
) -> Mapping[str, Sequence[Sent]]:
    seconds, sent = bench.plan.flood_seconds, {kind: list[Sent]() for kind in _TITLES}
    async with AsyncExitStack() as stack:
        senders = []
        for case in cases:
            gateway = await stack.enter_async_context(case.agent.at(net.senders.address))
            shown = net.desk.pass_for(case.agent, case.session_id, case.genuine.account, case.members)
            senders.append(Sender(case, Line(gateway, shown)))
        await _send(senders, seconds)  # warm-up
        bench.progress.step()
        for turn in range(bench.plan.load_rounds):
            for kind in rotated(list(_TITLES), turn):
                order = None if kind == _ALONE else stock.make(kind).order(seconds)
                if order is None:
                    sent[kind].append(await _send(senders, seconds))
                else:
                    flooding = asyncio.create_task(asyncio.to_thread(load.carry_out, order))
                    genuine = await _send(senders, seconds)
                    answer = await flooding
                    sent[kind].append(replace(genuine, share=min(1.0, seconds / answer.seconds)))
                bench.progress.step()
    return sent


async def _send(senders: Sequence[Sender], seconds: float) -> Sent:
    began = time.perf_counter()
    found = await asyncio.gather(*(sender.send(began + seconds) for sender in senders))
    elapsed = time.perf_counter() - began
    return Sent([each for milliseconds in found for each in milliseconds], elapsed)


def _outcome(sent: Mapping[str, Sequence[Sent]]) -> Outcome:
    rates = {
        kind: Result(f"flood_{kind}", f"{title}: envelopes", GROUP, "1/s", tuple(each.rate for each in sent[kind]))
        for kind, title in _TITLES.items()
    }
    latencies = [
        Result(
            f"flood_{kind}_{name}",
            f"{title}: {what}",
            GROUP,
            "ms",
            tuple(quantile(each.milliseconds, fraction) for each in sent[kind]),
        )
        for kind, title in _TITLES.items()
        for name, what, fraction in (("p50", "an envelope, median", 0.5), ("p99", "99 % are faster", 0.99))
    ]
    ratios = [
        Ratio.between(
            f"flood_{kind}_over_alone", f"Genuine envelopes, {_TITLES[kind]}, over alone", rate, rates[_ALONE], AIM
        )
        for kind, rate in rates.items()
        if kind != _ALONE
    ]
    chart = Chart(GROUP, "envelopes a second", tuple(_TITLES.values()), {"genuine": tuple(rates.values())})
    return Outcome([*rates.values(), *latencies], ratios, [chart], [_remark(sent)])


def _remark(sent: Mapping[str, Sequence[Sent]]) -> str:
    share = min(each.share for samples in sent.values() for each in samples)
    return f"No flood raised an alarm. The slowest had {share:.0%} of its rate of {TIMES * _rated_per_second():,.0f}/s."
