"""What a closed loop of calls says of the rate: that of the time in which it ran steadily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MIN_WAVES = 3
"""A rate needs that many completions for each call in flight: one wave to start, one to measure, one to end."""


@dataclass(frozen=True, slots=True)
class Call:
    """When a call was due, made and answered, seconds of one clock. In a closed loop it is due when it is made."""

    due: float
    begun: float
    ended: float


def steady_rate(calls: Sequence[Call], in_flight: int) -> float:
    """Return completed calls a second, in the part of the loop in which ``in_flight`` calls were always under way.

    The first ``in_flight`` completions belong to the start, and the last ones to the end, when no new calls follow:
    both are left out.

    Raises:
        ValueError: there are fewer than MIN_WAVES completions for each call in flight.
    """
    if len(calls) < MIN_WAVES * in_flight:
        raise ValueError(f"{len(calls)} calls are too few for a rate at {in_flight} in flight")
    ended = sorted(call.ended for call in calls)
    first, last = in_flight - 1, len(ended) - in_flight
    return (last - first) / (ended[last] - ended[first])
