"""What attackers and word processors do to DOCX files, by python-docx and by hand."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Mapping

import docx
from docx.oxml.ns import qn

from tests.contract.watermark.contracts import saved

MAIN = "word/document.xml"


def edited(data: bytes, edit: Callable[[docx.document.Document], None]) -> bytes:
    """The file after an edit with python-docx."""
    document = docx.Document(io.BytesIO(data))
    edit(document)
    return saved(document)


def without_characters(data: bytes, share: float, chance: random.Random) -> bytes:
    """The file of a marked document without some of its characters, taken by chance."""

    def delete(document: docx.document.Document) -> None:
        for run in document.element.body.findall(f".//{qn('w:r')}"):
            if chance.random() < share:
                run.getparent().remove(run)

    return edited(data, delete)


def without_paragraphs(data: bytes, *numbers: int) -> bytes:
    """The file without these paragraphs, from 0."""

    def delete(document: docx.document.Document) -> None:
        for paragraph in [document.paragraphs[number] for number in numbers]:
            paragraph._p.getparent().remove(paragraph._p)

    return edited(data, delete)


def with_text(data: bytes, before: str, after: str) -> bytes:
    """The file of a marked document with one character replaced, its format kept: as Word does it."""

    def replace(document: docx.document.Document) -> None:
        text = next(each for each in document.element.body.iter(qn("w:t")) if each.text == before)
        text.text = after

    return edited(data, replace)


def with_parts(data: bytes, parts: Mapping[str, bytes | Callable[[bytes], bytes]]) -> bytes:
    """The file with other parts: new, or made of the old ones."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = parts.get(name, source.read(name))
            target.writestr(name, part(source.read(name)) if callable(part) else part)
        for name, part in parts.items():
            if name not in source.namelist() and not callable(part):
                target.writestr(name, part)
    return written.getvalue()


def with_xml(data: bytes, before: bytes, after: bytes, part: str = MAIN) -> bytes:
    """The file with the first such bytes of a part replaced."""

    def replace(content: bytes) -> bytes:
        assert before in content
        return content.replace(before, after, 1)

    return with_parts(data, {part: replace})
