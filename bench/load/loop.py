"""The closed loop: a fixed number of calls is under way, and each that ends is followed by the next at once."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable
from typing import TextIO

from bench.load.orders import Answer, Order
from bench.load.steady import Call, latency_milliseconds, steady_rate

Sign = Callable[[int], Awaitable[bytes]]
"""Makes the call of that place in its order; returns the signature it got, of a batch the first one."""


async def serve(orders: TextIO, answers: TextIO, prepare: Callable[[Order], Sign]) -> None:
    """Carry out orders, one a line, until there are no more. A call that fails ends the process."""
    while line := await asyncio.to_thread(orders.readline):
        order = Order.from_line(line)
        answers.write((await carry_out(order, prepare(order))).to_line())
        answers.flush()


async def carry_out(order: Order, sign: Sign) -> Answer:
    """Run the closed loop of one order, with the garbage collector off as in every timed part."""
    places, calls, signatures = iter(range(order.count)), list[Call](), list[tuple[int, bytes]]()
    stride = max(1, order.count // max(1, order.answers))

    async def work() -> None:
        for place in places:
            begun = time.perf_counter()
            signature = await sign(place)
            calls.append(Call(begun, time.perf_counter()))
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
        rate=order.batch * steady_rate(calls, order.in_flight),
        seconds=elapsed,
        latency_p50=latency_milliseconds(calls, 0.5),
        latency_p99=latency_milliseconds(calls, 0.99),
        processor_fraction=processor_elapsed / elapsed,
        signatures=tuple(signatures),
    )
