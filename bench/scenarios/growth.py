"""Joint signatures over gRPC while the server keeps few keys, and many: what is stored shall not slow down signing.

A server for each number of the plan, filled with copies of a real key (``bench.rig.stored_keys``). What signs is the
same in both: as many keys, picked at random among all, so that neither has more of them open than the other. The
servers take turns in each round; the one that waits takes no processor time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import SystemRandom

import structlog

from bench.context import Bench
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.timing import rotated
from bench.load.orders import Order
from bench.load.process import LoadProcess
from bench.load.steady import MIN_WAVES
from bench.rig.client import ClientKey, KeyMaker
from bench.rig.requests import PreparedRequests, prepare_requests
from bench.rig.server import ServerProcess
from bench.rig.site import Site, serving
from bench.rig.stored_keys import COPIES_AT_A_TIME, store_copies
from bench.rig.volley import Volley, fire, rate_of
from server.config import load_settings
from server.root.ground import open_ground
from server.root.home import Home

GROUP = "Joint signatures over gRPC among few keys and many"
AIM = Aim(1.1, at_most=True)
_HALF_BITS = 2048
_SIGNING_KEYS = 64
_STOCK = 256
_ANSWERS = 16
_GIBIBYTE = 2**30


@dataclass(frozen=True, slots=True)
class _Shelf:
    """A server that keeps so many keys, and requests for some of them."""

    keys: int
    server: ServerProcess
    load: LoadProcess
    stock: PreparedRequests
    folder: Path


def run(bench: Bench) -> Outcome:
    """Measure every number of keys of the plan."""
    plan = bench.plan
    if not plan.stored_keys:
        return Outcome()
    fillings = sum(-(-keys // COPIES_AT_A_TIME) for keys in plan.stored_keys)
    bench.progress.begin("signing among many keys", fillings + len(plan.stored_keys) * (1 + plan.load_rounds))
    with ExitStack() as stack:
        shelves = [stack.enter_context(_shelf(bench, keys)) for keys in plan.stored_keys]
        volleys = _measure(bench, shelves)
        remarks = [_remark(shelf) for shelf in shelves]
    return _outcome(volleys, remarks)


@contextmanager
def _shelf(bench: Bench, keys: int) -> Iterator[_Shelf]:
    with serving(bench, f"growth-{keys}") as site:
        with KeyMaker(site.target) as maker:
            key = maker.generate(_HALF_BITS)
        key_ids = _fill(bench, site, key, keys)
        signing = SystemRandom().sample(key_ids, min(_SIGNING_KEYS, keys))
        stock = prepare_requests(key, _STOCK, site.folder / "requests", signing)
        with LoadProcess("bench.load", [site.target.to_json()], bench.cores.others) as load:
            yield _Shelf(keys, site.server, load, stock, site.server_folder)


def _fill(bench: Bench, site: Site, key: ClientKey, keys: int) -> Sequence[str]:
    folder = site.server_folder
    with open_ground(Home(folder), load_settings(folder), structlog.get_logger()) as ground:
        return store_copies(ground, key.key_id, keys, bench.progress.step)


def _measure(bench: Bench, shelves: Sequence[_Shelf]) -> dict[int, list[Volley]]:
    """The volleys of all rounds, by the number of keys."""
    plan, orders = bench.plan, dict[int, Order]()
    in_flight = max(plan.in_flight)
    for shelf in shelves:
        least = Order(str(shelf.stock.path), max(_STOCK, MIN_WAVES * in_flight), in_flight, _ANSWERS, again=True)
        rate = shelf.load.carry_out(least).rate  # warm-up: opens the keys
        orders[shelf.keys] = replace(least, count=max(least.count, round(rate * plan.load_seconds)))
        bench.progress.step()
    volleys: dict[int, list[Volley]] = {shelf.keys: [] for shelf in shelves}
    for turn in range(plan.load_rounds):
        for shelf in rotated(shelves, turn):
            volley = fire(shelf.server, shelf.load, orders[shelf.keys])
            shelf.stock.check(volley.answer.signatures)
            volleys[shelf.keys].append(volley)
            bench.progress.step()
    return volleys


def _remark(shelf: _Shelf) -> str:
    size = sum(file.stat().st_size for file in shelf.folder.rglob("*") if file.is_file()) / _GIBIBYTE
    resident = shelf.server.resident_bytes() / 2**20
    return f"With {shelf.keys:,} keys the server's folder has {size:.2f} GiB, and its memory {resident:.0f} MiB."


def _outcome(volleys: dict[int, list[Volley]], remarks: Sequence[str]) -> Outcome:
    few, many = min(volleys), max(volleys)
    rates = {keys: rate_of(f"growth_{keys}", f"{keys:,} keys", GROUP, each) for keys, each in volleys.items()}
    costs = [
        Result(
            f"growth_{keys}_server_cpu",
            f"{keys:,} keys: server's CPU for a signature",
            GROUP,
            "ms",
            tuple(volley.server_milliseconds for volley in each),
        )
        for keys, each in volleys.items()
    ]
    ratio = Ratio.between(
        "growth_million",
        f"Time of a signature with {many:,} keys over time with {few:,}",
        rates[few],  # a time over another is the other's rate over the first one's
        rates[many],
        AIM,
    )
    chart = Chart(
        "Signatures among few keys and many",
        "signatures a second",
        tuple(f"{keys:,} keys" for keys in volleys),
        {f"halves of {_HALF_BITS} bits": tuple(rates.values())},
    )
    return Outcome([*rates.values(), *costs], [ratio], [chart], remarks)
