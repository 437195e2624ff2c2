"""How operations are timed in turns."""

from __future__ import annotations

import gc
from functools import partial

import pytest

from bench.harness.results import Aim, Ratio, Result
from bench.harness.timing import Case, measure_rates, rotated, time_slice, warm_up


def test_slices_alternate_after_the_warm_up() -> None:
    """Each case is warmed up; then every round has each case once, another one first."""
    order: list[str] = []
    cases = [Case(name, name, partial(order.append, name)) for name in ("a", "b", "c")]
    steps: list[int] = []
    measure_rates("group", cases, rounds=3, slice_seconds=0.0, step=lambda: steps.append(1))
    warm_up_calls = ["a", "a", "b", "b", "c", "c"]  # the very first one, and a slice of one
    assert order == [*warm_up_calls, *"abc", *"bca", *"cab"]
    assert len(steps) == 3 + 9


def test_rates_have_a_sample_of_each_round() -> None:
    """As many samples as rounds, of every case, with the part of the time that was spent computing."""
    cases = [Case("spin", "spinning", lambda: sum(range(1000)))]
    (rate,) = measure_rates("group", cases, rounds=4, slice_seconds=0.002, step=lambda: None).values()
    assert (rate.name, rate.title, rate.group, rate.unit) == ("spin", "spinning", "group", "1/s")
    assert len(rate.samples) == len(rate.processor_fraction) == 4
    assert all(sample > 0 for sample in rate.samples)
    assert all(0 <= fraction <= 1 for fraction in rate.processor_fraction)


def test_every_case_has_every_place_equally_often() -> None:
    """Over as many rounds as there are cases, none profits from its place."""
    rounds = [rotated("abcd", turn) for turn in range(4)]
    assert all(sorted(place) == list("abcd") for place in zip(*rounds, strict=True))


def test_warm_up_counts_at_least_one() -> None:
    """An operation longer than a slice is done once a slice."""
    assert warm_up(lambda: sum(range(100_000)), 0.0) == 1


def test_no_garbage_is_collected_in_a_slice() -> None:
    """The collector is off in the timed part and back afterwards."""
    states: list[bool] = []
    piece = time_slice(lambda: states.append(gc.isenabled()), 3)
    assert (states, gc.isenabled(), piece.operations) == ([False] * 3, True, 3)


def test_ratio_between_results() -> None:
    """The median of the ratios, not the ratio of the medians."""
    above = Result("a", "a", "group", "1/s", (10.0, 30.0, 20.0))
    below = Result("b", "b", "group", "1/s", (10.0, 10.0, 40.0))
    ratio = Ratio.between("a_over_b", "a over b", above, below, aim=Aim(0.9))
    assert ratio.samples == (1.0, 3.0, 0.5)
    assert ratio.summary.median == pytest.approx(1.0)
