"""Evidence in a DOCX: it comes out as it went in, changes no text, and is there once."""

from __future__ import annotations

import io
import zipfile
from typing import Final

import docx
import pytest

from contract.drafting.docx_evidence import evidence_in, with_evidence
from contract.watermark.docx.document import DocxDocument
from tests.contract.drafting.statements import EVIDENCE
from tests.contract.watermark.contracts import CHINESE, ENGLISH, make_docx, read_text, saved
from tests.mpc.refusals import malformed

PLAIN: Final = make_docx(ENGLISH)
DER: Final = EVIDENCE.to_der()
FILE: Final = with_evidence(PLAIN, DER)
PART: Final = "customXml/fourseal-contract.xml"


@pytest.mark.parametrize("paragraphs", [ENGLISH, CHINESE], ids=["English", "Chinese"])
def test_what_went_in_comes_out(paragraphs: tuple[str, ...]) -> None:
    """The text stays, the file opens elsewhere, and the same input gives the same bytes."""
    plain = make_docx(paragraphs)
    file = with_evidence(plain, DER)
    assert evidence_in(file) == DER
    assert evidence_in(plain) is None
    assert DocxDocument(file).text == DocxDocument(plain).text
    assert read_text(file) == read_text(plain)
    assert with_evidence(plain, DER) == file


def test_it_survives_being_saved_again() -> None:
    """By a program that knows nothing of it, under whatever name it gives the part."""
    assert evidence_in(saved(docx.Document(io.BytesIO(FILE)))) == DER


def test_there_is_evidence_once() -> None:
    """A document of another contract takes no second one."""
    with malformed("DOCUMENT_MALFORMED"):
        with_evidence(FILE, DER)


def test_a_part_that_was_damaged() -> None:
    """Is no evidence of anything; a part of somebody else's XML is left alone."""
    parts = {
        name: zipfile.ZipFile(io.BytesIO(FILE)).read(name) for name in zipfile.ZipFile(io.BytesIO(FILE)).namelist()
    }
    whole = parts[PART]

    def evidence_of(part: bytes) -> bytes | None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as target:
            for name, content in (parts | {PART: part}).items():
                target.writestr(name, content)
        return evidence_in(out.getvalue())

    assert evidence_of(whole) == DER
    assert evidence_of(b"<other/>") is None
    assert evidence_of(whole.replace(b"<evidence ", b"<other ").replace(b"</evidence>", b"</other>")) is None
    for damaged in (whole[:-1], whole.replace(b"</evidence>", b"*</evidence>"), whole.replace(b">", b">&#xe9;", 2)):
        with malformed("DOCUMENT_MALFORMED"):
            evidence_of(damaged)
