"""The contracts that are marked: a Chinese one of 863 characters and an English one, as DOCX and as PDF."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import docx
import docx.document
from docx.oxml.ns import qn
from docx.shared import Pt

from bench.watermark.marking import mark
from contract.documents.draft import DraftFormat
from contract.documents.fonts import Fonts
from contract.documents.reading import read_draft
from contract.documents.typesetting.document import typeset
from contract.watermark.channels import Channel
from contract.watermark.documents import open_document
from contract.watermark.embedding import Embedded
from wire.fonts import find_fonts

_FOLDER: Final = Path(__file__).parent
TEXTS: Final = {
    name: tuple((_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()) for name in ("chinese", "english")
}
"""Paragraphs; the Chinese ones have 863 characters."""
FONT: Final = "Noto Serif CJK SC"
POINTS: Final = 10.5


@dataclass(frozen=True, slots=True)
class Kind:
    """A form of contract: file format, and where the mark is.

    Args:
        name: stable, for programs.
        extension: of the file.
        channels: that are used.
    """

    name: str
    extension: str
    channels: tuple[Channel, ...]

    @property
    def short(self) -> str:
        """Its channels, for people."""
        return " and ".join(each.value for each in self.channels)

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.extension.upper()}, {self.short}"


DOCX_COLOUR: Final = Kind("docx_colour", "docx", (Channel.COLOUR,))
DOCX_BOTH: Final = Kind("docx_both", "docx", (Channel.COLOUR, Channel.SPACING))
PDF_COLOUR: Final = Kind("pdf_colour", "pdf", (Channel.COLOUR,))
PDF_BOTH: Final = Kind("pdf_both", "pdf", (Channel.COLOUR, Channel.KERNING))
KINDS: Final = (DOCX_COLOUR, DOCX_BOTH, PDF_COLOUR, PDF_BOTH)


@dataclass(frozen=True, slots=True)
class Specimen:
    """A contract with a watermark.

    Args:
        kind: of it.
        text: name of its text.
        plain: the file before it was marked.
        marked: the file.
        embedded: what it was made by.
    """

    kind: Kind
    text: str
    plain: bytes
    embedded: Embedded


def make_plain(text: str, extension: str, times: int = 1) -> bytes:
    """A contract without a watermark: a DOCX as others make it, or a PDF as we set it.

    Args:
        text: name of it.
        extension: of the file.
        times: the text is in it.
    """
    paragraphs = TEXTS[text] * times
    if extension == "docx":
        return make_docx(paragraphs)
    return typeset(read_draft("\n".join(paragraphs).encode(), DraftFormat.PLAIN), _fonts()).file


@lru_cache(maxsize=1)
def _fonts() -> Fonts:
    return find_fonts()


def make_docx(paragraphs: Sequence[str]) -> bytes:
    """A DOCX with these paragraphs, left-aligned, in a font that has all characters."""
    document = docx.Document()
    style = document.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(POINTS)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    for each in paragraphs:
        document.add_paragraph(each)
    return saved(document)


def saved(document: docx.document.Document) -> bytes:
    """The file of a document of python-docx."""
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def read_text(file: bytes) -> str:
    """The text of a DOCX as python-docx reads it, of a PDF as pdftotext does."""
    if file.startswith(b"%PDF-"):
        return subprocess.run(["pdftotext", "-", "-"], input=file, capture_output=True, check=True).stdout.decode()
    return "\n".join(each.text for each in docx.Document(io.BytesIO(file)).paragraphs)


def make_specimens(kind: Kind, text: str, count: int) -> list[Specimen]:
    """Mark a contract so many times, each time with another serial number, time and signatures."""
    plain = make_plain(text, kind.extension)
    document = open_document(plain)
    return [Specimen(kind, text, plain, mark(document, kind.channels, serial)) for serial in range(1, count + 1)]
