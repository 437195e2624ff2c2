"""What checks of finished contracts and their reasons mean, in words."""

from __future__ import annotations

from typing import Final

from contract.report import PREREQUISITE_FAILED
from contract.watermark.alignment import Alteration

MEANINGS: Final = {
    "authority": "The certificate that the verifier knows is an authority's.",
    "watermark": "The document has a watermark of this installation.",
    "evidence": "The document has the evidence attached.",
    "belongs": "Watermark and evidence are of the same contract.",
    "text": "The text is the one that was signed, to the last character.",
    "original": "The draft given is the one that was signed.",
    "signatures": "All signers signed the PDF, nobody else did, and nothing was changed after.",
    "certificate": "The authority issued the signer's certificate, and it was valid then.",
    "statement": "The signer signed this text, with these signers.",
    "mark": "The mark is by the key that the signer's statement names.",
    "in-watermark": "The watermark carries the signer's mark.",
    "consent": "The signer consented to the watermark, and to what the others signed.",
    "pdf-signature": "The signer signed the PDF.",
}
"""What each check says if it passed, by its name."""

_REASONS: Final = {
    PREREQUISITE_FAILED: "another check must pass first",
    "WATERMARK_MISSING": "there is none of this installation: another document, or its format was reset",
    "WATERMARK_DAMAGED": "too little of it is left; the draft, named with --original, may help",
    "EVIDENCE_MISSING": "none is attached: statements, consents and certificates cannot be checked without it",
    "WATERMARK_OF_OTHER_CONTRACT": "the watermark is another contract's, and was moved here",
    "WATERMARK_MOVED": "this is another text: watermark and evidence are another contract's, and were moved here",
    "TEXT_ALTERED": "the text is not the one that was signed",
    "ORIGINAL_OF_OTHER_CONTRACT": "the draft given is not the one that was signed",
    "PDF_SIGNED_BY_OTHERS": "somebody signed the PDF who is no signer of the contract",
    "PDF_SIGNED_AGAIN": "a signer signed the PDF more than once",
    "PDF_SIGNATURE_MISPLACED": "the signature stands in another signer's field, or in none of the contract's",
    "PDF_SIGNATURE_MISSING": "not all signers signed the PDF",
    "CERTIFICATE_OF_OTHER_ACCOUNT": "the certificate is of somebody else",
    "CERTIFICATE_REVOKED": "the certificate had been revoked before",
    "MARKS_NOT_IN_WATERMARK": "the text was too short for them: they are in the evidence alone",
    "MARK_NOT_IN_WATERMARK": "the watermark carries another mark in its place",
    "SIGNATURE_INVALID": "the certificate's key did not sign it",
    "CONTRACT_MARK_INVALID": "it is by another key",
    "CERTIFICATE_NOT_ISSUED": "another authority issued the certificate",
    "CERTIFICATE_NOT_VALID": "the certificate was not valid then",
    "PDF_ALTERED": "the PDF is not the one that was signed",
    "PDF_SIGNATURE_WRONG": "the signature is not by its certificate's key",
    "PDF_SIGNATURE_PARTIAL": "the signature leaves out part of the PDF",
    "PDF_CHANGED_WITH": "more than a signature was put in together with it",
    "PDF_CHANGED_AFTER": "the PDF was changed after it",
}


def reason_text(reason: str) -> str:
    """A reason with what it means."""
    return f"{reason}: {_REASONS[reason]}" if reason in _REASONS else reason


def kind_of(altered: Alteration) -> str:
    """Whether a part was altered, removed or inserted."""
    if altered.before.strip() and altered.after.strip():
        return "altered"
    return "removed" if altered.before.strip() else "inserted"
