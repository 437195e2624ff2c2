"""Reading the signatures of a PDF, offline: who signed, when, at which level, and all that is wrong with each.

What can be wrong, by reason, beside those of ``chain``, ``revocation`` and ``time_stamp``:

- PDF_ALTERED: bytes that it covers were changed, or it was taken from another file;
- PDF_SIGNATURE_WRONG: it is not by the key of the certificate with it, or of a kind that PAdES does not have;
- PDF_SIGNATURE_PARTIAL: it leaves out part of what was there when it was made;
- PDF_CHANGED_WITH: more than a signature was put in together with it;
- PDF_CHANGED_AFTER: more than signatures and revocation data was put in after it, or what it forbids;
- CERTIFICATE_REVOKED: before it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from asn1crypto import tsp
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError, find_unique_cms_attribute
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_sig_integrity
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from contract.certificate_parts import load_certificate
from contract.chain import check_issued, check_valid
from contract.errors import VerificationFailed
from contract.pades.model import Level
from contract.pades.policy import only_signed
from contract.pades.proofs import revocation_lists
from contract.pades.reading import entry, malformed, open_pdf, readable
from contract.time_stamp import verify_time_stamp
from contract.trusteeship.certificates import PersonalCertificate
from mpc.errors import FoursealError

MAX_SIGNATURES: Final = 100
"""Most that are looked at in one PDF."""
_DIGESTS: Final = ("sha256", "sha384", "sha512")
_SIGNATURES: Final = ("rsassa_pss", "rsassa_pkcs1v15")
_SUBFILTER: Final = "/ETSI.CAdES.detached"


@dataclass(frozen=True, slots=True)
class PdfSignature:
    """One signature of a PDF.

    Args:
        field: the name of its field.
        certificate: the signer's personal certificate; None: it is none, or cannot be read.
        time: when it was made, as it says itself; aware, None: it does not say.
        stamp_time: when it existed at the latest, by a time stamp that holds; aware, None: there is none.
        level: that it has, as far as it holds.
        signed_bytes: how many of the file's first bytes it covers, itself included.
        whole: whether these are all. If not, further signatures or revocation data came later.
        problems: reasons, in the order of the module's list; none: it holds.
    """

    field: str
    certificate: PersonalCertificate | None
    time: datetime | None
    stamp_time: datetime | None
    level: Level
    signed_bytes: int
    whole: bool
    problems: tuple[str, ...]

    @property
    def account(self) -> str:
        """Whose certificate is with it; empty if there is none. It proves nothing where there are problems."""
        return self.certificate.account if self.certificate else ""


def pdf_signatures(
    pdf: bytes, roots: Collection[x509.Certificate], time_stamp_roots: Collection[x509.Certificate] = ()
) -> tuple[PdfSignature, ...]:
    """All signatures of a PDF, in the order in which they were made. Document time stamps are none.

    Args:
        pdf: the file.
        roots: authorities that may have issued the signers' certificates.
        time_stamp_roots: authorities for time stamps; none: time stamps are not looked at.

    Raises:
        MalformedInput: PDF_MALFORMED, PDF_ENCRYPTED.
    """
    reader = open_pdf(pdf)
    with readable("its signatures cannot be read"):
        embedded = sorted(reader.embedded_regular_signatures, key=lambda each: each.signed_revision)
        if len(embedded) > MAX_SIGNATURES:
            raise malformed(f"it has more than {MAX_SIGNATURES} signatures")
        return tuple(_Reading(reader, each, roots, time_stamp_roots).read(len(pdf)) for each in embedded)


@dataclass(slots=True)
class _Reading:
    reader: PdfFileReader
    embedded: EmbeddedPdfSignature
    roots: Collection[x509.Certificate]
    time_stamp_roots: Collection[x509.Certificate]
    problems: list[str] = field(default_factory=list)
    stamp_time: datetime | None = None
    level: Level = Level.B_B

    def read(self, length: int) -> PdfSignature:
        embedded = self.embedded
        embedded.compute_integrity_info(skip_diff=True)
        time = embedded.self_reported_timestamp
        if time is not None and time.tzinfo is None:
            time = None  # somewhere on earth
        for check in (self._check_signature, self._check_covered, self._check_changes, self._check_stamp):
            self._note(check)
        certificate: PersonalCertificate | None = None
        try:
            certificate = PersonalCertificate(load_certificate(embedded.signer_cert.dump()))
        except FoursealError as error:
            self.problems.append(error.reason)
        if certificate is not None:
            self._check_certificate(certificate, self.stamp_time or time)
        start, covered = [int(each) for each in embedded.byte_range][2:]
        return PdfSignature(
            field=str(embedded.field_name),
            certificate=certificate,
            time=None if time is None else time.astimezone(UTC),
            stamp_time=self.stamp_time,
            level=self.level,
            signed_bytes=start + covered,
            whole=start + covered == length,
            problems=tuple(dict.fromkeys(self.problems)),
        )

    def _note(self, check: Callable[[], object]) -> None:
        try:
            check()
        except FoursealError as error:
            self.problems.append(error.reason)
        except (SignatureValidationError, SigningError):
            self.problems.append("PDF_SIGNATURE_WRONG")

    def _check_signature(self) -> None:
        embedded, info = self.embedded, self.embedded.signer_info
        intact, valid = validate_sig_integrity(info, embedded.signer_cert, "data", embedded.compute_digest())
        if not intact:
            self.problems.append("PDF_ALTERED")
        algorithm = info["signature_algorithm"]
        known = (
            entry(embedded.sig_object, "/SubFilter", "") == _SUBFILTER
            and embedded.md_algorithm in _DIGESTS
            and algorithm.signature_algo in _SIGNATURES
            and algorithm.hash_algo == embedded.md_algorithm
        )
        if not (valid and known):
            raise VerificationFailed("PDF_SIGNATURE_WRONG", "the signature is not by its certificate's key")

    def _check_covered(self) -> None:
        embedded = self.embedded
        begin, first, second, _ = (int(each) for each in embedded.byte_range)
        gap = 2 * len(embedded.pkcs7_content) + 2  # the signature itself, hexadecimal in brackets
        whole = embedded.coverage in {SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION}
        if not whole or begin != 0 or second - first != gap:
            raise VerificationFailed("PDF_SIGNATURE_PARTIAL", "the signature leaves out part of its file")

    def _check_changes(self) -> None:
        revision, permission = self.embedded.signed_revision, self.embedded.docmdp_level
        allowed = None if permission is None else permission.value
        later = range(revision + 1, self.reader.xrefs.total_revisions)
        if revision and not only_signed(self.reader, revision - 1, revision):
            self.problems.append("PDF_CHANGED_WITH")
        if not all(only_signed(self.reader, revision, each, allowed) for each in later):
            raise VerificationFailed("PDF_CHANGED_AFTER", "the file was changed after the signature")

    def _check_stamp(self) -> None:
        if not self.time_stamp_roots:
            return
        try:
            token = find_unique_cms_attribute(self.embedded.signer_info["unsigned_attrs"], "signature_time_stamp_token")
        except (LookupError, ValueError, TypeError):
            return
        response = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump()
        signature = self.embedded.signer_info["signature"].native
        self.stamp_time = verify_time_stamp(response, signature, self.time_stamp_roots)
        self.level = Level.B_T

    def _check_certificate(self, certificate: PersonalCertificate, time: datetime | None) -> None:
        issuer = next(self._issuers(certificate.certificate), None)
        if issuer is None:
            self.problems.append("CERTIFICATE_NOT_ISSUED")
        elif time is None:
            self.problems.append("CERTIFICATE_NOT_VALID")
        else:
            self._note(lambda: check_valid(certificate.certificate, issuer, time))
            self._check_revocation(certificate.certificate, issuer, time)

    def _issuers(self, certificate: x509.Certificate) -> Iterator[x509.Certificate]:
        for root in self.roots:
            try:
                check_issued(certificate, root)
            except FoursealError:
                continue
            yield root

    def _check_revocation(self, certificate: x509.Certificate, issuer: x509.Certificate, time: datetime) -> None:
        for known in revocation_lists(self.reader, issuer):
            found = known.revoked(certificate)
            if found is not None and found.time <= time:
                self.problems.append("CERTIFICATE_REVOKED")
            if known.issue_time >= time or known.covers(time):
                self.level = Level.B_LT if self.level is Level.B_T else self.level
