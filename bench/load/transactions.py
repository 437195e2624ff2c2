"""Brings prepared transactions.

A transaction is three requests of an order's file, one for each of ``STEPS``, which are called one after the other: it
counts from the first call until it is executed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import grpc
from fourseal.v1 import transaction_service_pb2 as pb

from bench.errors import BenchFailed
from bench.load.loop import Sign

STEPS: Final = ("Propose", "Sign", "Confirm")
"""What is done to a transaction, one call each; the last one is answered when it is executed."""
if TYPE_CHECKING:  # gRPC's classes take parameters in their type stubs only
    Call = grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]


def prepare_transactions(channel: grpc.aio.Channel, requests: Sequence[bytes], deadline_seconds: float) -> Sign:
    """Bring a transaction in its place of an order; returns what ``times_from`` reads."""
    calls: list[Call] = [channel.unary_unary(f"/fourseal.v1.TransactionService/{step}Transaction") for step in STEPS]

    async def bring(place: int) -> bytes:
        times, answer = list[float](), b""
        own = requests[place * len(STEPS) : (place + 1) * len(STEPS)]
        for call, request in zip(calls, own, strict=True):
            began = time.perf_counter()
            answer = await call(request, timeout=deadline_seconds)
            times.append(round(1000 * (time.perf_counter() - began), 3))
        state = pb.ConfirmTransactionResponse.FromString(answer).status.state
        if state != pb.TRANSACTION_STATE_EXECUTED:
            raise BenchFailed(f"a transaction is {pb.TransactionState.Name(state)}")
        return json.dumps(times).encode()

    return bring


def times_from(receipt: bytes) -> list[float]:
    """Milliseconds of each of ``STEPS``, from what an answer has in place of a signature."""
    times: list[float] = json.loads(receipt)
    return times
