"""What somebody with a finished contract and our own code can do to it, and how it is found: from the file alone.

An amount is changed in the PDF, a clause is removed from the DOCX, and a watermark is moved from another contract.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from lxml import etree
from pyhanko.pdf_utils.generic import StreamObject

from contract.documents.draft import DraftFormat
from contract.documents.reading import read_draft
from contract.drafting.docx_evidence import evidence_in, with_evidence
from contract.pades.reading import open_for_update, updated
from contract.watermark.documents import open_document
from contract.watermark.pdf.interpreter import painted_pages
from contract.watermark.pdf.objects import Objects
from contract.watermark.pdf.reading import Reader
from demo.drafting.negotiation import (
    CHINESE_DOCX,
    CHINESE_DRAFT,
    CHINESE_PDF,
    ENGLISH_DOCX,
    ENGLISH_DRAFT,
)
from demo.drafting.parties import AUTHORITY, Parties
from demo.show import Show
from demo.stage import AttackSucceeded, CommandFailed, Stage

_PRICE: Final = re.compile(r"146,400\.00\s*元")
_INSTALMENT: Final = re.compile(r"29,280\.00\s*元")
_INTO: Final = "9"
_CLAUSE: Final = "4.2 "
_STRINGS: Final = re.compile(rb"<([0-9a-f]+)>")
"""Of a content stream, in hexadecimal."""
_MAIN_PART: Final = "word/document.xml"
_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@dataclass(slots=True)
class Tampering:
    """The last act. Each step returns what it came to, in a few words; one that does not hold raises."""

    parties: Parties

    def perform(self) -> None:
        """Do every step; stops at the first that does not hold."""
        steps: tuple[tuple[str, Callable[[], str]], ...] = (
            ("Change an amount in the PDF", self._change),
            ("Remove a clause from the DOCX", self._remove),
            ("Move the watermark to another contract", self._move),
        )
        for title, step in steps:
            with self._show.step(title, is_attack=True) as shown:
                shown.outcome = step()

    def _change(self) -> str:
        self._show.say(f"The price of 146,400.00 in clause 2.1 becomes {_INTO}46,400.00, by an update of the PDF:")
        self._write("changed.pdf", _with_other_digit(self._read(CHINESE_PDF)))
        found = self._verify("changed.pdf", CHINESE_DRAFT)
        self._expect(found, {"document text": "TEXT_ALTERED", "document signatures": "PDF_CHANGED_AFTER"})
        altered = self._altered(found, "altered", "2.1 ")
        if (altered["before"], altered["after"]) != ("1", _INTO):
            raise AttackSucceeded(f"it is not said what was changed: {altered}")
        self._show.output(f"before: {altered['before']}, now: {altered['after']}")
        others = self._stage.must(["pdfsig", "changed.pdf"])
        if others.count("- Not total document signed") != len(found["signers"]):
            raise AttackSucceeded(f"poppler takes an altered file for signed: {others}")
        self._show.say("Poppler finds both signatures valid, as they are; and that neither is of all of this file.")
        return "found, and named: clause 2.1, with what stood there"

    def _remove(self) -> str:
        self._show.say("Clause 4.2, by which one can terminate, is taken out, as a word processor would do it:")
        self._write("shorter.docx", _without_clause(self._read(CHINESE_DOCX)))
        self._expect(self._verify("shorter.docx"), {"document text": "TEXT_ALTERED"})
        self._show.say("With the draft that was signed beside it:")
        found = self._verify("shorter.docx", CHINESE_DRAFT)
        self._expect(found, {"document text": "TEXT_ALTERED"})
        self._altered(found, "removed", _CLAUSE)
        return "found, without the draft too; with it the clause is named"

    def _move(self) -> str:
        self._show.say("The English contract, with the Chinese one's watermark, and first its own evidence, then that:")
        chinese, own = self._read(CHINESE_DOCX), evidence_in(self._read(ENGLISH_DOCX))
        tracks = open_document(chinese).tracks
        levels = {channel: [level or 0 for level in track.levels] for channel, track in tracks.items()}
        for file, evidence, original, expected in (
            ("moved.docx", own, ENGLISH_DRAFT, {"document belongs": "WATERMARK_OF_OTHER_CONTRACT"}),
            ("moved-both.docx", evidence_in(chinese), CHINESE_DRAFT, {"document text": "WATERMARK_MOVED"}),
        ):
            moved = open_document(self._read(ENGLISH_DRAFT)).marked(levels)
            self._write(file, with_evidence(moved, evidence or b""))
            self._expect(self._verify(file, original), expected)
        return "found, and named as what it is: of another contract"

    def _verify(self, file: str, original: str = "") -> dict[str, Any]:
        """What Carol's command says of a file that was altered; it must not hold."""
        more = ("--original", original) if original else ()
        command = ["fourseal", "contract", "verify", file, "--authority", AUTHORITY, *more, "--json"]
        self._show.command(command, who="carol")
        outcome = self._stage.run(command)
        found: dict[str, Any] = json.loads(outcome.printed)
        if outcome.succeeded or found["outcome"] != "failed":
            raise AttackSucceeded(f"{file} was taken for the contract: {outcome.printed}")
        return found

    def _expect(self, found: dict[str, Any], expected: dict[str, str]) -> None:
        """Show which checks failed. Those must be among them, for these reasons."""
        by_whom = [("document", found), *((each["account"], each) for each in found["signers"])]
        failed = {
            f"{who} {check['name']}": check["reason"]
            for who, each in by_whom
            for check in each["checks"]
            if check["outcome"] == "failed"
        }
        for name, reason in failed.items():
            self._show.refusal(f"{name}:", reason)
        if not expected.items() <= failed.items():
            raise AttackSucceeded(f"{expected} was expected, and found {failed}")

    def _altered(self, found: dict[str, Any], kind: str, clause: str) -> dict[str, Any]:
        """The one alteration, which must be of that kind and in that clause."""
        paragraphs = read_draft(self._read(CHINESE_DRAFT), DraftFormat.MARKDOWN).text.split("\n")
        if len(found["alterations"]) != 1:
            raise AttackSucceeded(f"one alteration was made, and found: {found['alterations']}")
        altered: dict[str, Any] = found["alterations"][0]
        where = paragraphs[altered["paragraph"] - 1]
        self._show.output(f"paragraph {altered['paragraph']}, {altered['kind']}: {where}")
        if altered["kind"] != kind or not where.startswith(clause):
            raise AttackSucceeded(f"clause {clause}was {kind}, and this was found: {altered}")
        return altered

    def _read(self, file: str) -> bytes:
        return (self._stage.folder / file).read_bytes()

    def _write(self, file: str, content: bytes) -> None:
        (self._stage.folder / file).write_bytes(content)

    @property
    def _show(self) -> Show:
        return self.parties.show

    @property
    def _stage(self) -> Stage:
        return self.parties.stage


