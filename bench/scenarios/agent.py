"""Joint signatures from end to end: the agent's library with its key store, the server, and every check of both.

The agent runs where the load generator otherwise runs, on the other cores, and computes the client halves there.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.context import Bench
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.timing import rotated
from bench.load.agent import digest_of
from bench.load.orders import Order
from bench.load.process import LoadProcess
from bench.load.steady import MIN_WAVES
from bench.rig.agent import set_up_agent
from bench.rig.requests import check_signatures
from bench.rig.server import ServerProcess
from bench.rig.site import serving
from bench.rig.volley import Volley, costs_of, fire, rate_of
from mpc.four_prime_rsa import JointPublicKey, Purpose

GROUP = "Joint signatures through the agent's library: server on one core, agent on the others"
COSTS = "What a signature through the agent's library takes (closed loop)"
_WARM_UP_CALLS = 20
_ANSWERS = 16

CALLS = "Calls to the server for one signature"
PIPELINE_AIM = Aim(0.1, at_most=True)


@dataclass(frozen=True, slots=True)
class Level:
    """How signatures are asked for.

    Args:
        in_flight: calls of the library, or runs of its pipeline, at a time.
        run: signatures of a run; 1: of a call.
    """

    in_flight: int
    run: int = 1

    def __str__(self) -> str:
        """For people."""
        return f"{self.in_flight} in flight" if self.run == 1 else "pipelined"

    @property
    def name(self) -> str:
        """For programs."""
        return str(self.in_flight) if self.run == 1 else "pipelined"


Rounds = dict[Level, list[tuple[Volley, float]]]
"""Of each level, what came of each round, and how many calls the server was sent for a signature."""


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan, at the least and the most requests in flight, and pipelined."""
    with serving(bench, "agent") as site:
        home = set_up_agent(site.server, site.folder)
        with home.open() as agent:
            keys = [agent.generate_key(Purpose.SIGN, half_bits=bits) for bits in bench.plan.agent_half_bits]
        with LoadProcess("bench.load.agent", [str(home.folder), str(home.passphrase_file)], bench.cores.others) as load:
            sizes = {
                key.half_bits: _measure(bench, site.server, load, key.key_id, key.require_joint_key()) for key in keys
            }
    return _outcome(sizes)


def _measure(bench: Bench, server: ServerProcess, load: LoadProcess, key_id: str, joint_key: JointPublicKey) -> Rounds:
    plan = bench.plan
    levels = [*map(Level, sorted({min(plan.in_flight), max(plan.in_flight)})), Level(1, plan.agent_run)]
    bench.progress.begin(f"agent, half of {joint_key.half_bits} bits", len(levels) * (1 + plan.load_rounds))
    counts = {}
    for level in levels:
        order = Order(
            key_id,
            max(_WARM_UP_CALLS if level.run == 1 else 0, MIN_WAVES * level.in_flight),
            level.in_flight,
            _ANSWERS,
            batch=level.run,
        )
        counts[level] = max(order.count, round(load.carry_out(order).rate * plan.load_seconds / level.run))
        bench.progress.step()
    rounds: Rounds = {level: [] for level in levels}
    for turn in range(plan.load_rounds):
        for level in rotated(levels, turn):
            before = server.signing_calls()
            volley = fire(server, load, Order(key_id, counts[level], level.in_flight, _ANSWERS, batch=level.run))
            calls = (server.signing_calls() - before) / volley.signatures
            signatures = volley.answer.signatures
            check_signatures(joint_key, ((digest_of(key_id, place), signature) for place, signature in signatures))
            rounds[level].append((volley, calls))
            bench.progress.step()
    return rounds


def _outcome(sizes: dict[int, Rounds]) -> Outcome:
    lines = [
        (half_bits, level, [volley for volley, _ in measured])
        for half_bits, rounds in sizes.items()
        for level, measured in rounds.items()
    ]
    rates = {
        (half_bits, level): rate_of(f"agent_{half_bits}_{level.name}", f"{half_bits}, {level}", GROUP, volleys)
        for half_bits, level, volleys in lines
    }
    costs = [
        cost
        for half_bits, level, volleys in lines
        if level.run == 1
        for cost in costs_of(f"agent_{half_bits}_{level.name}", f"{half_bits}, {level}", COSTS, volleys)
    ]
    levels = list(dict.fromkeys(level for _, level in rates))
    pipelined = levels[-1]
    calls = [
        Result(
            f"agent_{half_bits}_pipelined_calls",
            f"{half_bits}, {pipelined}",
            CALLS,
            "calls",
            tuple(each for _, each in rounds[pipelined]),
            aim=PIPELINE_AIM,
        )
        for half_bits, rounds in sizes.items()
    ]
    ratios = [
        Ratio.between(
            f"agent_pipelined_over_single_{half_bits}",
            f"{half_bits}: the agent's library, pipelined, over {levels[0]}",
            rates[half_bits, pipelined],
            rates[half_bits, levels[0]],
        )
        for half_bits in sizes
    ]
    chart = Chart(
        "Through the agent's library",
        "signatures a second",
        tuple(f"{half_bits}-bit halves" for half_bits in sizes),
        {str(level): tuple(rates[half_bits, level] for half_bits in sizes) for level in levels},
    )
    return Outcome([*rates.values(), *costs, *calls], ratios, [chart])
