"""Contracts as PDF: set by fpdf2 and reportlab, written by hand, rewritten by other programs."""

from __future__ import annotations

import io
import random
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pikepdf
import pytest
from fpdf import FPDF
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate

FONT: Final = Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc")
_TRADITIONAL: Final = 3
"""Number of the face in the font's file."""
_LETTER: Final = 792


def make_pdf(paragraphs: Sequence[str]) -> bytes:
    """A PDF of fpdf2: Chinese or English, in an embedded font with codes of two bytes."""
    if not FONT.exists():
        pytest.skip("needs fonts-noto-cjk")
    pdf = FPDF()
    pdf.set_creation_date(datetime(2026, 1, 1, tzinfo=UTC))
    pdf.add_font("Noto", fname=FONT, collection_font_number=_TRADITIONAL)
    pdf.set_font("Noto", size=10.5)
    pdf.add_page()
    for each in paragraphs:
        pdf.multi_cell(0, 6, each, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def make_plain_pdf(paragraphs: Sequence[str]) -> bytes:
    """A PDF of reportlab: English, in a font that every reader has, with codes of one byte and lines of full width."""
    written = io.BytesIO()
    style = ParagraphStyle("text", fontName="Times-Roman", fontSize=11, leading=14, alignment=4)
    SimpleDocTemplate(written, invariant=1).build([Paragraph(each, style) for each in paragraphs])
    return written.getvalue()


def drawn(draw: Callable[[Canvas], None]) -> bytes:
    """A page of reportlab."""
    written = io.BytesIO()
    canvas = Canvas(written, invariant=1)
    draw(canvas)
    canvas.save()
    return written.getvalue()


def by_hand(content: bytes, change: Callable[[pikepdf.Pdf], None] | None = None) -> bytes:
    """A page with this content; /F is Helvetica."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(612, _LETTER))
    page = pdf.pages[0].obj
    page["/Contents"] = pdf.make_stream(content)
    page["/Resources"] = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=helvetica(pdf)))
    if change is not None:
        change(pdf)
    return saved(pdf)


def helvetica(pdf: pikepdf.Pdf) -> pikepdf.Object:
    """A font that every reader has."""
    return pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font,
            Subtype=pikepdf.Name.Type1,
            BaseFont=pikepdf.Name.Helvetica,
            Encoding=pikepdf.Name.WinAnsiEncoding,
        )
    )


def saved(pdf: pikepdf.Pdf, **how: object) -> bytes:
    """The file of a PDF."""
    written = io.BytesIO()
    how = {"object_stream_mode": pikepdf.ObjectStreamMode.disable, "deterministic_id": "encryption" not in how, **how}
    with warnings.catch_warnings(action="ignore", category=pikepdf.PikepdfWarning):  # of fields without a form
        pdf.save(written, **how)  # type: ignore[arg-type]
    return written.getvalue()


def changed(data: bytes, change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """The file after a change to its objects."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        change(pdf)
        return saved(pdf)


def with_content(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The file with other contents of its pages."""

    def each_page(pdf: pikepdf.Pdf) -> None:
        for page in pdf.pages:
            page.contents_coalesce()
            page.obj["/Contents"] = pdf.make_stream(change(page.obj["/Contents"].read_bytes()))

    return changed(data, each_page)


def without_characters(data: bytes, share: float, chance: random.Random, code_bytes: int = 2) -> bytes:
    """A marked file without some of its characters; what stands behind them on their lines moves up."""
    size = 2 * code_bytes

    def thinned(found: re.Match[bytes]) -> bytes:
        codes = [found[1][at : at + size] for at in range(0, len(found[1]), size)]
        return b"<" + b"".join(each for each in codes if chance.random() >= share) + b">"

    return with_content(data, lambda content: re.sub(rb"<([0-9a-f]+)>", thinned, content))


def contents(data: bytes) -> bytes:
    """The content of the first page."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return bytes(pdf.pages[0].obj["/Contents"].read_bytes())


def pdf_text(data: bytes, folder: Path) -> bytes:
    """The text of a file, as poppler's program sees it."""
    (folder / "text.pdf").write_bytes(data)
    return subprocess.run(
        [tool("pdftotext"), "-layout", folder / "text.pdf", "-"], check=True, capture_output=True
    ).stdout


REWRITERS: Final = {
    "qpdf": ("qpdf", "--linearize", "{0}", "{1}"),
    "qpdf without compression": ("qpdf", "--qdf", "--object-streams=disable", "{0}", "{1}"),
    "mutool": ("mutool", "clean", "-gggg", "-s", "{0}", "{1}"),
    "Ghostscript": ("gs", "-q", "-dNOPAUSE", "-dBATCH", "-sDEVICE=pdfwrite", "-sOutputFile={1}", "{0}"),
    "cairo": ("pdftocairo", "-pdf", "{0}", "{1}"),
}


def rewritten(data: bytes, by: str, folder: Path) -> bytes:
    """The file as another program writes it again."""
    before, after = folder / "before.pdf", folder / "after.pdf"
    before.write_bytes(data)
    program, *arguments = (each.format(before, after) for each in REWRITERS[by])
    subprocess.run([tool(program), *arguments], check=True, capture_output=True)
    return after.read_bytes()


def converted(data: bytes, folder: Path) -> bytes:
    """A DOCX as LibreOffice sets it."""
    (folder / "contract.docx").write_bytes(data)
    home = f"-env:UserInstallation=file://{folder}/home"
    to_pdf = [home, "--headless", "--convert-to", "pdf", "--outdir", str(folder), str(folder / "contract.docx")]
    subprocess.run([tool("soffice"), *to_pdf], check=True, capture_output=True, timeout=240)
    return (folder / "contract.pdf").read_bytes()


def tool(name: str) -> str:
    """A program; the test is skipped where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}")
    return found
