"""What in a document's characters carries a watermark, and what a kind of document has to offer for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from contract.watermark.frames import FRAME_BITS


class Channel(Enum):
    """A property of a character that has a few levels which nobody sees. Each carries its own frames.

    Colour: the lowest bits of red, green and blue. Spacing: what is added to a character's width, as word processors
    say it. Kerning: by how much the next character stands off from where it would.
    """

    COLOUR = "colour"
    SPACING = "spacing"
    KERNING = "kerning"

    @property
    def bits(self) -> int:
        """Bits of a level."""
        return {Channel.COLOUR: 3, Channel.SPACING: 2, Channel.KERNING: 2}[self]

    @property
    def is_between(self) -> bool:
        """Whether it is a property of a character and the next one, so that it is lost with either."""
        return self is Channel.KERNING

    @property
    def frame_places(self) -> int:
        """Characters that a frame takes."""
        return FRAME_BITS // self.bits


@dataclass(frozen=True, slots=True)
class Track:
    """A channel of a document: the characters that carry in it, in reading order.

    Args:
        places: where each stands in the document's text.
        levels: what each carries now; None where that cannot be measured.
    """

    places: Sequence[int]
    levels: Sequence[int | None]


class Document(Protocol):
    """A document that can carry a watermark."""

    @property
    def channels(self) -> Sequence[Channel]:
        """In which it can be marked."""

    @property
    def usual_channels(self) -> Sequence[Channel]:
        """In which it is marked if none is named: where nobody sees it."""

    @property
    def text(self) -> str:
        """All of its text."""

    @property
    def tracks(self) -> Mapping[Channel, Track]:
        """Every channel that it can be read in, those in which it can be marked among them."""

    @property
    def remarks(self) -> Sequence[str]:
        """What whoever relies on the text should know besides."""

    def marked(self, levels: Mapping[Channel, Sequence[int | None]]) -> bytes:
        """The document's file with other levels, from the first place of each track on; its text stays.

        Args:
            levels: by channel; None for a character that stays as it is.
        """
