"""The block at the end of a contract: its serial number, also as QR code, and a box for each signature.

Nothing of it is text of the draft, nor of the PDF: its words are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import segno

from contract.documents.draft import Run
from contract.documents.typesetting.lines import Line
from contract.documents.typesetting.pages import BLACK, GREY, HEIGHT, Page
from contract.documents.typesetting.paragraphs import LEFT, TEXT_WIDTH, House
from contract.documents.typesetting.strips import BOTTOM, TOP, Strip

_QUIET: Final = 4
"""Light modules that a QR code has around it (ISO/IEC 18004)."""
_CODE: Final = 62.0
_HEAD: Final = 80.0
"""Height of the QR code and what stands beside it, in points."""
_GAP: Final = 14.0
_BOX: Final = 58.0
_LEAST_BOX: Final = 24.0
_CAPTION: Final = 24.0
_ABOVE: Final = 18.0
_MOST: Final = 0.85
"""Of a page: the end of the text shall stand there too."""
_EDGE: Final = 0.5
_SIZE, _SMALL = 10.5, 8.0
_COLUMNS: Final = 2
_CROWD: Final = 8
_CROWD_COLUMNS: Final = 3
_WORDS: Final = {
    True: ("签署", "合同编号", "编号时间"),
    False: ("Signatures", "Contract number", "Number given"),
}


@dataclass(frozen=True, slots=True)
class SignatureBlock:
    """What stands at the end of a contract that is to be signed.

    Args:
        serial: number of the contract.
        time: when it got the number, UTC.
        signers: names, one for each box; at least one.
    """

    serial: int
    time: datetime
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """Where a signature is to be seen.

    Args:
        page: its number, from 0.
        left, bottom, right, top: in points from the lower left corner, as PDF counts.
    """

    page: int
    left: float
    bottom: float
    right: float
    top: float


@dataclass(slots=True)
class SetBlock:
    """The block as it is drawn.

    Args:
        house: style.
        block: what it says.
        boxes: for the signatures, in the order of the signers; filled when it is drawn.
    """

    house: House
    block: SignatureBlock
    boxes: list[Box]

    def strip(self) -> Strip:
        """The block as a strip: it is never divided."""
        return Strip(_HEAD + self._rows * (self._box_height + _CAPTION), self.draw, before=_ABOVE)

    def draw(self, page: Page, y: float) -> None:
        """Draw it."""
        with page.artifact():
            page.box(LEFT, y, TEXT_WIDTH, 0.9)
            page.boxes(list(self._modules(LEFT + TEXT_WIDTH - _CODE, y + 9.0)))
        heading, number, time = _WORDS[self.house.chinese]
        self._say(page, heading, LEFT, y + 24.0, 12.0, bold=True)
        self._say(page, f"{number}  {self.block.serial}", LEFT, y + 44.0, _SIZE)
        self._say(page, f"{time}  {self.block.time:%Y-%m-%d %H:%M:%S} UTC", LEFT, y + 59.0, _SMALL, grey=GREY)
        width = (TEXT_WIDTH - _GAP * (self._columns - 1)) / self._columns
        for number_of_box, name in enumerate(self.block.signers):
            row, column = divmod(number_of_box, self._columns)
            x = LEFT + column * (width + _GAP)
            top = y + _HEAD + row * (self._box_height + _CAPTION)
            self._draw_box(page, x, top, width, name)

    def _draw_box(self, page: Page, x: float, top: float, width: float, name: str) -> None:
        height = self._box_height
        with page.artifact():
            for left, upper, wide, high in (
                (x, top, width, _EDGE),
                (x, top + height - _EDGE, width, _EDGE),
                (x, top, _EDGE, height),
                (x + width - _EDGE, top, _EDGE, height),
            ):
                page.box(left, upper, wide, high, 0.6)
        line = self._line(name, _SIZE)
        shown = name
        while line.width > width and shown:
            shown = shown[:-1]
            line = self._line(shown + "…", _SIZE)
        page.outlines(line, x, top + height + 13.0)
        self.boxes.append(Box(page.number, x, HEIGHT - top - height, x + width, HEIGHT - top))

    def _modules(self, x: float, y: float) -> Iterator[tuple[float, float, float, float]]:
        """The dark modules of the QR code; those side by side as one rectangle."""
        rows = segno.make_qr(str(self.block.serial), error="m").matrix
        module = _CODE / len(rows)
        for number, row in enumerate(rows):
            begin = 0
            while begin < len(row):
                end = begin
                while end < len(row) and row[end]:
                    end += 1
                if end > begin:
                    yield x + begin * module, y + number * module, (end - begin) * module, module
                begin = end + 1

    def _say(
        self, page: Page, text: str, x: float, baseline: float, size: float, *, bold: bool = False, grey: float = BLACK
    ) -> None:
        page.outlines(self._line(text, size, bold=bold), x, baseline, grey)

    def _line(self, text: str, size: float, *, bold: bool = False) -> Line:
        return self.house.setter.lines((Run(text, bold=bold),), size, float("inf"))[0]

    @property
    def _columns(self) -> int:
        return _COLUMNS if len(self.block.signers) <= _CROWD else _CROWD_COLUMNS

    @property
    def _rows(self) -> int:
        return -(-len(self.block.signers) // self._columns)

    @property
    def _box_height(self) -> float:
        room = (_MOST * (BOTTOM - TOP) - _HEAD) / self._rows - _CAPTION
        return max(_LEAST_BOX, min(_BOX, room))
