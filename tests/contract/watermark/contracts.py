"""Contracts to mark: a Chinese one of 863 characters and an English one, as DOCX files of python-docx."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import docx

import bench.watermark

_FOLDER: Final = Path(bench.watermark.__file__).parent
CHINESE: Final = tuple((_FOLDER / "chinese.txt").read_text(encoding="utf-8").splitlines())
"""Paragraphs: 863 characters."""
ENGLISH: Final = tuple((_FOLDER / "english.txt").read_text(encoding="utf-8").splitlines())
"""Paragraphs."""


def make_docx(paragraphs: Sequence[str], *, bold: bool = True) -> bytes:
    """A DOCX with these paragraphs, in the template of python-docx; the first is a heading in its style's colour."""
    document = docx.Document()
    for number, text in enumerate(paragraphs):
        if number == 0:
            document.add_heading(text, level=1)
            continue
        head, dot, rest = text.partition(".")
        paragraph = document.add_paragraph()
        paragraph.add_run(head + dot).bold = bold
        paragraph.add_run(rest)
    return saved(document)


def saved(document: object) -> bytes:
    """The file of a document of python-docx."""
    file = io.BytesIO()
    document.save(file)  # type: ignore[attr-defined]
    return file.getvalue()


def read_text(data: bytes) -> str:
    """The text of a DOCX, as python-docx reads it."""
    return "\n".join(each.text for each in docx.Document(io.BytesIO(data)).paragraphs)
