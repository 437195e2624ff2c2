"""Sessions of more and more members, in which each sends to all others: what an envelope costs sender and recipients.

The cost may grow with the recipients, for each needs a key ciphertext of its own, and no faster. A straight line
through the figures has a part that does not depend on the number; so the cost for each recipient must fall, or stay,
from each size to the next. Members receive eight at a time, here in one process.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Aim, Curves, Outcome, Ratio, Result
from bench.harness.statistics import quantile
from bench.rig.company import Person, arrived, meet
from bench.rig.session import meeting
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.sources import BytesSource
from signer_agent.home import Home

SENDING = "Envelope of 1 KiB from each member of a session to all others: time of sending"
RECEIVING = (
    "The same envelopes at their recipients, eight of them at a time: time for each that one of them has verified"
)
AIM = Aim(1.0, at_most=True)
_HALF_BITS = 2048
_CONTENT_BYTES = 1024
_AT_A_TIME = 8
_AT_LEAST = 10  # envelopes for a figure, however few members there are


@dataclass(frozen=True, slots=True)
class _Taken:
    """Milliseconds: of each sending, and for each envelope that was received, on average over all."""

    sending: list[float]
    receiving: float


def run(bench: Bench) -> Outcome:
    """Measure every size of session of the plan, with the same people."""
    sizes = bench.plan.session_members
    if not sizes:
        return Outcome()
    names = [f"member-{number:02}" for number in range(max(sizes))]
    steps = len(names) + 3 * sum(sizes) - len(sizes)
    bench.progress.begin(f"sessions of up to {len(names)} members", steps)
    with meeting(bench, "members", names, _HALF_BITS) as place:
        taken = asyncio.run(_measure(bench, place.homes, sizes))
    return _outcome(taken)


async def _measure(bench: Bench, homes: tuple[Home, ...], sizes: tuple[int, ...]) -> dict[int, _Taken]:
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(arrived(home)) for home in homes]
        return {size: await _all_send(bench, people[:size]) for size in sizes}


async def _all_send(bench: Bench, people: list[Person]) -> _Taken:
    session_id = await meet(people, bench.progress.step)
    content, sending = secrets.token_bytes(_CONTENT_BYTES), []
    rounds = -(-_AT_LEAST // len(people))
    for person in people:
        await person.signer.session(session_id, refresh=True)
        await person.messages.send(session_id, BytesSource(content))  # pass and line are fetched once
        for _ in range(rounds):
            start = perf_counter()
            await person.messages.send(session_id, BytesSource(content))
            sending.append(1000 * (perf_counter() - start))
        bench.progress.step()
    expected = (len(people) - 1) * (rounds + 1)
    limit, start = asyncio.Semaphore(_AT_A_TIME), perf_counter()
    await asyncio.gather(*(_receive(bench, person, session_id, expected, limit) for person in people))
    receiving = 1000 * (perf_counter() - start) / (expected * len(people))
    return _Taken(sending, receiving)


async def _receive(bench: Bench, person: Person, session_id: str, expected: int, limit: asyncio.Semaphore) -> None:
    async with limit:
        received = [each async for each in person.messages.receive(session_id)]
    held = sum(isinstance(each, Message) and each.verdict.verified and not each.note for each in received)
    if (held, len(received)) != (expected, expected):
        raise BenchFailed(f"{person.name} received {held} verified messages in order, instead of {expected}")
    bench.progress.step()


def _outcome(taken: dict[int, _Taken]) -> Outcome:
    title = "session of {size}, {recipients} recipients"
    results = [
        Result(f"members_{size}_send", title.format(size=size, recipients=size - 1), SENDING, "ms", tuple(each.sending))
        for size, each in taken.items()
    ] + [
        Result(
            f"members_{size}_receive", title.format(size=size, recipients=size - 1), RECEIVING, "ms", (each.receiving,)
        )
        for size, each in taken.items()
    ]
    sending = {size: quantile(each.sending, 0.5) for size, each in taken.items()}
    ratios = [
        Ratio(
            f"members_{larger}_over_{smaller}_for_each_recipient",
            f"Cost of sending for each recipient, {larger} members over {smaller}",
            (sending[larger] / (larger - 1) / (sending[smaller] / (smaller - 1)),),
            AIM,
        )
        for smaller, larger in pairwise(sorted(taken))
    ]
    least, most = min(taken), max(taken)
    growth = taken[most].receiving / taken[least].receiving
    ratios.append(
        Ratio(
            f"members_{most}_over_{least}_receive",
            f"Cost of receiving an envelope, {most} members over {least}, for each of its recipients",
            (growth * (least - 1) / (most - 1),),
            AIM,
        )
    )
    places = tuple(float(size - 1) for size in taken)
    curves = Curves(
        "Time of an envelope, by recipients",
        "recipients",
        places,
        {"ms to send": tuple(sending.values()), "ms to receive": tuple(each.receiving for each in taken.values())},
    )
    return Outcome(results, ratios, [curves])
