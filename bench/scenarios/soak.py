"""Many signatures over gRPC, one after the other: does the server's memory stay flat, does its rate hold.

The client halves come from a small stock, each sent again and again with a new request id: to the server every one is
a request of its own, which it checks, signs and records. The stock keeps the load generator from being the limit.
"""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from time import perf_counter

from bench.context import Bench
from bench.harness.results import Curves, Outcome, Result
from bench.harness.statistics import trend
from bench.load.orders import Order
from bench.load.process import LoadProcess
from bench.load.steady import MIN_WAVES
from bench.rig.client import KeyMaker
from bench.rig.requests import prepare_requests
from bench.rig.site import serving

GROUP = "Soak over gRPC"
HALF_BITS = 2048
IN_FLIGHT = 64
SMALLEST = 4 * MIN_WAVES * IN_FLIGHT
"""Fewest signatures that make a soak: a few pieces with a rate each."""
_MOST_PIECES = 200
_STOCK = 512
_MEBIBYTE = 2**20


def run(bench: Bench, signatures: int) -> Outcome:
    """Make that many signatures, at least ``SMALLEST``, and look at the server after every piece of them."""
    pieces = _pieces(signatures)
    bench.progress.begin(f"soak, {signatures:,} signatures", len(pieces))
    with serving(bench, "soak") as site:
        server = site.server
        with KeyMaker(site.target) as maker:
            key = maker.generate(HALF_BITS)
        stock = prepare_requests(key, _STOCK, site.folder / "requests")
        with LoadProcess("bench.load", [site.target.to_json()], bench.cores.others) as load:
            at_rest, records_before = server.resident_bytes() / _MEBIBYTE, _size_of(site.server_folder)
            memory, rates, verified, start = [], [], 0, perf_counter()
            for count in pieces:
                answer = load.carry_out(Order(str(stock.path), count, IN_FLIGHT, answers=8, again=True))
                memory.append(server.resident_bytes() / _MEBIBYTE)
                rates.append(answer.rate)
                verified += stock.check(answer.signatures)
                bench.progress.step()
            seconds = perf_counter() - start
        grown = (_size_of(site.server_folder) - records_before) / sum(pieces)
    remarks = [
        f"{signatures:,} signatures in {seconds:.0f} s; {verified} of them, evenly spread, were verified: all hold.",
        f"The server's folder grew by {grown:,.0f} bytes a signature.",
        _memory_remark(at_rest, pieces, memory),
    ]
    return _outcome(pieces, memory, rates, remarks)


def _pieces(signatures: int) -> list[int]:
    """Cut the soak into pieces: at most ``_MOST_PIECES``, each long enough for a rate."""
    number = min(_MOST_PIECES, signatures // (MIN_WAVES * IN_FLIGHT))
    whole, rest = divmod(signatures, number)
    return [whole + (place < rest) for place in range(number)]


def _memory_remark(at_rest: float, pieces: list[int], memory: list[float]) -> str:
    done = list(accumulate(pieces))
    half = len(memory) // 2
    slope = trend(done[half:], memory[half:]) * 1000 * 1024  # KiB for a thousand signatures
    return (
        f"Resident memory of the server: {at_rest:.1f} MiB before the first signature, {memory[half]:.1f} MiB "
        f"half-way, {memory[-1]:.1f} MiB at the end, at most {max(memory):.1f} MiB; trend over the second half "
        f"{slope:+.2f} KiB for 1,000 signatures."
    )


def _outcome(pieces: list[int], memory: list[float], rates: list[float], remarks: list[str]) -> Outcome:
    done = tuple(float(place) for place in accumulate(pieces))
    return Outcome(
        [
            Result("soak_rate", f"{HALF_BITS}, {IN_FLIGHT} in flight", GROUP, "1/s", tuple(rates)),
            Result("soak_resident_memory", "resident memory of the server", GROUP, "MiB", tuple(memory)),
        ],
        charts=[
            Curves("Resident memory of the server", "signatures made", done, {"MiB": tuple(memory)}),
            Curves("Rate", "signatures made", done, {"signatures a second": tuple(rates)}),
        ],
        remarks=remarks,
    )


def _size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
