"""Alarms from end to end, one after the other, among real processes: how soon an impostor's traffic is held.

Somebody announces a key, another who got into that login announces one of its own to the same receiver, each through
the senders' gateway with an envelope of its own. The time counts from the call that brings the second announcement
until the receiver's gateway has the block durably, and until it has released what was held: by then the gateways were
asked, the impostor was named, and its envelope was put aside. Gateways' own logs tell when; all is one machine's clock.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Outcome, Result
from bench.harness.statistics import quantile
from bench.rig.posting import Letter, Line
from bench.rig.watched import SOURCE, Case, Events, Watched, time_of
from contract.announcements.claim import Claim
from server.clock import system_clock

GROUP: Final = "Alarms of the guard, one after the other: from the impostor's announcement on"
WARM_UP: Final = 2
"""So many of the first alarms do not count."""
_WAIT_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.005
_STEPS: Final = ("traffic_blocked", "traffic_released")
_KEPT: Final = ("notice_held", "notice_quarantined")


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds until the receiver's gateway held the impostor's traffic, and until it had released the other's."""

    blocked: float
    released: float


def measure(bench: Bench, net: Watched, cases: Sequence[Case]) -> Outcome:
    """Raise an alarm in each case; a step of progress for each."""
    taken = asyncio.run(_raise_all(bench, net, cases))
    _check_put_aside(net, cases)
    return _outcome(taken[WARM_UP:])


async def _raise_all(bench: Bench, net: Watched, cases: Sequence[Case]) -> list[Taken]:
    taken, events = [], Events(net.receivers.log)
    async with net.reader.at(net.receivers.address) as gateway:
        for case in cases:
            line = Line(gateway, net.desk.pass_for(net.reader, case.session_id, case.destination, case.members))
            taken.append(await _raise(net, case, line, events))
            bench.progress.step()
    return taken


async def _raise(net: Watched, case: Case, reader: Line, events: Events) -> Taken:
    alarm_id = Claim(SOURCE, case.genuine.account, case.destination).alarm_id(
        case.genuine.fingerprint, case.forged.fingerprint
    )
    async with aclosing(reader.watch()) as notices:
        while not (await anext(notices)).all_told:
            pass
        await _send(net, case, 1)
        if (await anext(notices)).author != case.genuine.account:
            raise BenchFailed("an envelope was not told")
        envelope_id, began = await _send(net, case, 2, forged=True)
        async with asyncio.timeout(_WAIT_SECONDS):
            times = await _times_of(alarm_id, envelope_id, events)
    return Taken(*(1000 * (times[event] - began) for event in _STEPS))


async def _send(net: Watched, case: Case, sequence: int, *, forged: bool = False) -> tuple[str, float]:
    """Send an envelope with an announcement; returns its name, and when that began, seconds since 1970."""
    agent, announcer = (case.impostor, case.forged) if forged else (case.agent, case.genuine)
    letter = Letter.new(case.session_id, case.genuine.account, case.destination)
    signed = announcer.announce(SOURCE, case.destination, case.session_id, letter.header, system_clock())
    shown = net.desk.pass_for(agent, case.session_id, case.genuine.account, case.members)
    async with agent.at(net.senders.address) as gateway:
        began = time.time()
        await Line(gateway, shown).post(letter, [signed.to_der()], sequence)
    return letter.envelope_id, began


async def _times_of(alarm_id: str, envelope_id: str, events: Events) -> dict[str, float]:
    """When each of ``_STEPS`` was, of an alarm; once the impostor's envelope has come, too: it may come last."""
    times, has_come = dict[str, float](), False
    while len(times) < len(_STEPS) or not has_come:
        for event in events.new():
            has_come = has_come or (event["event"] in _KEPT and event["envelope_id"] == envelope_id)
            if event["event"] in _STEPS and event["alarm_id"] == alarm_id:
                times[event["event"]] = time_of(event)
        await asyncio.sleep(_LOOK_SECONDS)
    return times


def _check_put_aside(net: Watched, cases: Sequence[Case]) -> None:
    """Every impostor was named by its missing history, and its envelope put aside; nothing is held."""
    kept = json.loads(net.receivers.operate("held", "--json"))
    forged = {case.forged.fingerprint.hex() for case in cases}
    aside = {each["key"] for each in kept if each["state"] == "quarantined"}
    if aside != forged or len(kept) != len(cases):
        raise BenchFailed(f"after {len(cases)} alarms {len(aside)} impostors' envelopes were put aside, of {len(kept)}")


def _outcome(taken: Sequence[Taken]) -> Outcome:
    results = []
    for name, title, values in (
        ("blocked", "held at the receiver's gateway", [each.blocked for each in taken]),
        ("released", "impostor named and put aside, the other's released", [each.released for each in taken]),
    ):
        results += [
            Result(f"alarm_{name}", f"{title}, each", GROUP, "ms", tuple(values)),
            Result(f"alarm_{name}_p99", f"{title}, 99 % are faster", GROUP, "ms", (quantile(values, 0.99),)),
        ]
    return Outcome(
        results, (), (), [f"Of {len(taken)} alarms each named the impostor; no envelope of an impostor was told."]
    )
