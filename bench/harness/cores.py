"""Which core does what. Linux only: ``sched_setaffinity``."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cores:
    """The division of the cores that this process may use.

    Args:
        measured: the core of everything that is timed in this process, and of the server.
        others: the cores of the load generator. The measured core itself where there is no other one.
    """

    measured: int
    others: tuple[int, ...]

    @property
    def all(self) -> tuple[int, ...]:
        """Every core, for work that is not timed."""
        return tuple(sorted({self.measured, *self.others}))

    @property
    def divided(self) -> bool:
        """Say whether the load generator keeps off the measured core."""
        return self.measured not in self.others

    def describe(self) -> str:
        """Say in one line which core does what."""
        if self.divided:
            others = ", ".join(map(str, self.others))
            return f"timed code and server on core {self.measured}, load generator on {others}"
        return f"everything on core {self.measured}, load generator too: there is no other, figures over gRPC suffer"


def divide_cores(available: Collection[int]) -> Cores:
    """Give the last core to what is measured, the others to the load. The first ones serve most interrupts."""
    measured = max(available)
    return Cores(measured, tuple(sorted(set(available) - {measured})) or (measured,))


@contextmanager
def pinned_to(cores: Collection[int]) -> Iterator[None]:
    """Keep this thread on the given cores, with the threads and processes that it starts meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
