"""A page as it is painted: operators one after the other, and what each shows (ISO 32000, 8 and 9)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import pikepdf

from contract.watermark.pdf.canvas import Canvas
from contract.watermark.pdf.colours import UNKNOWN, of_device
from contract.watermark.pdf.fonts import Font
from contract.watermark.pdf.geometry import IDENTITY, Matrix, Point, apply, around, corners, moved, multiply
from contract.watermark.pdf.marked_content import MarkedContent
from contract.watermark.pdf.objects import name_of, numbers_of
from contract.watermark.pdf.resources import SPACES, Shared, properties, resource, space_of
from contract.watermark.pdf.shows import Show, Source
from contract.watermark.pdf.state import State
from contract.watermark.pdf.syntax import Operand, Operation, operations
from contract.watermark.refusals import deceptive, malformed
from mpc.errors import MalformedInput

_MAX_DEPTH: Final = 16
_MAX_STATES: Final = 512
_INVISIBLE: Final = (3, 7)
_OUTLINES: Final = (1, 5)
_NUMBERS: Final = {
    **dict.fromkeys((b"cm", b"Tm", b"c"), 6),
    **dict.fromkeys((b"k", b"re", b"v", b"y"), 4),
    b"rg": 3,
    **dict.fromkeys((b"Td", b"TD", b"m", b"l"), 2),
    **dict.fromkeys((b"Tc", b"Tw", b"Tz", b"TL", b"Ts", b"Tr", b"g"), 1),
}


class Painter:
    """Paints one page.

    Args:
        shared: what it has in common with other pages.
        canvas: that it is painted on.
    """

    def __init__(self, shared: Shared, canvas: Canvas) -> None:
        self.shows: list[Show] = []
        self._shared = shared
        self._canvas = canvas
        self._state = State(canvas.page)
        self._content = MarkedContent()
        self._line: Matrix = IDENTITY
        self._at: Matrix = IDENTITY
        self._path: list[list[Point]] = []
        self._is_curved = False
        self._clips = False
        self._named_fonts: dict[str, Font] = {}
        self._states: list[State] = []
        self._depth = 0
        self._do = self._handlers()

    def _handlers(self) -> dict[bytes, Callable[[Source, Operation], None]]:
        """What each operator does; others do nothing that matters here."""
        return {
            b"q": self._save,
            b"Q": self._restore,
            b"cm": lambda _, o: self._transform(o.operands),
            b"gs": self._set_parameters,
            b"Do": self._show_object,
            b"Tf": self._set_font,
            b"Tc": lambda _, o: setattr(self._state, "spacing", o.operands[0]),
            b"Tw": lambda _, o: setattr(self._state, "word_spacing", o.operands[0]),
            b"Tz": lambda _, o: setattr(self._state, "stretch", o.operands[0] / 100),
            b"TL": lambda _, o: setattr(self._state, "leading", o.operands[0]),
            b"Ts": lambda _, o: setattr(self._state, "rise", o.operands[0]),
            b"Tr": lambda _, o: setattr(self._state, "mode", int(o.operands[0])),
            b"BT": self._begin_text,
            b"Td": lambda _, o: self._next_line(*o.operands),
            b"TD": self._next_line_with_leading,
            b"T*": lambda _, __: self._next_line(0.0, -self._state.leading),
            b"Tm": self._set_matrix,
            **dict.fromkeys((b"Tj", b"TJ", b"'", b'"'), self._show),
            **dict.fromkeys((b"g", b"rg", b"k"), self._set_colour),
            b"cs": self._set_space,
            **dict.fromkeys((b"sc", b"scn"), self._set_components),
            b"m": lambda _, o: self._path.append([apply(self._state.matrix, *o.operands)]),
            **dict.fromkeys((b"l", b"c", b"v", b"y"), self._extend),
            b"re": lambda _, o: self._path.append(corners(self._state.matrix, *o.operands)),
            **dict.fromkeys((b"W", b"W*"), lambda _, __: setattr(self, "_clips", True)),
            **dict.fromkeys((b"n", b"S", b"s"), lambda _, __: self._finish_path(filled=False)),
            **dict.fromkeys(
                (b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"), lambda _, __: self._finish_path(filled=True)
            ),
            b"BMC": lambda _, o: self._content.begin(o.operands[0], None),
            b"BDC": lambda source, o: self._content.begin(o.operands[0], properties(source, o.operands[1])),
            b"EMC": lambda _, __: self._content.end(),
        }

    def paint(self, source: Source) -> None:
        """Paint a content stream.

        Raises:
            MalformedInput: as ``painted_pages``.
        """
        self._shared.count(len(source.data), 0)
        states, self._states = self._states, []
        fonts, self._named_fonts = self._named_fonts, {}
        for each in operations(source.data):
            does = self._do.get(each.operator)
            if does is None:
                continue
            count = _NUMBERS.get(each.operator)
            if count is not None and not _are_numbers(each.operands, count):
                raise _wrong_operands(each)
            try:
                does(source, each)
            except (IndexError, TypeError, ValueError, AttributeError):  # of operands that are missing, or others
                raise _wrong_operands(each) from None
        self._state = self._states[0] if self._states else self._state
        self._states, self._named_fonts = states, fonts

    def _save(self, _: Source, __: Operation) -> None:
        if len(self._states) == _MAX_STATES:
            raise malformed("states saved without end")
        self._states.append(self._state.copy())

    def _restore(self, _: Source, __: Operation) -> None:
        if self._states:
            self._state = self._states.pop()

    def _transform(self, operands: list[Operand]) -> None:
        self._state.matrix = multiply(tuple(operands), self._state.matrix)

    def _set_parameters(self, source: Source, operation: Operation) -> None:
        parameters = resource(source, "ExtGState", operation.operands[0])
        if not isinstance(parameters, pikepdf.Dictionary):
            return
        font = parameters.get("/Font")
        if isinstance(font, pikepdf.Array):
            self._state.font, self._state.size = self._shared.font(font[0]), float(font[1])
        if "/ca" in parameters or "/BM" in parameters:
            mode = parameters.get("/BM", pikepdf.Name("/Normal"))
            self._state.is_opaque = float(parameters.get("/ca", 1)) == 1 and mode == pikepdf.Name("/Normal")

    def _set_font(self, source: Source, operation: Operation) -> None:
        name, size = operation.operands
        self._state.size = float(size)
        font = self._named_fonts.get(name)
        if font is None:
            font = self._named_fonts[name] = self._shared.font(resource(source, "Font", name))
        self._state.font = font

    def _begin_text(self, _: Source, __: Operation) -> None:
        self._line = self._at = IDENTITY

    def _next_line(self, x: float, y: float) -> None:
        self._line = self._at = moved(self._line, x, y)

    def _next_line_with_leading(self, _: Source, operation: Operation) -> None:
        self._state.leading = -operation.operands[1]
        self._next_line(*operation.operands)

    def _set_matrix(self, _: Source, operation: Operation) -> None:
        self._line = self._at = multiply(tuple(operation.operands), IDENTITY)

    def _set_colour(self, source: Source, operation: Operation) -> None:
        self._state.space = (len(operation.operands), True)
        self._state.colour = of_device(tuple(operation.operands), source=source.data[operation.start : operation.end])

    def _set_space(self, source: Source, operation: Operation) -> None:
        name = operation.operands[0]
        space = SPACES.get(name)
        if space is None:
            space = space_of(resource(source, "ColorSpace", name))
        self._state.space = space
        self._state.colour = UNKNOWN
        if space[0]:
            black = (0.0, 0.0, 0.0, 1.0) if space[0] == len("CMYK") else (0.0,) * space[0]
            self._state.colour = of_device(black, exact=space[1])

    def _set_components(self, _: Source, operation: Operation) -> None:
        count, exact = self._state.space
        fits = _are_numbers(operation.operands, count)
        self._state.colour = of_device(tuple(operation.operands), exact=exact) if fits else UNKNOWN

    def _extend(self, _: Source, operation: Operation) -> None:
        self._is_curved = self._is_curved or operation.operator != b"l"
        points = zip(operation.operands[::2], operation.operands[1::2], strict=True)
        self._path[-1].extend(apply(self._state.matrix, x, y) for x, y in points)

    def _finish_path(self, *, filled: bool) -> None:
        state = self._state
        if filled and self._path and not self._is_curved and state.is_opaque:
            self._canvas.fill(self._path, state.colour, state.clip)
        if self._clips and self._path:
            state.clip = state.clip.within(around([point for part in self._path for point in part]))
        self._path, self._is_curved, self._clips = [], False, False

    def _show(self, source: Source, operation: Operation) -> None:
        state, operands, before = self._state, operation.operands, b""
        if operation.operator == b'"':
            state.word_spacing, state.spacing = float(operands[0]), float(operands[1])
            before = f"{state.word_spacing:g} Tw {state.spacing:g} Tc ".encode()
        if operation.operator in (b"'", b'"'):
            self._next_line(0.0, -state.leading)
            before += b"T* "
        shown = operands[-1] if operation.operator == b"TJ" else operands[-1:]
        if state.font is None:
            raise malformed("text without a font")
        here = multiply(self._at, state.matrix)
        size = state.size * state.stretch
        if not size or not math.isfinite(size):
            raise deceptive("it has text that is too small to be read")
        show = Show(
            source=source,
            start=operation.start,
            end=operation.end,
            before=before,
            origin=apply(here, 0.0, state.rise),
            em=(size * here[0], size * here[1]),
            spacing=1000 * state.spacing / state.size,
            word_spacing=1000 * state.word_spacing / state.size,
            colour=state.colour,
            is_aside=self._content.is_aside,
        )
        self._fill(show, shown)
        self._shared.count(0, len(show.glyphs))
        self._at = moved(self._at, show.width * size / 1000, 0.0)
        if not show.is_aside and any(text.strip() for text in show.texts):
            if state.mode in _INVISIBLE:
                raise deceptive("it has text that is not shown")
            height = math.hypot(state.size * here[2], state.size * here[3])
            self._canvas.show(show, None if state.mode in _OUTLINES else state.colour, state.clip, height)
        self.shows.append(show)

    def _fill(self, show: Show, shown: list[Operand]) -> None:
        font = self._state.font
        if font is None:
            return
        width = 0.0
        for each in shown:
            if isinstance(each, float):
                width -= each
                continue
            for glyph in font.glyphs(each):
                show.glyphs.append(glyph)
                show.texts.append(self._content.text_of(glyph))
                show.offsets.append(width)
                width += show.advance(glyph)
        show.width = width

    def _show_object(self, source: Source, operation: Operation) -> None:
        found = resource(source, "XObject", operation.operands[0])
        if not isinstance(found, pikepdf.Stream):
            return
        if "/OC" in found:
            raise deceptive("it has layers that can be hidden")
        state = self._state
        if name_of(found, "Subtype") == "/Image":
            if (
                state.is_opaque
                and not found.get("/ImageMask", False)
                and "/SMask" not in found
                and "/Mask" not in found
            ):
                self._canvas.fill([corners(state.matrix, 0.0, 0.0, 1.0, 1.0)], UNKNOWN, state.clip)
            return
        if name_of(found, "Subtype") != "/Form":
            return
        if self._depth == _MAX_DEPTH:
            raise malformed("forms in forms without end")
        self._state = state.copy()
        lines = self._line, self._at
        matrix = numbers_of(found.get("/Matrix"))
        if len(matrix) == len(IDENTITY):
            self._transform(matrix)
        box = numbers_of(found.get("/BBox"))
        if len(box) == len("xyXY"):
            shown = corners(self._state.matrix, box[0], box[1], box[2] - box[0], box[3] - box[1])
            self._state.clip = self._state.clip.within(around(shown))
        resources = found.get("/Resources", source.resources)
        inner = Source(self._shared.read(found), source.page, resources, found, source, operation.start, operation.end)
        self._depth += 1
        self.paint(inner)
        self._depth -= 1
        self._state = state
        self._line, self._at = lines


def _are_numbers(operands: list[Operand], count: int) -> bool:
    return len(operands) == count and all(isinstance(each, float) for each in operands)


def _wrong_operands(operation: Operation) -> MalformedInput:
    return malformed(f"an operator {operation.operator.decode()} with other operands than it has")
