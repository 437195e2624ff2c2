"""The loops in which calls are made.

* Closed: a fixed number of calls is under way, and each that ends is followed by the next at once. It tells how many
  the server can do; a slow call delays those behind it, which are then not made and not counted as slow.
* Open: calls fall due at times that were set before the first one, whatever the server does, and a call's latency
  counts from when it was due. So what stands still for a second shows in every call that fell due meanwhile, not in
  the few that were under way ("coordinated omission", corrected as wrk2 does). The gaps are exponential: calls of many
  callers who know nothing of each other make a Poisson process, and see the server as it is on average. Even gaps are
  kind to it: below saturation hardly anybody queues, and what is left is how even its own work is.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import accumulate
from secrets import SystemRandom
from typing import TextIO

from bench.load.orders import Answer, Order
from bench.load.steady import Call, steady_rate

Sign = Callable[[int], Awaitable[bytes]]
"""Makes the call of that place in its order; returns the signature it got, of a batch the first one."""


async def serve(orders: TextIO, answers: TextIO, prepare: Callable[[Order], Sign]) -> None:
    """Carry out orders, one a line, until there are no more. A call that fails ends the process."""
    while line := await asyncio.to_thread(orders.readline):
        order = Order.from_line(line)
        answers.write((await carry_out(order, prepare(order))).to_line())
        answers.flush()


async def carry_out(order: Order, sign: Sign) -> Answer:
    """Run the loop of one order, with the garbage collector off as in every timed part."""
    places, calls, signatures = iter(range(order.count)), list[Call](), list[tuple[int, bytes]]()
    stride, schedule = max(1, order.count // max(1, order.answers)), draw_schedule(order)

    async def work() -> None:
        for place in places:
            due = start + schedule[place] if schedule else time.perf_counter()
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            begun = time.perf_counter()
            signature = await sign(place)
            calls.append(Call(due, begun, time.perf_counter()))
            if place % stride == 0:
                signatures.append((place * order.batch, signature))

    gc.collect()
    gc.disable()
    start, processor = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as workers:
        for _ in range(order.in_flight):
            workers.create_task(work())
    elapsed, processor_elapsed = time.perf_counter() - start, time.process_time() - processor
    gc.enable()
    return Answer(
        rate=order.batch * (len(calls) / elapsed if schedule else steady_rate(calls, order.in_flight)),
        seconds=elapsed,
        latencies=tuple(_milliseconds(call.ended - call.due) for call in calls),
        lateness=tuple(_milliseconds(call.begun - call.due) for call in calls),
        processor_fraction=processor_elapsed / elapsed,
        signatures=tuple(signatures),
    )


def draw_schedule(order: Order) -> Sequence[float]:
    """Return when each call of an open loop is due, in seconds from its start; nothing for a closed one."""
    if not order.per_second:
        return ()
    if order.even:
        return [place / order.per_second for place in range(order.count)]
    random = SystemRandom()
    return list(accumulate(random.expovariate(order.per_second) for _ in range(order.count)))


def _milliseconds(seconds: float) -> float:
    """As they are told: a longer line of more digits would say no more."""
    return round(1000 * seconds, 3)
