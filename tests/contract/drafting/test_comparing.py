"""Documents of one contract: the same whenever they are made, and another one when anything shows otherwise."""

from __future__ import annotations

import io

import pikepdf
import pytest

from contract.drafting.comparing import same_docx, same_pdf
from tests.contract.drafting.finished import Finished, edited, make_evidence, make_finished
from tests.contract.pades.signers import JointSigner
from tests.contract.world import Issuer


@pytest.fixture(scope="module")
def finished(authority: Issuer, pdf_alice: JointSigner, pdf_bob: JointSigner) -> Finished:
    """A contract of Alice and Bob."""
    return make_finished(authority, make_evidence(authority, (pdf_alice, pdf_bob)))


def saved(pdf: pikepdf.Pdf) -> bytes:
    """The file, written anew."""
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


def covered(file: bytes) -> bytes:
    """Something is drawn over the first page."""
    with pikepdf.open(io.BytesIO(file)) as pdf:
        pdf.pages[0].contents_add(b"/Artifact BMC 1 1 1 rg 100 600 200 40 re f EMC")
        return saved(pdf)


def other_glyphs(file: bytes) -> bytes:
    """A font has other figures than its text says."""
    with pikepdf.open(io.BytesIO(file)) as pdf:
        fonts = [each for each in pdf.objects if isinstance(each, pikepdf.Dictionary) and "/FontFile2" in each]
        font = fonts[0].FontFile2
        font.write(font.read_bytes()[:-1] + b"x")
        return saved(pdf)


def annotated(file: bytes) -> bytes:
    """A picture lies on the page, as an annotation."""
    with pikepdf.open(io.BytesIO(file)) as pdf:
        drawn = pdf.make_stream(b"1 1 1 rg 0 0 200 40 re f", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form)
        drawn.BBox = [0, 0, 200, 40]
        stamp = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Stamp, Rect=[100, 600, 300, 640])
        stamp.AP = pikepdf.Dictionary(N=drawn)
        page = pdf.pages[0]
        page.Annots = pikepdf.Array([*page.get("/Annots", []), pdf.make_indirect(stamp)])
        return saved(pdf)


def test_made_again(finished: Finished, authority: Issuer) -> None:
    """The same contract gives the same document, and as DOCX the same bytes."""
    again = make_finished(authority, finished.evidence)
    assert same_pdf(finished.pdf, again.pdf)
    assert same_docx(finished.docx, again.docx)
    assert not same_docx(finished.docx, edited(finished.docx, lambda texts: texts, 1))


def test_written_anew(finished: Finished) -> None:
    """Only how the file is written differs."""
    with pikepdf.open(io.BytesIO(finished.pdf)) as pdf:
        assert same_pdf(finished.pdf, saved(pdf))


@pytest.mark.parametrize("change", [covered, other_glyphs, annotated])
def test_shows_something_else(finished: Finished, change: object) -> None:
    """Its text may be the same: what it shows is not."""
    assert callable(change)
    assert not same_pdf(finished.pdf, change(finished.pdf))
