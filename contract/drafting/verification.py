"""Whether a finished contract holds: every check, answered with passed, failed or indeterminate. Offline.

From the file and the authority's certificate alone. Names are stable. Of the document:

 1. ``authority``: the certificate that the verifier knows is an authority's.
 2. ``watermark``: the document has one of this installation, and it can be read.
 3. ``evidence``: the document has it attached.
 4. ``belongs``: the watermark is of the contract that the evidence is of: serial number, time, digest of the text.
 5. ``text``: the document has the text that was signed. Any character that was altered fails it.
 6. ``original``: the draft that the verifier has is the one that was signed. Made only where there is one.
 7. ``signatures``: each signature of the PDF is of a signer, and holds; all have signed.

Of each signer, by the evidence:

 8. ``certificate``: personal, of the authority, for that account; valid when it signed and when it consented.
 9. ``statement``: jointly signed by the certificate's key: this text, with all of these signers.
10. ``mark``: the signature in the evidence is by the key that the statement names.
11. ``in-watermark``: the watermark carries that mark, or its digest.
12. ``consent``: jointly signed by the certificate's key: to the watermark, with all of these statements.
13. ``pdf-signature``: of the PDF, by the certificate's key, in the signer's field: it shows whose it is.

A DOCX has no signatures of its own: 7 and 13 are not made of one. Revocation is looked at where the PDF has lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import starmap
from typing import Final

from cryptography import x509

from contract.certificate_parts import fingerprint
from contract.chain import check_issued, check_valid, require_authority
from contract.documents.text import canonical_text, text_digest
from contract.drafting.docx_evidence import evidence_in
from contract.drafting.evidence import EVIDENCE_NAME, ContractEvidence, SignerEvidence
from contract.drafting.made import field_name
from contract.drafting.marks import check_mark
from contract.pades.attachments import attachment
from contract.pades.signatures import PdfSignature, pdf_signatures
from contract.report import PREREQUISITE_FAILED, Check, Failed, Outcome, Report, Undecided, make_check
from contract.trusteeship.certificates import PersonalCertificate
from contract.watermark.alignment import Alteration, align
from contract.watermark.channels import Document
from contract.watermark.documents import open_document
from contract.watermark.extraction import Extraction, extract
from contract.watermark.key import WatermarkKey
from contract.watermark.payload import Payload, SignatureLayer
from contract.watermark.pdf.document import PdfDocument
from mpc.errors import MalformedInput

_LIKE: Final = 0.5
"""What two versions of one document have in common, at least."""


@dataclass(frozen=True, slots=True)
class Original:
    """The draft as it was signed, from the archive or a party.

    Args:
        text: its text.
        document: the same, if its format can carry a watermark: helps to read one that was damaged.
    """

    text: str = field(repr=False)
    document: Document | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SignerReport:
    """What the checks of one signer came to.

    Args:
        account: whose.
        certificate: that it signed with; None: it is none of a person.
        report: checks 8 to 13.
        signature: of the PDF; None: there is none.
    """

    account: str
    certificate: PersonalCertificate | None
    report: Report
    signature: PdfSignature | None


@dataclass(frozen=True, slots=True)
class ContractReport:
    """What the verification of a contract came to.

    Args:
        document: checks 1 to 7.
        signers: of each signer, rising by account; none where there is no evidence.
        payload: what the watermark says; None: it has none that can be read.
        evidence: that is attached; None: it cannot be read.
        text_digest: SHA-256 of the text that the document has.
        signatures: all signatures of the PDF.
        alterations: against the original; None: there is none that is of this contract.
        remarks: what whoever relies on the text should know besides.
    """

    document: Report
    signers: tuple[SignerReport, ...]
    payload: Payload | None
    evidence: ContractEvidence | None
    text_digest: bytes
    signatures: tuple[PdfSignature, ...]
    alterations: tuple[Alteration, ...] | None
    remarks: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        """Failed if a check failed; else indeterminate if one is; else passed."""
        return Report((*self.document.checks, *(each for one in self.signers for each in one.report.checks))).outcome


def verify_contract(
    file: bytes,
    authority: x509.Certificate,
    original: Original | None = None,
    time_stamp_roots: Collection[x509.Certificate] = (),
) -> ContractReport:
    """Make every check of the module's list.

    Args:
        file: PDF or DOCX.
        authority: whose certificates the verifier believes.
        original: the draft that was signed; None: the verifier has none.
        time_stamp_roots: authorities for time stamps of PDF signatures.

    Raises:
        MalformedInput: DOCUMENT_*, PDF_MALFORMED, PDF_ENCRYPTED: the file is no contract that can be read.
    """
    return _Verifier(file, authority, original, time_stamp_roots).report()


class _Verifier:
    def __init__(
        self,
        file: bytes,
        authority: x509.Certificate,
        original: Original | None,
        time_stamp_roots: Collection[x509.Certificate],
    ) -> None:
        self._authority = authority
        self._original = original
        self._document = open_document(file)
        self._is_pdf = isinstance(self._document, PdfDocument)
        self._digest = text_digest(self._document.text)
        self._signatures = pdf_signatures(file, [authority], time_stamp_roots) if self._is_pdf else ()
        self._attached = attachment(file, EVIDENCE_NAME) if self._is_pdf else evidence_in(file)
        self._evidence: ContractEvidence | None = None
        self._found: Extraction | None = None

    def report(self) -> ContractReport:
        checks: dict[str, Callable[[], object]] = {
            "authority": lambda: require_authority(self._authority),
            "watermark": self._read_watermark,
            "evidence": self._read_evidence,
            "belongs": self._check_belongs,
            "text": self._check_text,
        }
        if self._original is not None:
            checks["original"] = self._check_original
        if self._is_pdf:
            checks["signatures"] = self._check_signatures
        document = Report(tuple(make_check(name, check) for name, check in checks.items()))
        return ContractReport(
            document=document,
            signers=tuple(starmap(self._signer, enumerate(self._evidence.signers if self._evidence else ()))),
            payload=self._found.payload if self._found else None,
            evidence=self._evidence,
            text_digest=self._digest,
            signatures=tuple(self._signatures),
            alterations=self._alterations(document),
            remarks=tuple(self._document.remarks),
        )

    def _read_watermark(self) -> None:
        key = WatermarkKey.of_authority(self._authority)
        try:
            self._found = extract(self._document, key)
        except MalformedInput:
            if self._original is None or self._original.document is None:
                raise
            self._found = extract(self._document, key, self._original.document)

    def _read_evidence(self) -> None:
        if self._attached is None:
            raise Undecided("EVIDENCE_MISSING")
        self._evidence = ContractEvidence.from_der(self._attached)

    def _check_belongs(self) -> None:
        if self._found is None or self._evidence is None:
            raise Undecided(PREREQUISITE_FAILED)
        said, evidence = self._found.payload, self._evidence
        if (said.serial, said.time, said.digest) != (evidence.serial, evidence.time, evidence.text_digest):
            raise Failed("WATERMARK_OF_OTHER_CONTRACT")

    def _check_text(self) -> None:
        signed = self._signed_digest()
        if signed is None:
            raise Undecided(PREREQUISITE_FAILED)
        if self._digest == signed:
            return
        if self._original is not None and text_digest(self._original.text) == signed:
            alike = align(self._original.text, self._document.text).similarity
            if alike < _LIKE:
                raise Failed("WATERMARK_MOVED")
        raise Failed("TEXT_ALTERED")

    def _check_original(self) -> None:
        signed = self._signed_digest()
        if self._original is None or signed is None:
            raise Undecided(PREREQUISITE_FAILED)
        if text_digest(self._original.text) != signed:
            raise Failed("ORIGINAL_OF_OTHER_CONTRACT")

    def _signed_digest(self) -> bytes | None:
        """As the evidence has it, which signers signed; else as the watermark says."""
        if self._evidence is not None:
            return self._evidence.text_digest
        return None if self._found is None else self._found.payload.digest

    def _check_signatures(self) -> None:
        for each in self._signatures:
            for problem in each.problems:
                raise Failed(problem)
        if self._evidence is None:
            raise Undecided(PREREQUISITE_FAILED)
        expected = {hashlib.sha256(each.certificate).digest() for each in self._evidence.signers}
        signed = {_fingerprint(each) for each in self._signatures}
        if signed - expected:
            raise Failed("PDF_SIGNED_BY_OTHERS")
        if len(self._signatures) > len(signed):
            raise Failed("PDF_SIGNED_AGAIN")
        if expected - signed:
            raise Undecided("PDF_SIGNATURE_MISSING")

    def _signer(self, number: int, signer: SignerEvidence) -> SignerReport:
        of_signer = _SignerChecks(signer, self._authority)
        checks = dict(of_signer.checks())
        checks["in-watermark"] = lambda: self._check_in_watermark(number, signer.mark)
        ordered = ["certificate", "statement", "mark", "in-watermark", "consent"]
        own = hashlib.sha256(signer.certificate).digest()
        signature = next((each for each in self._signatures if _fingerprint(each) == own), None)
        if self._is_pdf:
            checks["pdf-signature"] = lambda: _check_signature(signer.account, signature)
            ordered.append("pdf-signature")
        made: tuple[Check, ...] = tuple(make_check(name, checks[name]) for name in ordered)
        return SignerReport(signer.account, of_signer.certificate, Report(made), signature)

    def _check_in_watermark(self, number: int, mark: bytes) -> None:
        if self._found is None:
            raise Undecided(PREREQUISITE_FAILED)
        payload = self._found.payload
        if payload.layer is SignatureLayer.NONE:
            raise Undecided("MARKS_NOT_IN_WATERMARK")
        whole = payload.layer is SignatureLayer.WHOLE
        expected = mark if whole else hashlib.sha256(mark).digest()
        if payload.entries[number : number + 1] != (expected,):  # in the order of the signers
            raise Failed("MARK_NOT_IN_WATERMARK")

    def _alterations(self, document: Report) -> tuple[Alteration, ...] | None:
        if self._original is None or document.check("original").outcome is Outcome.FAILED:
            return None
        altered = align(self._original.text, self._document.text).alterations()
        return tuple(each for each in altered if canonical_text(each.before) != canonical_text(each.after))


class _SignerChecks:
    """Of the evidence of one signer."""

    def __init__(self, signer: SignerEvidence, authority: x509.Certificate) -> None:
        self._signer = signer
        self._authority = authority
        self.certificate: PersonalCertificate | None = None

    def checks(self) -> Iterator[tuple[str, Callable[[], object]]]:
        signer = self._signer
        yield "certificate", self._check_certificate
        yield "statement", lambda: signer.signed.check(self._known().public_key)
        yield "mark", lambda: check_mark(signer.statement, signer.mark)
        yield "consent", lambda: signer.consented.check(self._known().public_key)

    def _check_certificate(self) -> None:
        read = PersonalCertificate.from_der(self._signer.certificate)
        check_issued(read.certificate, self._authority)
        if read.account != self._signer.account:
            raise Failed("CERTIFICATE_OF_OTHER_ACCOUNT")
        self.certificate = read
        for time in (self._signer.statement.time, self._signer.consent.time):
            check_valid(read.certificate, self._authority, time)

    def _known(self) -> PersonalCertificate:
        if self.certificate is None:
            raise Undecided(PREREQUISITE_FAILED)
        return self.certificate


def _check_signature(account: str, signature: PdfSignature | None) -> None:
    if signature is None:
        raise Undecided("PDF_SIGNATURE_MISSING")
    for problem in signature.problems:
        raise Failed(problem)
    if signature.field != field_name(account):
        raise Failed("PDF_SIGNATURE_MISPLACED")


def _fingerprint(signature: PdfSignature) -> bytes:
    return b"" if signature.certificate is None else fingerprint(signature.certificate.certificate)
