"""Many signatures over gRPC, one after the other: does the server's memory stay flat, does its rate hold.

The client halves come from a small stock, each sent again and again with a new request id: to the server every one is
a request of its own, which it checks, signs and records. The stock keeps the load generator from being the limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from bench.context import Bench
from bench.harness.results import Curves, Outcome, Result
from bench.harness.statistics import trend
from bench.load.orders import Order
from bench.load.process import LoadProcess
from bench.load.steady import MIN_WAVES
from bench.rig.client import KeyMaker
from bench.rig.requests import PreparedRequests, prepare_requests
from bench.rig.site import Site, serving

GROUP = "Soak over gRPC"
HALF_BITS = 2048
IN_FLIGHT = 64
SMALLEST = 4 * MIN_WAVES * IN_FLIGHT
"""Fewest signatures that make a soak: a few pieces with a rate each."""
_LEAST = MIN_WAVES * IN_FLIGHT
_MOST_PIECES = 200
_STOCK = 512
_MEBIBYTE = 2**20
_HOUR = 3600.0
_TELLING_SECONDS = 300.0  # an allocator takes and gives back in steps: what it does in less says nothing of hours
_LENGTH = re.compile(r"(\d+)([smh])")
_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a soak goes on: one of both.

    Args:
        signatures: at least ``SMALLEST``.
        seconds: at least one; it ends with the piece of signatures that is under way then, and not before ``SMALLEST``.
    """

    signatures: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> Extent:
        """Read a number of signatures ("100000"), or a time ("90s", "30m", "8h"). Raises ValueError for all else."""
        if (length := _LENGTH.fullmatch(text)) and int(length[1]):
            return cls(seconds=int(length[1]) * _UNITS[length[2]])
        if text.isdecimal() and int(text) >= SMALLEST:
            return cls(signatures=int(text))
        raise ValueError(f'a soak is at least {SMALLEST} signatures, or a time such as "90s", "30m" or "8h"')

    def __str__(self) -> str:
        """For people."""
        return str(timedelta(seconds=self.seconds)) if self.seconds else f"{self.signatures:,} signatures"

    def next_piece(self, done: int, seconds: float, rate: float) -> int:
        """How many signatures to look at the server after.

        Args:
            done: signatures so far.
            seconds: since the first one.
            rate: a second, of the last piece; 0: there was none.

        Returns:
            At least so many that they have a rate; 0: the soak is over.
        """
        if self.seconds:
            over = seconds >= self.seconds and done >= SMALLEST
            return 0 if over else max(_LEAST, round(rate * self.seconds / _MOST_PIECES))
        piece, left = max(_LEAST, -(-self.signatures // _MOST_PIECES)), self.signatures - done
        return piece if left >= 2 * piece else left


@dataclass(slots=True)
class _Course:
    """What was seen after every piece.

    Args:
        at_rest: resident memory before the first signature, MiB.
        seconds: since the first signature.
        memory: resident, MiB.
        rates: signatures a second.
    """

    at_rest: float
    done: int = 0
    verified: int = 0
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)


def run(bench: Bench, extent: Extent) -> Outcome:
    """Make signatures, and look at the server after every piece of them."""
    bench.progress.begin(f"soak, {extent}", _MOST_PIECES)
    with serving(bench, "soak") as site:
        with KeyMaker(site.target) as maker:
            key = maker.generate(HALF_BITS)
        stock = prepare_requests(key, _STOCK, site.folder / "requests")
        before = _size_of(site.server_folder)
        with LoadProcess("bench.load", [site.target.to_json()], bench.cores.others) as load:
            course = _take(bench, extent, site, load, stock)
        grown = (_size_of(site.server_folder) - before) / course.done
    remarks = [
        f"{course.done:,} signatures in {course.seconds[-1]:.0f} s; {course.verified} of them were verified: all hold.",
        f"The server's folder grew by {grown:,.0f} bytes a signature.",
        *_memory_remarks(course),
    ]
    return _outcome(course, remarks)


def _take(bench: Bench, extent: Extent, site: Site, load: LoadProcess, stock: PreparedRequests) -> _Course:
    course, start, rate = _Course(site.server.resident_bytes() / _MEBIBYTE), perf_counter(), 0.0
    while count := extent.next_piece(course.done, perf_counter() - start, rate):
        answer = load.carry_out(Order(str(stock.path), count, IN_FLIGHT, answers=8, again=True))
        rate = answer.rate
        course.done += count
        course.seconds.append(perf_counter() - start)
        course.memory.append(site.server.resident_bytes() / _MEBIBYTE)
        course.rates.append(rate)
        course.verified += stock.check(answer.signatures)
        bench.progress.step()
    return course


def _memory_remarks(course: _Course) -> list[str]:
    memory, half = course.memory, len(course.memory) // 2
    line = trend([seconds / _HOUR for seconds in course.seconds[half:]], memory[half:])
    seen = (
        f"Resident memory of the server: {course.at_rest:.1f} MiB before the first signature, {memory[half]:.1f} MiB "
        f"half-way, {memory[-1]:.1f} MiB at the end, at most {max(memory):.1f} MiB."
    )
    slope = f"{line.slope:+.2f} MiB an hour (95 % confidence: {line.lower:+.2f} to {line.upper:+.2f})"
    telling = course.seconds[-1] - course.seconds[half] >= _TELLING_SECONDS
    verdict = ("flat" if line.flat else "not flat") if telling else "too short a time to say whether it is flat"
    return [seen, f"Its trend over the second half of the soak: {slope}: {verdict}."]


def _outcome(course: _Course, remarks: list[str]) -> Outcome:
    memory, rates, places = tuple(course.memory), tuple(course.rates), tuple(course.seconds)
    return Outcome(
        [
            Result("soak_rate", f"{HALF_BITS}, {IN_FLIGHT} in flight", GROUP, "1/s", rates),
            Result("soak_resident_memory", "resident memory of the server", GROUP, "MiB", memory),
        ],
        charts=[
            Curves("Resident memory of the server", "seconds", places, {"MiB": memory}),
            Curves("Rate", "seconds", places, {"signatures a second": rates}),
        ],
        remarks=remarks,
    )


def _size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
