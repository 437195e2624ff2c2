"""How a mark looks: pages drawn before and after, compared pixel by pixel, and where their characters stand.

Structural similarity as in Wang, Bovik, Sheikh, Simoncelli 2004 (Gaussian windows of 1.5 pixels), by scikit-image, of
grey pages at 150 dpi.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from lxml import etree
from PIL import Image
from skimage.metrics import structural_similarity

from bench.errors import BenchFailed
from bench.watermark.workshop import Workshop

NEEDS: Final = ("pdftocairo", "mutool")
_DPI: Final = 150
_SAME_LINE: Final = 1.0
"""Points: a character that stands higher or lower than that has gone to another line."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Between two PDF files of one text.

    Args:
        similarity: of the least similar page, 0 to 1.
        shift: the largest of a character within its line, in points.
        moved: characters that went to another line, a share of all.
        widening: of the distance from one character to the next, a share of it.
    """

    similarity: float
    shift: float
    moved: float
    widening: float


@dataclass(frozen=True, slots=True)
class _Place:
    page: int
    character: str
    x: float
    y: float

    def beside(self, other: _Place) -> bool:
        return self.page == other.page and abs(self.y - other.y) < _SAME_LINE


def compare(workshop: Workshop, plain: bytes, marked: bytes) -> Difference:
    """Compare two PDF files."""
    pages = list(zip(_pages(workshop, plain), _pages(workshop, marked), strict=True))
    similarity = min(
        float(
            structural_similarity(  # type: ignore[no-untyped-call]
                one, other, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
            )
        )
        for one, other in pages
    )
    before, after = list(_places(workshop, plain)), list(_places(workshop, marked))
    if [each.character for each in before] != [each.character for each in after]:
        raise BenchFailed("two PDF files that should have the same text have not")
    both = list(zip(before, after, strict=True))
    stayed = [(one, other) for one, other in both if one.beside(other)]
    steps = [
        (right.x - left.x, right_after.x - left_after.x)
        for (left, left_after), (right, right_after) in pairwise(both)
        if left.beside(right) and left_after.beside(right_after)
    ]
    widening = sum(step for _, step in steps) / sum(step for step, _ in steps) - 1
    shift = max(abs(other.x - one.x) for one, other in stayed)
    return Difference(similarity, shift, 1 - len(stayed) / len(both), widening)


def _pages(workshop: Workshop, file: bytes) -> list[np.ndarray]:
    drawn = workshop.run("pdftocairo", "-png", "-gray", "-r", str(_DPI), "{in}", "{out}", file=file, extension="png")
    return [np.asarray(Image.open(io.BytesIO(each)).convert("L")) for each in drawn]


def _places(workshop: Workshop, file: bytes) -> Iterator[_Place]:
    """Where each character that is seen stands."""
    (made,) = workshop.run("mutool", "draw", "-q", "-F", "stext", "-o", "{out}", "{in}", file=file, extension="xml")
    for number, page in enumerate(etree.fromstring(made).iter("page")):
        for each in page.iter("char"):
            if each.get("c", "").strip():
                yield _Place(number, each.get("c", ""), float(each.get("x", "0")), float(each.get("y", "0")))
