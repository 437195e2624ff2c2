"""Sending in one contract session among few sessions and among many, by an agent that calls a real server over TLS.

A server for each number of the plan, filled with copies of a real session (``bench.rig.store.sessions``). Sending is
all that ``fourseal send`` does for 1 KiB: both halves of the joint signature, the rules of the session, sealing, and
the receipt of the relay. The numbers take turns, one call each: what disturbs the machine disturbs both.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog

from bench.context import Bench
from bench.harness.results import Aim, Outcome, Ratio, Result
from bench.harness.statistics import quantile
from bench.harness.timing import Case, take_turns
from bench.rig.acquainted import PEOPLE, acquainted
from bench.rig.store.sessions import COPIES_AT_A_TIME, store_copies
from server.config import load_settings
from server.root.ground import open_ground
from server.root.home import Home
from signer_agent.contracts.sources import BytesSource

GROUP = "Sending 1 KiB in a session over gRPC: median time of a round"
AIM = Aim(1.1, at_most=True)
_HALF_BITS = 2048
_CONTENT_BYTES = 1024


def run(bench: Bench) -> Outcome:
    """Measure every number of sessions of the plan."""
    plan = bench.plan
    if not plan.stored_sessions:
        return Outcome()
    fillings = sum(-(-sessions // COPIES_AT_A_TIME) for sessions in plan.stored_sessions)
    steps = fillings + len(PEOPLE) * len(plan.stored_sessions) + plan.load_rounds + 1
    bench.progress.begin("sending among many sessions", steps)
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        cases = {sessions: stack.enter_context(_case(bench, runner, sessions)) for sessions in plan.stored_sessions}
        taken = {case: list[float]() for case in cases.values()}
        take_turns(list(taken), plan.sendings)  # warm-up
        bench.progress.step()
        for _ in range(plan.load_rounds):
            for case, seconds in take_turns(list(taken), plan.sendings).items():
                taken[case].append(1000 * quantile(seconds, 0.5))
            bench.progress.step()
    return _outcome({sessions: taken[case] for sessions, case in cases.items()})


@contextmanager
def _case(bench: Bench, runner: asyncio.Runner, sessions: int) -> Iterator[Case]:
    with acquainted(bench, runner, f"sessions-{sessions}", _HALF_BITS) as met:
        home = Home(met.server_folder)
        with open_ground(home, load_settings(home.folder), structlog.get_logger()) as ground:
            store_copies(ground, met.session_id, sessions, bench.progress.step)

        def send() -> None:
            content = BytesSource(secrets.token_bytes(_CONTENT_BYTES))
            runner.run(met.alice.messages.send(met.session_id, content))

        yield Case(f"sessions_{sessions}", f"{sessions:,} sessions", send)


def _outcome(taken: dict[int, list[float]]) -> Outcome:
    results = {
        sessions: Result(f"sessions_{sessions}", f"{sessions:,} sessions", GROUP, "ms", tuple(samples))
        for sessions, samples in taken.items()
    }
    few, many = min(results), max(results)
    ratio = Ratio.between(
        "growth_million_sessions",
        f"Time to send with {many:,} sessions over time with {few:,}",
        results[many],
        results[few],
        AIM,
    )
    return Outcome(tuple(results.values()), [ratio])
