"""Drafts and documents, as far as the server reads, makes and checks them. It takes a while: not on an event loop.

What reads and writes documents is imported when it is used: a server without contracts is 45 MB smaller, and starts
half a second sooner.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from contract.documents.draft import DraftFormat
from contract.documents.fonts import Fonts
from contract.documents.text import text_digest
from contract.drafting.evidence import ContractEvidence
from contract.drafting.made import MadeDocuments, field_name
from contract.watermark.key import WatermarkKey
from mpc.errors import FoursealError, MalformedInput


class ContractDocuments:
    """Reads drafts, makes documents, and checks signed ones.

    Args:
        authority: issued the signers' certificates.
        fonts: reads the faces that PDFs are set in, tens of megabytes, whenever they are needed; raises FONT_MISSING.
    """

    def __init__(self, authority: x509.Certificate, fonts: Callable[[], Fonts]) -> None:
        self.authority_der = authority.public_bytes(Encoding.DER)
        self._authority = authority
        self._fonts = fonts
        self._key = WatermarkKey.of_authority(authority)

    def text_digest(self, form: str, content: bytes) -> bytes:
        """The digest of a draft's canonical text.

        Raises:
            MalformedInput: DRAFT_MALFORMED, DOCUMENT_*.
        """
        from contract.documents.reading import read_draft  # noqa: PLC0415

        return text_digest(read_draft(content, DraftFormat(form)).text)

    def require_room(self, form: str, content: bytes, signers: int) -> None:
        """See that a draft has room for a watermark with the marks of so many.

        Raises:
            MalformedInput: DOCUMENT_TOO_SHORT, WATERMARK_PRESENT.
            ServiceError: FONT_MISSING.
        """
        from contract.drafting.making import require_room  # noqa: PLC0415

        require_room(content, DraftFormat(form), signers, self._fonts(), self._key)

    def finish(self, form: str, content: bytes, evidence: ContractEvidence) -> MadeDocuments:
        """Make the documents of a contract.

        Raises:
            MalformedInput: DOCUMENT_TOO_SHORT, WATERMARK_PRESENT.
            ServiceError: FONT_MISSING.
        """
        from contract.drafting.making import make_documents  # noqa: PLC0415

        return make_documents(content, DraftFormat(form), evidence, self._fonts(), self._key)

    def check_revision(self, base: bytes, signed: bytes, certificate: bytes) -> None:
        """See that a PDF is another one with a signature, and nothing else.

        1. It begins with the one before.
        2. What follows there changes nothing but signatures, and what proves them.
        3. There is one more signature, and it is by the key of that certificate; all hold.
        4. It stands in its signer's field: in another's it would show as that one's, who then could not sign.

        Args:
            base: the revision before.
            signed: the new one.
            certificate: of who signs, DER.

        Raises:
            MalformedInput: PDF_REVISION_WRONG.
        """
        from contract.pades.continuation import signature_added  # noqa: PLC0415

        try:
            added = signature_added(base, signed, [self._authority])  # 1, 2, 3
        except FoursealError as error:
            raise pdf_wrong(str(error)) from error
        if added.certificate is None or added.certificate.certificate.public_bytes(Encoding.DER) != certificate:
            raise pdf_wrong("it is signed with another certificate than yours")
        if added.field != field_name(added.account):  # 4
            raise pdf_wrong(f"its signature stands in the field {added.field}, which is not yours")


def pdf_wrong(problem: str) -> MalformedInput:
    """That a signed PDF is refused."""
    return MalformedInput("PDF_REVISION_WRONG", f"the signed PDF is refused: {problem}", problem=problem)
