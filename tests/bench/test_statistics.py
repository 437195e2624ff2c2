"""The statistics of the benchmark, on numbers that were worked out by hand."""

from __future__ import annotations

import math

import pytest

from bench.harness.statistics import mann_whitney, paired_ratios, quantile, summarise, trend, welch, wilson


def test_summary_of_four_samples() -> None:
    """Quartiles lie a quarter of the way between neighbours, as R and NumPy have it."""
    summary = summarise([4.0, 1.0, 3.0, 2.0])
    assert (summary.count, summary.lower_quartile, summary.median, summary.upper_quartile) == (4, 1.75, 2.5, 3.25)
    assert summary.spread == pytest.approx(1.5 / 2.5)


def test_summary_of_one_sample() -> None:
    """One sample is its own median, and has no spread."""
    summary = summarise([7.0])
    assert (summary.lower_quartile, summary.median, summary.upper_quartile, summary.spread) == (7.0, 7.0, 7.0, 0.0)


def test_summary_of_nothing_is_refused() -> None:
    """No figure comes from no sample."""
    with pytest.raises(ValueError, match="nothing"):
        summarise([])


def test_quantile_at_the_ends() -> None:
    """The quantiles 0 and 1 are the least and the greatest sample."""
    assert (quantile([3.0, 1.0, 2.0], 0.0), quantile([3.0, 1.0, 2.0], 1.0)) == (1.0, 3.0)


def test_ratios_are_taken_round_by_round() -> None:
    """A disturbance that hits both figures of a round leaves the ratio of that round as it was."""
    assert paired_ratios([90.0, 45.0, 88.0], [100.0, 50.0, 80.0]) == [0.9, 0.9, 1.1]


def test_ratios_of_unequal_rounds_are_refused() -> None:
    """What was not measured side by side is not divided."""
    with pytest.raises(ValueError, match="shorter"):
        paired_ratios([1.0, 2.0], [1.0])


def test_trend_ignores_a_wild_point() -> None:
    """One point far off does not bend the line."""
    assert trend([0.0, 1.0, 2.0, 3.0, 4.0], [5.0, 7.0, 900.0, 11.0, 13.0]).slope == 2.0


def test_trend_of_one_place_is_refused() -> None:
    """A slope needs two places."""
    with pytest.raises(ValueError, match="two places"):
        trend([1.0, 1.0], [2.0, 3.0])


def test_interval_of_a_trend_by_hand() -> None:
    """Five points of y = x^2: the slopes of all pairs are the sums of their places, and 1.96 * sqrt(50 / 3) is 8.0.

    So of the ten slopes, 1 2 3 3 4 4 5 5 6 7 in order, the first and the last bound it.
    """
    found = trend([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 4.0, 9.0, 16.0])
    assert (found.lower, found.slope, found.upper, found.flat) == (1.0, 4.0, 7.0, False)
    assert trend([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 5.0, 4.0, 5.0, 4.0]).flat


def test_trend_of_few_points_has_no_interval() -> None:
    """Nothing is said with confidence of two points."""
    found = trend([0.0, 1.0], [5.0, 9.0])
    assert (found.lower, found.slope, found.upper, found.flat) == (-math.inf, 4.0, math.inf, True)


def test_welch_by_hand() -> None:
    """Variances 1 and 4, three samples each: t = -2 / sqrt(5/3)."""
    found = welch([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    assert found.score == pytest.approx(-2 / math.sqrt(5 / 3))


def test_welch_without_variance() -> None:
    """Samples that never vary differ beyond doubt, or not at all."""
    assert welch([2.0, 2.0], [1.0, 1.0]).score == math.inf
    assert welch([1.0, 1.0], [1.0, 1.0]).score == 0.0


def test_mann_whitney_by_hand() -> None:
    """All of one set below all of the other: U = 0, mean 4.5, variance 3 * 3 * 7 / 12."""
    found = mann_whitney([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    assert found.score == pytest.approx(-4.5 / math.sqrt(5.25))


def test_mann_whitney_with_ties() -> None:
    """Three values tie: U = 1, variance 9 / 12 * (7 - 24 / 30)."""
    found = mann_whitney([1.0, 2.0, 2.0], [2.0, 3.0, 4.0])
    assert found.score == pytest.approx(-3.5 / math.sqrt(0.75 * 6.2))


def test_mann_whitney_when_all_tie() -> None:
    """Values that are all the same tell nothing."""
    assert mann_whitney([1.0, 1.0], [1.0, 1.0]).score == 0.0


def test_interval_of_a_share() -> None:
    """Of none in n the upper end is z^2 / (n + z^2); nothing is below 0 or above 1."""
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    lower, upper = wilson(5, 10)
    assert (lower, upper) == pytest.approx((0.2366, 0.7634), abs=1e-4)