def _with_other_digit(pdf: bytes) -> bytes:
    """The PDF with another digit in the price, as an incremental update: the signed bytes stay."""
    text = open_document(pdf).text
    price, instalment = (re.search(pattern, text) for pattern in (_PRICE, _INSTALMENT))
    if price is None or instalment is None:
        raise CommandFailed("the price does not stand in the PDF")
    reader = Reader()
    placed = {each.place: each for shows in painted_pages(Objects(pdf)) for each in reader.page(shows)}
    digit, model = placed[price.start()], placed[instalment.start() + instalment[0].index(_INTO)]
    show, code = digit.show, model.show.glyphs[model.at].code.hex().encode()
    operator = show.source.data[show.start : show.end]
    places = [at for string in _STRINGS.finditer(operator) for at in range(*string.span(1), len(code))]
    at = show.start + places[digit.at]
    content = show.source.data[:at] + code + show.source.data[at + len(code) :]
    writer = open_for_update(pdf)
    page = writer.root["/Pages"]["/Kids"][show.source.page]
    page["/Contents"] = writer.add_object(StreamObject(stream_data=content))
    writer.update_container(page)
    return updated(writer)


def _without_clause(docx: bytes) -> bytes:
    """The DOCX without the paragraph of a clause; all else is as it was."""
    written = BytesIO()
    with zipfile.ZipFile(BytesIO(docx)) as package, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name in package.namelist():
            content = package.read(name)
            if name == _MAIN_PART:
                root = etree.fromstring(content)
                clauses = [each for each in root.iter(f"{_W}p") if "".join(each.itertext()).startswith(_CLAUSE)]
                for each in clauses:
                    each.getparent().remove(each)
                content = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
            target.writestr(name, content)
    return written.getvalue()
