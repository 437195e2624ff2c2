"""Sessions of more and more members, in which each sends to all others: what an envelope costs its sender.

The cost may grow with the recipients, for each needs a key ciphertext of its own, and no faster. A straight line
through the figures has a part that does not depend on the number; so the cost for each recipient must fall, or stay.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from time import perf_counter

from bench.context import Bench
from bench.harness.results import Curves, Outcome, Ratio, Result
from bench.harness.statistics import quantile
from bench.rig.company import Person, arrived, meet
from bench.rig.session import meeting
from signer_agent.contracts.sources import BytesSource
from signer_agent.home import Home

GROUP = "Envelope of 1 KiB from each member of a session to all others: time of sending"
_HALF_BITS = 2048
_CONTENT_BYTES = 1024
_AT_LEAST = 10  # envelopes for a figure, however few members there are


def run(bench: Bench) -> Outcome:
    """Measure every size of session of the plan, with the same people."""
    sizes = bench.plan.session_members
    if not sizes:
        return Outcome()
    names = [f"member-{number:02}" for number in range(max(sizes))]
    bench.progress.begin(f"sessions of up to {len(names)} members", len(names) + sum(sizes) + sum(sizes) - len(sizes))
    with meeting(bench, "members", names, _HALF_BITS) as place:
        taken = asyncio.run(_measure(bench, place.homes, sizes))
    return _outcome(taken)


async def _measure(bench: Bench, homes: tuple[Home, ...], sizes: tuple[int, ...]) -> dict[int, list[float]]:
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(arrived(home)) for home in homes]
        return {size: await _all_send(bench, people[:size]) for size in sizes}


async def _all_send(bench: Bench, people: list[Person]) -> list[float]:
    session_id = await meet(people, bench.progress.step)
    content, taken = secrets.token_bytes(_CONTENT_BYTES), []
    rounds = -(-_AT_LEAST // len(people))
    for person in people:
        await person.signer.session(session_id, refresh=True)
        await person.messages.send(session_id, BytesSource(content))  # pass and line are fetched once
        for _ in range(rounds):
            start = perf_counter()
            await person.messages.send(session_id, BytesSource(content))
            taken.append(1000 * (perf_counter() - start))
        bench.progress.step()
    return taken


def _outcome(taken: dict[int, list[float]]) -> Outcome:
    results = [
        Result(f"members_{size}_send", f"session of {size}, {size - 1} recipients", GROUP, "ms", tuple(times))
        for size, times in taken.items()
    ]
    each = {size: quantile(times, 0.5) / (size - 1) for size, times in taken.items()}
    least, most = min(each), max(each)
    ratio = Ratio(
        f"members_{most}_over_{least}_for_each_recipient",
        f"Cost for each recipient, {most} members over {least} (at most 1: it grows no faster than they do)",
        (each[most] / each[least],),
    )
    places = tuple(float(size - 1) for size in taken)
    curves = Curves(
        "Time of sending, by recipients",
        "recipients",
        places,
        {"ms for an envelope": tuple(quantile(times, 0.5) for times in taken.values())},
    )
    return Outcome(results, [ratio], [curves])
