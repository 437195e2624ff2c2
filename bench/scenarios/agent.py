"""Joint signatures from end to end: the agent's library with its key store, the server, and every check of both.

The agent runs where the load generator otherwise runs, on the other cores, and computes the client halves there.
"""

from __future__ import annotations

from bench.context import Bench
from bench.harness.results import Chart, Outcome
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

Rounds = dict[int, list[Volley]]


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan, at the least and the most requests in flight."""
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
    plan, levels = bench.plan, sorted({min(bench.plan.in_flight), max(bench.plan.in_flight)})
    bench.progress.begin(f"agent, half of {joint_key.half_bits} bits", len(levels) * (1 + plan.load_rounds))
    counts = {}
    for level in levels:
        order = Order(key_id, max(_WARM_UP_CALLS, MIN_WAVES * level), level, _ANSWERS)
        counts[level] = max(order.count, round(load.carry_out(order).rate * plan.load_seconds))
        bench.progress.step()
    rounds: Rounds = {level: [] for level in levels}
    for turn in range(plan.load_rounds):
        for level in rotated(levels, turn):
            volley = fire(server, load, Order(key_id, counts[level], level, _ANSWERS))
            signatures = volley.answer.signatures
            check_signatures(joint_key, ((digest_of(key_id, place), signature) for place, signature in signatures))
            rounds[level].append(volley)
            bench.progress.step()
    return rounds


def _outcome(sizes: dict[int, Rounds]) -> Outcome:
    lines = [(half_bits, level, volleys) for half_bits, rounds in sizes.items() for level, volleys in rounds.items()]
    rates = {
        (half_bits, level): rate_of(f"agent_{half_bits}_{level}", f"{half_bits}, {level} in flight", GROUP, volleys)
        for half_bits, level, volleys in lines
    }
    costs = [
        cost
        for half_bits, level, volleys in lines
        for cost in costs_of(f"agent_{half_bits}_{level}", f"{half_bits}, {level} in flight", COSTS, volleys)
    ]
    levels = sorted({level for _, level in rates})
    chart = Chart(
        "Through the agent's library",
        "signatures a second",
        tuple(f"{half_bits}-bit halves" for half_bits in sizes),
        {f"{level} in flight": tuple(rates[half_bits, level] for half_bits in sizes) for level in levels},
    )
    return Outcome([*rates.values(), *costs], charts=[chart])
