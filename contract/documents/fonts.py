"""The faces that documents are set in. Their files are found elsewhere: nothing here reads the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class FaceName(Enum):
    """What a face is for: a script, a weight, a posture. The value names it within a PDF."""

    CHINESE = "C"
    CHINESE_BOLD = "CB"
    LATIN = "L"
    LATIN_BOLD = "LB"
    LATIN_ITALIC = "LI"
    LATIN_BOLD_ITALIC = "LBI"


FONT_FILES: Final = {
    FaceName.CHINESE: "NotoSerifCJK-Regular.ttc",
    FaceName.CHINESE_BOLD: "NotoSerifCJK-Bold.ttc",
    FaceName.LATIN: "NotoSerif-Regular.ttf",
    FaceName.LATIN_BOLD: "NotoSerif-Bold.ttf",
    FaceName.LATIN_ITALIC: "NotoSerif-Italic.ttf",
    FaceName.LATIN_BOLD_ITALIC: "NotoSerif-BoldItalic.ttf",
}
"""The files by their names. Debian has them in the packages fonts-noto-cjk and fonts-noto-core."""


@dataclass(frozen=True, slots=True)
class Fonts:
    """The files of all faces.

    Args:
        files: content of each file in ``FONT_FILES``.
    """

    files: Mapping[FaceName, bytes] = field(repr=False)
