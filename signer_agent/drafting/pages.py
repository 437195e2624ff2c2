"""The look of a document that the server made, against the draft that was signed: made once more, here.

A text can be right, and covered by another one that is drawn; a font can show other figures than its text has. Whoever
sets the same draft in the same fonts gets the same file, so that is what is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from cryptography import x509

from contract.documents.fonts import Fonts
from contract.drafting.comparing import same_docx, same_pdf
from contract.drafting.making import make_documents
from contract.drafting.records import ContractRecord
from contract.pades.continuation import require_continued
from contract.watermark.key import WatermarkKey
from mpc.errors import FoursealError
from signer_agent.drafting.agreement import refused
from signer_agent.drafting.model import DraftFile
from wire.catalogue import ServiceError


def check_base(pdf: bytes, size: int, record: ContractRecord) -> bytes:
    """See that a PDF continues, by signatures alone, the one that the log has a record of; that one.

    Args:
        pdf: as it is now.
        size: bytes of the one without signatures, as the server says.
        record: of the contract; its receipt was checked.

    Raises:
        PeerMisbehaved: CONTRACT_DOCUMENT_WRONG; the culprit is the server.
    """
    base = pdf[:size]
    if sha256(base).digest() != record.pdf_digest:
        raise refused("record", "the document", "it does not begin with the one that the archive has a record of")
    try:
        require_continued(base, pdf)
    except FoursealError as error:
        raise refused("revisions", "the document", f"{error.reason}: {error}") from error
    return base


def check_look(
    document: bytes, draft: DraftFile, record: ContractRecord, authority: x509.Certificate, fonts: Callable[[], Fonts]
) -> None:
    """See that a document without signatures is what the draft gives. It takes a second or several.

    Args:
        document: a DOCX, or a PDF from ``check_base``.
        draft: that was signed.
        record: of the contract.
        authority: that this agent knows.
        fonts: finds the faces; raises FONT_MISSING.

    Raises:
        ServiceError: CONTRACT_PAGES_UNCOMPARED: the fonts are not here; CONTRACT_PAGES_DIFFER: the server lies, or has
            another version of the fonts or of this software.
    """
    try:
        faces = fonts()
    except ServiceError as error:
        raise ServiceError("CONTRACT_PAGES_UNCOMPARED", file=error.metadata["file"]) from error
    key = WatermarkKey.of_authority(authority)
    made = make_documents(draft.content, draft.form, record.evidence, faces, key)
    is_pdf = document.startswith(b"%PDF")
    if not (same_pdf(document, made.pdf) if is_pdf else same_docx(document, made.docx)):
        raise ServiceError("CONTRACT_PAGES_DIFFER")
