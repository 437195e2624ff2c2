"""Fill colours, as far as a watermark and a reader's eye ask (ISO 32000, 8.6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_CMYK: Final = 4
_RGB: Final = 3
_LEAST_CONTRAST: Final = 0.1


@dataclass(frozen=True, slots=True)
class Colour:
    """A fill colour.

    Args:
        seen: red, green and blue, 0 to 1, about as they are seen; None for patterns and colours of other spaces.
        marked: in 24 bits, where its lowest bits can be marked; else None.
        source: the operator that sets it.
    """

    seen: tuple[float, float, float] | None
    marked: int | None = None
    source: bytes = b""

    def is_lost_on(self, behind: Colour) -> bool:
        """Whether nobody sees it there."""
        if self.seen is None or behind.seen is None:
            return False
        return max(abs(a - b) for a, b in zip(self.seen, behind.seen, strict=True)) < _LEAST_CONTRAST


UNKNOWN: Final = Colour(None)
WHITE: Final = Colour((1.0, 1.0, 1.0))


@lru_cache(maxsize=1 << 10)  # the colours of a marked text are few
def of_device(values: tuple[float, ...], *, exact: bool = True, source: bytes = b"") -> Colour:
    """The colour of one, three or four components: gray, RGB or CMYK.

    Args:
        values: of the components.
        exact: whether they are of a device's space, which RGB can stand for.
        source: the operator, if there is one.
    """
    within = [min(max(each, 0.0), 1.0) for each in values]
    if len(within) == 1:
        within *= _RGB
    elif len(within) == _CMYK:
        black = within[3]
        return Colour((_ink(within[0], black), _ink(within[1], black), _ink(within[2], black)))
    if len(within) != _RGB:
        return UNKNOWN
    seen = (within[0], within[1], within[2])
    if not exact:
        return Colour(seen)
    parts = [int(255 * each + 0.5) for each in seen]
    operator = "g" if len(values) == 1 else "rg"
    made = f"{' '.join(f'{each:g}' for each in values)} {operator}".encode()
    return Colour(seen, parts[0] << 16 | parts[1] << 8 | parts[2], source or made)


def rgb_operator(colour: int) -> bytes:
    """The operator that sets a colour of 24 bits."""
    parts = (f"{(colour >> shift & 0xFF) / 255:.4f}".rstrip("0").rstrip(".") for shift in (16, 8, 0))
    return f"{' '.join(parts)} rg".encode()


def _ink(part: float, black: float) -> float:
    return (1 - part) * (1 - black)
