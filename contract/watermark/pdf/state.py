"""The graphics state: what operators set for those that follow (ISO 32000, 8.4 and 9.3)."""

from __future__ import annotations

from contract.watermark.pdf.colours import Colour, of_device
from contract.watermark.pdf.fonts import Font
from contract.watermark.pdf.geometry import IDENTITY, Box, Matrix


class State:
    """The graphics state.

    Attributes:
        matrix: from here to the page.
        clip: outside which nothing is painted.
        colour: that fills.
        space: components of the fill colour, or 0 for a space that is none of a device's; and whether they are exact.
        is_opaque: whether what is painted hides what is there.
        font: of text; None before there is one.
        size: of the font.
        spacing, word_spacing, stretch, leading, rise, mode: of text.
    """

    __slots__ = (
        *("clip", "colour", "font", "is_opaque", "leading", "matrix", "mode", "rise", "size", "space", "spacing"),
        *("stretch", "word_spacing"),
    )

    def __init__(self, clip: Box) -> None:
        self.matrix: Matrix = IDENTITY
        self.clip = clip
        self.colour: Colour = of_device((0.0,))
        self.space: tuple[int, bool] = (1, True)
        self.is_opaque = True
        self.font: Font | None = None
        self.size = 0.0
        self.spacing = 0.0
        self.word_spacing = 0.0
        self.stretch = 1.0
        self.leading = 0.0
        self.rise = 0.0
        self.mode = 0

    def copy(self) -> State:
        """The same again, to be changed by itself."""
        made = State.__new__(State)
        for name in State.__slots__:
            setattr(made, name, getattr(self, name))
        return made
