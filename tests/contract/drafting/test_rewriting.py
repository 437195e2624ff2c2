"""A finished PDF that other programs write again: its text and its watermark are still those that were signed."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from contract.documents.text import text_digest
from contract.drafting.verification import verify_contract
from contract.report import Outcome
from contract.watermark.documents import open_document
from tests.contract.drafting.finished import make_evidence, make_finished, signed
from tests.contract.pades.signers import JointSigner
from tests.contract.watermark.contracts import CHINESE, ENGLISH
from tests.contract.watermark.pdfs import rewritten
from tests.contract.world import Issuer

TEXTS = {
    name: "# " + re.sub(r"^(\d+)\.", r"Article \1:", "\n\n".join(2 * paragraphs), flags=re.MULTILINE)
    for name, paragraphs in {"Chinese": CHINESE, "English": ENGLISH}.items()
}
"""Of two pages, with a title, and without lists: their labels become text."""


@pytest.fixture(scope="module")
def sign_contract(authority: Issuer, pdf_alice: JointSigner, pdf_bob: JointSigner) -> Callable[[str], Awaitable[bytes]]:
    """Makes a contract, each once, and has it signed by both."""
    made: dict[str, bytes] = {}

    async def sign(text: str) -> bytes:
        if text not in made:
            finished = make_finished(authority, make_evidence(authority, (pdf_alice, pdf_bob), text), text)
            made[text] = await signed(finished.pdf, pdf_alice, pdf_bob)
        return made[text]

    return sign


@pytest.mark.parametrize("by", ["Ghostscript", "cairo"])
@pytest.mark.parametrize("name", TEXTS)
async def test_text_and_watermark_stay(
    name: str, by: str, authority: Issuer, sign_contract: Callable[[str], Awaitable[bytes]], tmp_path: Path
) -> None:
    """They drop the marks of artifacts, and draw signatures into the page: page numbers, heads and names."""
    file = await sign_contract(TEXTS[name])
    report = verify_contract(rewritten(file, by, tmp_path), authority.certificate)
    assert report.text_digest == text_digest(open_document(file).text)
    for each in ("watermark", "text"):
        assert report.document.check(each).outcome is Outcome.PASSED
    assert report.payload is not None
    assert report.payload.digest == report.text_digest
