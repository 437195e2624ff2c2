"""Whether a PDF is an earlier one, with further signatures and nothing else."""

from __future__ import annotations

from collections.abc import Collection

from cryptography import x509

from contract.errors import VerificationFailed
from contract.pades.policy import only_signed
from contract.pades.reading import open_pdf, readable
from contract.pades.signatures import PdfSignature, pdf_signatures


def signature_added(
    before: bytes,
    after: bytes,
    roots: Collection[x509.Certificate],
    time_stamp_roots: Collection[x509.Certificate] = (),
) -> PdfSignature:
    """Check that a PDF continues another by one signature, and by revocation data at most.

    (1) it begins with the bytes of the earlier one;
    (2) each of its later revisions adds signatures or revocation data alone;
    (3) it has one signature more, and all of them hold.

    Args:
        before: the earlier file.
        after: the later one.
        roots: as of ``pdf_signatures``.
        time_stamp_roots: the same.

    Returns:
        The signature that was added. Whose it must be, is for the caller.

    Raises:
        MalformedInput: PDF_MALFORMED, PDF_ENCRYPTED.
        VerificationFailed: PDF_NOT_CONTINUED (1, 3), PDF_CHANGED_WITH (2), PDF_SIGNATURE_REFUSED (3).
    """
    require_continued(before, after)  # (1, 2)
    earlier = pdf_signatures(before, roots, time_stamp_roots)
    found = pdf_signatures(after, roots, time_stamp_roots)
    if len(found) != len(earlier) + 1:  # (3)
        raise VerificationFailed("PDF_NOT_CONTINUED", "the file has not one signature more")
    for each in found:
        for problem in each.problems:
            raise VerificationFailed("PDF_SIGNATURE_REFUSED", f"a signature does not hold: {problem}", problem=problem)
    return found[-1]


def require_continued(before: bytes, after: bytes) -> None:
    """Checks 1 and 2 of ``signature_added``, for any number of signatures.

    Raises:
        MalformedInput: PDF_MALFORMED, PDF_ENCRYPTED.
        VerificationFailed: PDF_NOT_CONTINUED, PDF_CHANGED_WITH.
    """
    if not after.startswith(before):
        raise VerificationFailed("PDF_NOT_CONTINUED", "the file does not begin with the earlier one")
    old, new = open_pdf(before), open_pdf(after)
    with readable("its revisions cannot be read"):
        last, revisions = old.xrefs.total_revisions - 1, new.xrefs.total_revisions
        if not all(only_signed(new, each - 1, each) for each in range(last + 1, revisions)):
            raise VerificationFailed("PDF_CHANGED_WITH", "more than a signature was put in")
