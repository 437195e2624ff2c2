"""What becomes of a draft that all have consented to: a PDF and a DOCX, with the watermark and the evidence in them."""

from __future__ import annotations

from math import ceil
from typing import Final

from contract.certificate_parts import common_name_of, load_certificate
from contract.documents.docx.writing import to_docx
from contract.documents.draft import DraftFormat
from contract.documents.fonts import Fonts
from contract.documents.reading import read_draft
from contract.documents.text import text_digest
from contract.documents.typesetting.document import typeset
from contract.documents.typesetting.signatures import SignatureBlock
from contract.drafting.docx_evidence import with_evidence
from contract.drafting.evidence import EVIDENCE_NAME, ContractEvidence
from contract.drafting.made import MAX_DOCUMENT_BYTES, MadeDocuments, field_name
from contract.drafting.marks import MARK_BYTES
from contract.pades.attachments import with_attachment
from contract.pades.fields import Box, with_signature_fields
from contract.watermark.capacity import Capacity, make_plan
from contract.watermark.channels import Document
from contract.watermark.documents import open_document
from contract.watermark.embedding import embed, require_unmarked
from contract.watermark.key import WatermarkKey
from contract.watermark.refusals import too_large
from mpc.errors import MalformedInput

_GROWTH: Final = 8
"""Bytes that a watermark adds for a character, at most: measured 3 in a PDF and 5 in a DOCX of 90 pages."""
_FOR_SIGNERS: Final = 512 << 10
"""Room for the evidence and the signatures of ten."""


def require_room(content: bytes, form: DraftFormat, signers: int, fonts: Fonts, key: WatermarkKey) -> None:
    """See that a draft can become a contract with a watermark.

    Args:
        content: the draft's file.
        form: what it is.
        signers: how many marks the watermark will have.
        fonts: that the PDF is set in.
        key: of the installation.

    Raises:
        MalformedInput: DOCUMENT_TOO_SHORT, WATERMARK_PRESENT; DOCUMENT_TOO_LARGE, also if a document would be;
            DRAFT_MALFORMED, also if a document would have another text; what else reading raises.
    """
    draft = read_draft(content, form)
    for file in (typeset(draft, fonts).file, _as_docx(content, form)):
        document = open_document(file)
        _require_text(document, text_digest(draft.text))
        if len(file) + _GROWTH * len(document.text) + _FOR_SIGNERS > MAX_DOCUMENT_BYTES:
            raise too_large("with its watermark and signatures, it would be")
        require_unmarked(document, key)
        make_plan(Capacity.of(document), [MARK_BYTES] * signers)


def make_documents(
    content: bytes, form: DraftFormat, evidence: ContractEvidence, fonts: Fonts, key: WatermarkKey
) -> MadeDocuments:
    """Set a draft, put the watermark in, attach the evidence, and prepare a field for each signer's PDF signature.

    Args:
        content: the draft's file, that all have signed.
        form: what it is.
        evidence: of the contract.
        fonts: that the PDF is set in.
        key: of the installation.

    Raises:
        MalformedInput: as ``require_room``.
    """
    evidence_der, draft = evidence.to_der(), read_draft(content, form)
    names = tuple(common_name_of(load_certificate(each.certificate)) for each in evidence.signers)
    made = typeset(draft, fonts, SignatureBlock(evidence.serial, evidence.time, names))
    pdf = with_attachment(_marked(open_document(made.file), evidence, key), EVIDENCE_NAME, evidence_der)
    fields = {
        field_name(signer.account): Box(box.page, ceil(box.left), ceil(box.bottom), int(box.right), int(box.top))
        for signer, box in zip(evidence.signers, made.boxes, strict=True)
    }
    docx = _marked(open_document(_as_docx(content, form)), evidence, key)
    return MadeDocuments(with_signature_fields(pdf, fields), with_evidence(docx, evidence_der))


def _marked(document: Document, evidence: ContractEvidence, key: WatermarkKey) -> bytes:
    _require_text(document, evidence.text_digest)
    return embed(document, key, serial=evidence.serial, time=evidence.time, signatures=evidence.marks).file


def _require_text(document: Document, digest: bytes) -> None:
    if text_digest(document.text) != digest:
        problem = "as PDF or DOCX it would have another text"
        raise MalformedInput("DRAFT_MALFORMED", f"the draft is refused: {problem}", problem=problem)


def _as_docx(content: bytes, form: DraftFormat) -> bytes:
    return content if form is DraftFormat.DOCX else to_docx(read_draft(content, form))
