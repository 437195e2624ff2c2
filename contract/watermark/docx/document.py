"""A contract as DOCX."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contract.watermark.channels import Channel, Track
from contract.watermark.docx.marks import Look, Mark, RunSplitter, look_of
from contract.watermark.docx.package import Package
from contract.watermark.docx.parts import (
    OFFICE_DOCUMENT,
    Element,
    Part,
    Relationships,
    W,
    parse,
    require_limits,
    serialise,
)
from contract.watermark.docx.refusals import require_plain_content, require_plain_package
from contract.watermark.docx.styles import Styles, is_on, is_shaded, value_of
from contract.watermark.docx.text import Piece, paragraphs, text_of
from contract.watermark.refusals import deceptive, malformed, require_plain_text

_NOTES: Final = ("footnotes", "endnotes")
_MARGINS: Final = ("header", "footer")
_NO_LOOK: Final = Look(None, None)


@dataclass(frozen=True, slots=True)
class _Carrier:
    """A piece of the main part's text whose characters may be marked.

    Args:
        begin: its place in the document's text.
        piece: itself.
        run: whose text it is.
        look: of the run.
    """

    begin: int
    piece: Piece
    run: Element
    look: Look


class DocxDocument:
    """A DOCX that is a plain contract. Its XML is not kept: a marked one takes a hundred times what its text does.

    Args:
        data: its file.

    Raises:
        MalformedInput: DOCUMENT_MALFORMED, DOCUMENT_TOO_LARGE, DOCUMENT_ENCRYPTED, DOCUMENT_SIGNED, DOCUMENT_ACTIVE,
            DOCUMENT_CHANGES_TRACKED, DOCUMENT_DECEPTIVE, DOCUMENT_EMPTY.
    """

    channels: Final = (Channel.COLOUR, Channel.SPACING)
    usual_channels: Final = (Channel.COLOUR,)
    """Spacing adds up along a line, and moves its end."""
    remarks: Final = ()

    def __init__(self, data: bytes) -> None:
        self._package = Package.read(data)
        self._main = _main_part(self._package)
        require_plain_package(self._package, self._main)
        relationships = Relationships(self._package, self._main)
        styles = relationships.parts("styles")
        self._styles = Styles(parse(self._package, styles[0]) if styles else None)
        places = {each: array("L") for each in self.channels}
        levels = {each: bytearray() for each in self.channels}
        lines = []
        for paragraph in self._main_paragraphs(Part(self._package, self._main)):
            for line, carriers in paragraph:
                lines.append(line)
                for each in carriers:
                    for channel in self.channels:
                        for place, character in enumerate(each.piece.text, start=each.begin):
                            level = each.look.level(channel, character)
                            if level is not None:
                                places[channel].append(place)
                                levels[channel].append(level)
        texts = [self._read(name) for kind in _NOTES for name in relationships.parts(kind)]
        texts += sorted(
            {self._read(name, page_numbers=False) for kind in _MARGINS for name in relationships.parts(kind)}
        )
        self.text = "\n".join((*lines, *filter(None, texts)))
        require_plain_text(self.text)
        self.tracks: dict[Channel, Track] = {each: Track(places[each], levels[each]) for each in self.channels}

    def marked(self, levels: Mapping[Channel, Sequence[int | None]]) -> bytes:
        """The file with other levels, from the first place of each track on. The text stays.

        Raises:
            MalformedInput: DOCUMENT_TOO_LARGE: with a run for each character, it would be; found before there is one.
        """
        wanted = {
            channel: dict(zip(self.tracks[channel].places, each, strict=False)) for channel, each in levels.items()
        }
        colours, spacings = wanted.get(Channel.COLOUR, {}), wanted.get(Channel.SPACING, {})
        part = Part(self._package, self._main, keep=True)
        splitter = RunSplitter(part.foreign_name())
        for paragraph in self._main_paragraphs(part):
            runs: dict[Element, tuple[Look, dict[Element, tuple[Piece, list[Mark]]]]] = {}
            for _, carriers in paragraph:
                for each in carriers:
                    places = range(each.begin, each.begin + len(each.piece.text))
                    marks = [Mark(colours.get(place), spacings.get(place)) for place in places]
                    runs.setdefault(each.run, (each.look, {}))[1][each.piece.element] = (each.piece, marks)
            for run, (look, pieces) in runs.items():
                splitter.split(run, look, pieces)
        written = splitter.with_texts(serialise(self._main, part.root))
        require_limits(self._main, written)
        return self._package.with_part(self._main, written)

    def _main_paragraphs(self, part: Part) -> Iterator[list[tuple[str, list[_Carrier]]]]:
        """As ``_paragraphs``, with what may be marked."""
        begin = 0
        for found in self._paragraphs(part, page_numbers=True):
            read = []
            for paragraph, pieces in found:
                shaded, style, carriers = self._is_shaded(paragraph), _style_of(paragraph), []
                for piece in pieces:
                    run = piece.run
                    if run is not None:
                        look = _NO_LOOK if shaded or is_shaded(run.find(f"{W}rPr")) else self._look(run, style)
                        carriers.append(_Carrier(begin, piece, run, look))
                    begin += len(piece.text)
                begin += 1
                read.append((text_of(pieces), carriers))
            yield read
        if part.root.find(f"{W}body") is None:
            raise malformed("it has no body")

    def _read(self, name: str, *, page_numbers: bool = True) -> str:
        found = self._paragraphs(Part(self._package, name), page_numbers=page_numbers)
        lines = (text_of(pieces) for together in found for _, pieces in together)
        return "\n".join(line for line in lines if line)

    def _paragraphs(self, part: Part, *, page_numbers: bool) -> Iterator[list[tuple[Element, list[Piece]]]]:
        """Every paragraph with its text, together with those in its text boxes; which may be changed, if kept."""
        for outermost in part.outermost(f"{W}p"):
            require_plain_content(outermost)
            found = list(paragraphs(outermost, page_numbers=page_numbers))
            for paragraph, pieces in found:
                style = _style_of(paragraph)
                if any(is_on(self._styles.find(each.run, style, "vanish")) for each in pieces if each.run is not None):
                    raise deceptive("it has hidden text")
            yield found
        require_plain_content(part.root)

    def _look(self, run: Element, style: str | None) -> Look:
        return look_of(self._styles.find(run, style, "color"), self._styles.find(run, style, "spacing"))

    def _is_shaded(self, paragraph: Element) -> bool:
        if is_shaded(paragraph.find(f"{W}pPr")):
            return True
        for above in paragraph.iterancestors(f"{W}tc", f"{W}tbl"):
            if is_shaded(above.find(f"{W}tcPr")) or is_shaded(above.find(f"{W}tblPr")):
                return True
            if above.tag == f"{W}tbl" and self._styles.tints(above):
                return True
        return False


def _main_part(package: Package) -> str:
    parts = Relationships(package, "").parts(OFFICE_DOCUMENT)
    if len(parts) != 1:
        raise malformed("it is no document of WordprocessingML")
    return parts[0]


def _style_of(paragraph: Element) -> str | None:
    return value_of(paragraph.find(f"{W}pPr/{W}pStyle"))
