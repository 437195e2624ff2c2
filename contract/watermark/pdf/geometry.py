"""Places on a page: matrices, boxes, and what lies in which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from contract.watermark.refusals import malformed

Matrix = tuple[float, float, float, float, float, float]
Point = tuple[float, float]
IDENTITY: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_FARTHEST: Final = 1e9


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle along the page's edges, in points."""

    left: float
    bottom: float
    right: float
    top: float

    def holds(self, point: Point, margin: float = 0.0) -> bool:
        """Whether a point lies in it, or at most so far from it."""
        return (
            self.left - margin <= point[0] <= self.right + margin
            and self.bottom - margin <= point[1] <= self.top + margin
        )

    def within(self, other: Box) -> Box:
        """What both have in common."""
        return Box(
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            min(self.right, other.right),
            min(self.top, other.top),
        )

    def is_thin(self, least: float) -> bool:
        """Whether it is a line rather than an area."""
        return min(self.right - self.left, self.top - self.bottom) < least


EVERYWHERE: Final = Box(-_FARTHEST, -_FARTHEST, _FARTHEST, _FARTHEST)


def multiply(first: Matrix, then: Matrix) -> Matrix:
    """The matrix that does both, one after the other.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED: nothing on a page is so far away.
    """
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    made = (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)
    if not all(-_FARTHEST < each < _FARTHEST for each in made):
        raise malformed("a place beyond any page")
    return made


def moved(matrix: Matrix, x: float, y: float) -> Matrix:
    """The matrix for a place that stands so far off."""
    a, b, c, d, e, f = matrix
    return (a, b, c, d, x * a + y * c + e, x * b + y * d + f)


def apply(matrix: Matrix, x: float, y: float) -> Point:
    """Where a point comes to stand."""
    a, b, c, d, e, f = matrix
    return (x * a + y * c + e, x * b + y * d + f)


def around(points: list[Point]) -> Box:
    """The smallest box with all of these points."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(min(xs), min(ys), max(xs), max(ys))


def corners(matrix: Matrix, x: float, y: float, width: float, height: float) -> list[Point]:
    """The corners of a rectangle, in turn."""
    return [
        apply(matrix, x, y),
        apply(matrix, x + width, y),
        apply(matrix, x + width, y + height),
        apply(matrix, x, y + height),
    ]


def is_upright(points: list[Point]) -> bool:
    """Whether a polygon's edges go along the page's."""
    edges = zip(points, [*points[1:], points[0]], strict=True)
    return all(math.isclose(a, c, abs_tol=0.01) or math.isclose(b, d, abs_tol=0.01) for (a, b), (c, d) in edges)
