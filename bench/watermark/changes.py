"""One character changed in a file that was marked, all others and every format kept."""

from __future__ import annotations

import io
from copy import deepcopy
from dataclasses import dataclass
from typing import Final, Protocol

import docx
import pikepdf
from docx.oxml.ns import qn

from bench.watermark.editing import single_runs
from bench.watermark.specimens import saved

CHANGES: Final = ("replaced", "deleted", "typed")
_SHOWS: Final = ("Tj", "TJ")

_Instruction = pikepdf.ContentStreamInstruction | pikepdf.ContentStreamInlineImage


class Changes(Protocol):
    """What can be changed in a file."""

    @property
    def places(self) -> int:
        """How many characters there are."""

    def make(self, place: int, change: str) -> bytes:
        """The file with one of them changed, as ``CHANGES`` says."""


def changes_of(extension: str, file: bytes) -> Changes:
    """The changes of a marked file."""
    return _PdfChanges(file) if extension == "pdf" else _DocxChanges(file)


class _DocxChanges:
    def __init__(self, file: bytes) -> None:
        self._document = docx.Document(io.BytesIO(file))
        self._runs = [run for run in single_runs(self._document) if run.find(qn("w:t")).text.strip()]
        self.places = len(self._runs)

    def make(self, place: int, change: str) -> bytes:
        run = self._runs[place]
        text = run.find(qn("w:t"))
        before = text.text
        added = deepcopy(run)
        if change == "typed":
            run.addnext(added)
        else:
            text.text = "" if change == "deleted" else chr(ord(before) + 1)
        changed = saved(self._document)
        text.text = before
        if change == "typed":
            added.getparent().remove(added)
        return changed


@dataclass(frozen=True, slots=True)
class _Code:
    """A character's code in a content stream: in which instruction, in which string of it, from which byte on."""

    page: int
    instruction: int
    string: int
    begin: int
    font: str
    value: bytes


class _PdfChanges:
    """Codes are changed in the pages' contents, those of spaces too. One is replaced by another one of its font."""

    def __init__(self, file: bytes) -> None:
        self._pdf = pikepdf.open(io.BytesIO(file))
        self._contents = [pikepdf.parse_content_stream(page) for page in self._pdf.pages]
        codes = [code for number, page in enumerate(self._pdf.pages) for code in self._codes(number, page)]
        self._fonts: dict[str, list[bytes]] = {}
        for each in codes:
            if each.value not in self._fonts.setdefault(each.font, []):
                self._fonts[each.font].append(each.value)
        self._found = codes
        self.places = len(codes)

    def make(self, place: int, change: str) -> bytes:
        code = self._found[place]
        contents = list(self._contents[code.page])
        old = contents[code.instruction]
        strings = _strings(old)
        text = strings[code.string]
        others = self._fonts[code.font]
        other = others[(others.index(code.value) + 1) % len(others)]
        new = {"replaced": other, "deleted": b"", "typed": code.value + code.value}[change]
        changed = text[: code.begin] + new + text[code.begin + len(code.value) :]
        contents[code.instruction] = _with_string(old, code.string, changed)
        page = self._pdf.pages[code.page]
        kept = page.obj.Contents
        page.obj.Contents = self._pdf.make_stream(pikepdf.unparse_content_stream(contents))
        file = io.BytesIO()
        self._pdf.save(file)
        page.obj.Contents = kept
        return file.getvalue()

    def _codes(self, number: int, page: pikepdf.Page) -> list[_Code]:
        codes, font, width = [], "", 1
        for at, instruction in enumerate(self._contents[number]):
            operator = str(instruction.operator)
            if operator == "Tf":
                font = str(instruction.operands[0])
                width = 2 if page.resources.Font[font].Subtype == "/Type0" else 1
            elif operator in _SHOWS:
                for string, text in enumerate(_strings(instruction)):
                    codes += [
                        _Code(number, at, string, begin, f"{number} {font}", text[begin : begin + width])
                        for begin in range(0, len(text), width)
                    ]
        return codes


def _strings(instruction: _Instruction) -> list[bytes]:
    (operand,) = instruction.operands
    parts = [operand] if str(instruction.operator) == "Tj" else list(operand)
    return [bytes(each) for each in parts if isinstance(each, pikepdf.String)]


def _with_string(instruction: _Instruction, string: int, text: bytes) -> pikepdf.ContentStreamInstruction:
    (operand,) = instruction.operands
    if str(instruction.operator) == "Tj":
        return pikepdf.ContentStreamInstruction([pikepdf.String(text)], instruction.operator)
    parts, seen = [], -1
    for each in operand:
        seen += isinstance(each, pikepdf.String)
        parts.append(pikepdf.String(text) if isinstance(each, pikepdf.String) and seen == string else each)
    return pikepdf.ContentStreamInstruction([pikepdf.Array(parts)], instruction.operator)
