"""The statistics of the report, in full: no library stands between samples and figures, a reader can check them.

Medians and quartiles, because a shared machine disturbs some samples by much. Two tests of whether two sets of times
differ: Welch's t for the means, Mann and Whitney's U for the order. Both p-values use the normal approximation, which
is good from some thirty samples on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median, variance


@dataclass(frozen=True, slots=True)
class Summary:
    """Median and quartiles of a set of samples, in their unit."""

    count: int
    median: float
    lower_quartile: float
    upper_quartile: float

    @property
    def spread(self) -> float:
        """Interquartile range over the median: 0.05 says that half of the samples lie within five percent."""
        distance = self.upper_quartile - self.lower_quartile
        return distance / abs(self.median) if distance else 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """What a test says of two sets of samples.

    Args:
        score: Welch's t, or the z of U: how many standard errors apart. Positive: the first set is larger.
        p_value: how often as much would be seen if there were no difference; two-sided.
    """

    score: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Trend:
    """How values change with their places.

    Args:
        slope: change for one place.
        lower, upper: the slope lies between them with 95 % confidence; infinite for too few points.
    """

    slope: float
    lower: float
    upper: float

    @property
    def flat(self) -> bool:
        """Whether none can be told from no trend at all."""
        return self.lower <= 0 <= self.upper


def summarise(samples: Sequence[float]) -> Summary:
    """Summarise at least one sample; ValueError for none."""
    if not samples:
        raise ValueError("there is nothing to summarise")
    return Summary(len(samples), median(samples), quantile(samples, 0.25), quantile(samples, 0.75))


def quantile(samples: Sequence[float], fraction: float) -> float:
    """Return the quantile at ``fraction`` (0 to 1) of at least one sample, interpolated between neighbours.

    Type 7 of Hyndman and Fan (The American Statistician 50, 1996), the default of R and NumPy.
    """
    ordered = sorted(samples)
    place = fraction * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def paired_ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Divide sample by sample. Samples of one round were taken side by side: noise that hit both cancels out.

    Raises:
        ValueError: the two are not of the same number of rounds.
    """
    return [above / below for above, below in zip(numerators, denominators, strict=True)]


def trend(places: Sequence[float], values: Sequence[float]) -> Trend:
    """Return the median slope of all pairs of points (Theil and Sen): a line that a few wild points do not bend.

    The interval is Sen's (Journal of the American Statistical Association 63, 1968), between order statistics of the
    slopes. It takes the points for independent of each other but for the trend.

    Raises:
        ValueError: fewer than two different places, or not as many values as places.
    """
    points = list(zip(places, values, strict=True))
    pairs = [(first, second) for i, first in enumerate(points) for second in points[i + 1 :] if first[0] != second[0]]
    slopes = sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairs)
    if not slopes:
        raise ValueError("a trend needs two places")
    n = len(points)
    reach = NormalDist().inv_cdf(0.975) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    below, above = round((len(slopes) - reach) / 2) - 1, round((len(slopes) + reach) / 2)
    enough = below >= 0 and above < len(slopes)
    lower, upper = (slopes[below], slopes[above]) if enough else (-math.inf, math.inf)
    return Trend(median(slopes), lower, upper)


def welch(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Compare the means of two sets of at least two samples each, of unequal variance (Welch, Biometrika 34, 1947)."""
    error = math.sqrt(variance(first) / len(first) + variance(second) / len(second))
    gap = fmean(first) - fmean(second)
    return _difference(gap / error) if error else _difference(math.copysign(math.inf, gap) if gap else 0.0)


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Compare the order of two sets of samples, with the correction for ties.

    Mann and Whitney, Annals of Mathematical Statistics 18 (1947).
    """
    ranks, ties = _rank([*first, *second])
    n, m = len(first), len(second)
    total = n + m
    u = sum(ranks[:n]) - n * (n + 1) / 2
    deviation = math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
    return _difference((u - n * m / 2) / deviation if deviation else 0.0)


def wilson(successes: int, tries: int) -> tuple[float, float]:
    """Between which shares, 0 to 1, the true one lies with 95 % confidence (Wilson, JASA 22, 1927)."""
    z = NormalDist().inv_cdf(0.975)
    share, scale = successes / tries, 1 + z * z / tries
    middle = (share + z * z / (2 * tries)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _rank(values: Sequence[float]) -> tuple[list[float], float]:
    """Return the rank of each value, equal ones sharing the mean of theirs, and the sum of t^3 - t over the ties."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks, ties, start = [0.0] * len(values), 0.0, 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start : end + 1]:
            ranks[place] = (start + end) / 2 + 1
        size = end - start + 1
        ties += size**3 - size
        start = end + 1
    return ranks, ties


def _difference(score: float) -> Difference:
    return Difference(score, 2 * NormalDist().cdf(-abs(score)))
