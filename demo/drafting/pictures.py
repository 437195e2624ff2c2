"""Two pictures of one page side by side, and their difference, amplified until it can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFont

from contract.documents.fonts import FaceName, Fonts

AMPLIFIED: Final = 64
"""Times that the third picture shows a difference stronger than it is."""

_GAP: Final = 12
_HEAD: Final = 46
_SIZE: Final = 26
_PAPER: Final = (226, 226, 226)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two pictures of one page, in colours.

    Args:
        one: of the page.
        other: of the page with something changed, as large.
    """

    one: Image.Image
    other: Image.Image

    @property
    def difference(self) -> Image.Image:
        """By how much each pixel differs in the colour in which it differs most: 0 to 255."""
        red, green, blue = ImageChops.difference(self.one, self.other).split()
        return ImageChops.lighter(ImageChops.lighter(red, green), blue)

    @property
    def largest(self) -> int:
        """The largest difference of a pixel, 0 to 255."""
        return int(self.difference.getextrema()[1])  # type: ignore[arg-type]

    @property
    def share(self) -> float:
        """Of the pixels that differ at all, 0 to 1."""
        same, *_ = self.difference.histogram()
        return 1 - same / (self.one.width * self.one.height)

    @property
    def mean(self) -> float:
        """The mean difference of all pixels, 0 to 255."""
        counts = self.difference.histogram()
        return sum(value * count for value, count in enumerate(counts)) / sum(counts)

    def side_by_side(self, labels: Sequence[str], fonts: Fonts, *, stacked: bool = False) -> Image.Image:
        """Both, and the amplified difference: dark where they differ.

        Args:
            labels: of the three.
            fonts: of the labels.
            stacked: one below the other, for pictures that are wide.
        """
        amplified = self.difference.point([255 - min(255, AMPLIFIED * value) for value in range(256)]).convert("RGB")
        width, height = self.one.width + _GAP, self.one.height + _HEAD + _GAP
        across, down = (1, len(labels)) if stacked else (len(labels), 1)
        sheet = Image.new("RGB", (across * width + _GAP, down * height), _PAPER)
        draw = ImageDraw.Draw(sheet)
        face = ImageFont.truetype(BytesIO(fonts.files[FaceName.LATIN]), _SIZE)
        for number, (label, picture) in enumerate(zip(labels, (self.one, self.other, amplified), strict=True)):
            left, top = (_GAP, number * height) if stacked else (number * width + _GAP, 0)
            draw.text((left, top + _GAP // 2), label, fill=(0, 0, 0), font=face)
            sheet.paste(picture, (left, top + _HEAD))
        return sheet
