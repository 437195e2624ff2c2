"""The table of what is done to marked contracts: each from file to file."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import numpy as np
from docx.enum.text import WD_ALIGN_PARAGRAPH
from PIL import Image, ImageFilter

from bench.watermark import editing
from bench.watermark.workshop import Workshop

Step = Callable[[Workshop, Sequence[bytes], Random], list[bytes]]
SHARES: Final = (1, 2, 5, 10, 15)
"""Percent of the characters that are deleted, replaced, or typed."""
_SCAN_DPI: Final = 300
_NOISE: Final = 12.0
"""Standard deviation, of 255."""


@dataclass(frozen=True, slots=True)
class Attack:
    """Something that is done to a file.

    Args:
        name: stable, for programs.
        title: for people.
        group: that it belongs to.
        steps: one after the other.
        needs: programs from outside.
        by_chance: whether each time something else comes of it.
        aim: whether the project wants the watermark to be read from the file alone ("alone"), with the original
            ("original"), or nothing ("").
    """

    name: str
    title: str
    group: str
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()
    by_chance: bool = False
    aim: str = ""

    @property
    def keeps_text(self) -> bool:
        """Whether nobody edits the text."""
        return self.group != _EDITED

    def carry_out(self, workshop: Workshop, files: Sequence[bytes], chance: Random) -> list[bytes]:
        """Do it to files."""
        done = list(files)
        for step in self.steps:
            done = step(workshop, done, chance)
        return done


def _each(edit: editing.Edit) -> Step:
    return lambda _, files, chance: [edit(each, chance) for each in files]


def _office(*targets: str) -> Step:
    """Save in these formats, one after the other."""

    def step(workshop: Workshop, files: Sequence[bytes], _: Random) -> list[bytes]:
        done, source = list(files), "docx"
        for target in targets:
            done, source = workshop.convert(done, source, target), target
        return done

    return step


def _program(name: str, *arguments: str) -> Step:
    def step(workshop: Workshop, files: Sequence[bytes], _: Random) -> list[bytes]:
        return [workshop.run(name, *arguments, file=each)[0] for each in files]

    return step


def _printed_and_scanned(workshop: Workshop, files: Sequence[bytes], chance: Random) -> list[bytes]:
    """Pictures of the pages: blurred, with noise, in a PDF."""
    noise = np.random.default_rng(chance.getrandbits(32))
    done = []
    for file in files:
        arguments = ("-png", "-gray", "-r", str(_SCAN_DPI), "{in}", "{out}")
        pages = [
            Image.open(io.BytesIO(each)) for each in workshop.run("pdftocairo", *arguments, file=file, extension="png")
        ]
        blurred = [np.asarray(each.filter(ImageFilter.GaussianBlur(1))) for each in pages]
        noisy = [np.clip(each + noise.normal(0, _NOISE, each.shape), 0, 255).astype(np.uint8) for each in blurred]
        scans, made = [Image.fromarray(each) for each in noisy], io.BytesIO()
        scans[0].save(made, "PDF", resolution=_SCAN_DPI, save_all=True, append_images=scans[1:])
        done.append(made.getvalue())
    return done


_TO_PDF: Final = _office("pdf")
_REWRITINGS: Final = (
    ("qpdf_linearised", "qpdf, linearised", "qpdf", ("--linearize", "{in}", "{out}")),
    (
        "qpdf_packed",
        "qpdf, object streams, packed again",
        "qpdf",
        ("--object-streams=generate", "--recompress-flate", "--compression-level=9", "{in}", "{out}"),
    ),
    ("qpdf_unpacked", "qpdf, unpacked", "qpdf", ("--qdf", "--object-streams=disable", "{in}", "{out}")),
    ("mutool", "mutool clean -gggg -z", "mutool", ("clean", "-gggg", "-z", "{in}", "{out}")),
    (
        "ghostscript",
        "Ghostscript, pdfwrite",
        "gs",
        ("-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=pdfwrite", "-o", "{out}", "{in}"),
    ),
    ("cairo", "pdftocairo -pdf", "pdftocairo", ("-pdf", "{in}", "{out}")),
)
_SAVED: Final = "Saved again, converted"
_REWRITTEN: Final = "PDF, written again"
_EDITED: Final = "Text edited"
_FORMAT: Final = "Format changed"
_LOST: Final = "Taken out of the file"


def _rewritings(before: tuple[Step, ...], needs: tuple[str, ...], title: str) -> tuple[Attack, ...]:
    return tuple(
        Attack(name, title + each, _REWRITTEN, (*before, _program(program, *arguments)), (*needs, program), aim="alone")
        for name, each, program, arguments in _REWRITINGS
    )


def _edits() -> tuple[Attack, ...]:
    kinds = (
        ("deleted", "characters deleted", editing.deleted),
        ("replaced", "characters replaced", editing.replaced),
        ("typed", "characters typed in", editing.put_in),
    )
    return tuple(
        Attack(
            f"{name}_{percent}",
            f"{percent} % of the {title}",
            _EDITED,
            (_each(make(percent / 100)),),
            by_chance=True,
            aim="original" if (name, percent) == ("deleted", 10) else "",
        )
        for name, title, make in kinds
        for percent in SHARES
    )


def _format(name: str, title: str, *edits: editing.Edit, to_pdf: bool = False) -> Attack:
    steps = tuple(map(_each, edits))
    return Attack(name, title, _FORMAT, (*steps, _TO_PDF) if to_pdf else steps, ("soffice",) if to_pdf else ())


_JUSTIFIED: Final = editing.aligned(WD_ALIGN_PARAGRAPH.JUSTIFY)
_LEFT: Final = editing.aligned(WD_ALIGN_PARAGRAPH.LEFT)
_SCAN: Final = Attack(
    "scanned",
    "printed and scanned: pictures without text",
    _LOST,
    (_printed_and_scanned,),
    ("pdftocairo",),
)
ON_DOCX: Final = (
    Attack("untouched", "nothing", _SAVED, (), aim="alone"),
    Attack("saved_python_docx", "DOCX saved again, python-docx", _SAVED, (_each(editing.saved_again),), aim="alone"),
    Attack("saved_office", "DOCX saved again, LibreOffice", _SAVED, (_office("docx"),), ("soffice",), aim="alone"),
    Attack("saved_odt", "DOCX to ODT and back", _SAVED, (_office("odt", "docx"),), ("soffice",)),
    Attack("to_pdf", "DOCX to PDF, LibreOffice", _SAVED, (_TO_PDF,), ("soffice",), aim="alone"),
    *_rewritings((_TO_PDF,), ("soffice",), "to PDF, then "),
    _format("font_size", "font size 14 pt", editing.font_size(14)),
    _format("font_size_pdf", "font size 14 pt, to PDF", editing.font_size(14), to_pdf=True),
    _format("justified", "justified", _JUSTIFIED),
    _format("justified_pdf", "justified, to PDF", _JUSTIFIED, to_pdf=True),
    _format("justified_left_pdf", "justified, left again, to PDF", _JUSTIFIED, _LEFT, to_pdf=True),
    _format("colour_reset", "all text black", editing.colour_reset),
    _format("spacing_reset", "all spacing reset", editing.spacing_reset),
    *_edits(),
    Attack(
        "clause_removed",
        "a clause removed (160 characters or more)",
        _EDITED,
        (_each(editing.clause_removed),),
        by_chance=True,
        aim="original",
    ),
    Attack("clause_put_in", "a clause put in", _EDITED, (_each(editing.clause_put_in),), by_chance=True),
    Attack("clauses_swapped", "two clauses swapped", _EDITED, (_each(editing.clauses_swapped),), by_chance=True),
    Attack("formats_reset", "all formats reset", _LOST, (_each(editing.formats_reset),)),
    Attack("pasted", "pasted as plain text", _LOST, (_each(editing.pasted_as_text),)),
)
ON_PDF: Final = (
    Attack("untouched", "nothing", _SAVED, (), aim="alone"),
    *_rewritings((), (), ""),
    _SCAN,
)


def attacks_on(extension: str) -> tuple[Attack, ...]:
    """What is done to files of this extension."""
    return {"docx": ON_DOCX, "pdf": ON_PDF}[extension]
