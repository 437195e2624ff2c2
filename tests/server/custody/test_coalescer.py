"""Operations of concurrent calls go together. Patience is a minute in most tests: who waits in vain hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from mpc.engines import CrtPrivateKey, Exponentiation, Gmpy2Engine, Random
from mpc.errors import FaultDetected
from server.custody import Coalescer, coalescer
from tests.mpc.engines.keys import make_key, power
from tests.mpc.parties import RANDOM
from tests.mpc.refusals import fault_detected

WIDTH = 4
BAD = 666


class Wide(Gmpy2Engine):
    """An engine that would rather do four at a time, notes how many came, stops at a gate, and fails for one base."""

    width = WIDTH

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def exponentiate(self, operations: Sequence[Exponentiation], random: Random) -> list[int]:
        """See ``Engine.exponentiate``."""
        self.groups.append(len(operations))
        self.begun.release()
        self.gate.wait()
        if any(base == BAD for _, base in operations):
            raise FaultDetected("exponentiation")
        return super().exponentiate(operations, random)


class Site:
    """A coalescer in front of a wide engine, and callers."""

    def __init__(self, under_way: int, threads: int = 1) -> None:
        self.engine = Wide()
        self.coalescer = Coalescer(self.engine, threads, lambda: under_way)
        self.keys = [make_key(512) for _ in range(3)]
        self.callers = ThreadPoolExecutor(16)

    def call(self, *bases: int) -> Future[bool]:
        """Call from a thread of its own; whether the results are right."""

        def run() -> bool:
            operations = list(zip(self.keys, bases, strict=False))
            return self.coalescer.exponentiate(operations, RANDOM) == [power(*operation) for operation in operations]

        return self.callers.submit(run)


@contextmanager
def site(under_way: int, threads: int = 1) -> Iterator[Site]:
    """Set up and closed again."""
    made = Site(under_way, threads)
    try:
        yield made
    finally:
        made.engine.gate.set()
        made.callers.shutdown()
        made.coalescer.close()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute is as good as for ever."""
    monkeypatch.setattr(coalescer, "_PATIENCE_SECONDS", 60.0)


def test_who_is_alone_does_not_wait() -> None:
    """Nobody else is under way."""
    with site(under_way=1) as alone:
        assert alone.call(2).result()
        assert alone.call(3).result()
        assert alone.engine.groups == [1, 1]


@pytest.mark.parametrize("threads", [1, 2])
def test_waits_for_those_who_are_under_way(threads: int) -> None:
    """Three are, and three go together, although four would fit, and another thread has nothing to do."""
    with site(under_way=3, threads=threads) as three:
        assert all(call.result() for call in [three.call(base) for base in (2, 3, 4)])
        assert three.engine.groups == [3]


def test_full_groups_go_at_once() -> None:
    """However many more may come; calls of several operations count as many."""
    with site(under_way=100) as many:
        assert all(call.result() for call in [many.call(base) for base in (2, 3, 4, 5)])
        assert all(call.result() for call in [many.call(2, 3, 4), many.call(5)])
        assert many.engine.groups == [4, 4]


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who are under way may have nothing to exponentiate."""
    monkeypatch.setattr(coalescer, "_PATIENCE_SECONDS", 0.001)
    with site(under_way=2) as two:
        assert two.call(2).result()
        assert two.engine.groups == [1]


def test_others_gather_while_one_computes() -> None:
    """One thread computes; who comes meanwhile goes together afterwards."""
    with site(under_way=1) as busy:
        busy.engine.gate.clear()
        calls = [busy.call(2)]
        busy.engine.begun.acquire()
        calls += [busy.call(base) for base in range(3, 8)]
        while len(busy.coalescer._inside) < len(calls):
            pass
        busy.engine.gate.set()
        assert all(call.result() for call in calls)
        assert busy.engine.groups == [1, 4, 1]


def test_two_threads_compute_at_a_time() -> None:
    """Both are at the gate together, each with its group."""
    with site(under_way=100, threads=2) as both:
        both.engine.gate.clear()
        calls = [both.call(base) for base in range(2, 10)]
        for _ in range(2):
            both.engine.begun.acquire()
        both.engine.gate.set()
        assert all(call.result() for call in calls)
        assert both.engine.groups == [4, 4]


def test_fault_of_one_is_not_the_others() -> None:
    """A group that fails is tried one by one; who cannot be helped hears of it alone."""
    with site(under_way=4) as mixed:
        good = [mixed.call(base) for base in (2, 3, 4)]
        bad = mixed.call(BAD)
        assert all(call.result() for call in good)
        with fault_detected():
            bad.result()
        assert sorted(mixed.engine.groups) == [1, 1, 1, 1, 4]
        assert mixed.coalescer._inside == set()


def test_engine_of_width_one_has_no_threads() -> None:
    """Calls pass straight through, and so do those that fill a group by themselves."""
    narrow = Coalescer(Gmpy2Engine(), 2, lambda: 100)
    key: CrtPrivateKey = make_key(512)
    assert narrow.exponentiate([(key, 2)], RANDOM) == [power(key, 2)]
    assert narrow._threads == []
    narrow.close()
    with site(under_way=100) as wide:
        keys = [make_key(512) for _ in range(WIDTH + 1)]
        results = wide.coalescer.exponentiate([(key, 2) for key in keys], RANDOM)
        assert results == [power(key, 2) for key in keys]
        assert wide.engine.groups == [WIDTH + 1]
