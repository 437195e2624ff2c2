"""Signers of PDFs with joint keys, both halves in one process; and a contract's page for them to sign."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID
from fpdf import FPDF
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from contract.pades.fields import Box, with_signature_fields
from contract.pades.model import RevocationData, SignedPdf, Timestamper
from contract.pades.signing import _Signer, sign_pdf
from contract.profiles import ACCOUNT_URI_PREFIX, DOCUMENT_USAGES, Profile
from mpc.four_prime_rsa import Purpose, SignatureAlgorithm
from tests.contract.world import NOW, Issuer
from tests.mpc.parties import Signers

BOXES: Final = {"alice": Box(0, 60, 100, 260, 140), "bob": Box(0, 320, 100, 520, 140)}


@dataclass(frozen=True)
class JointSigner:
    """Somebody with a joint key and a personal certificate for it."""

    name: str
    keys: Signers
    certificate: x509.Certificate
    authority: Issuer

    async def sign_digest(self, digest: bytes, algorithm: SignatureAlgorithm) -> bytes:
        """As client and server do together."""
        return self.keys.sign(self.keys.message(algorithm, digest))

    async def sign(
        self,
        pdf: bytes,
        *,
        field: str = "",
        algorithm: SignatureAlgorithm = SignatureAlgorithm.PSS_SHA256,
        timestamper: Timestamper | None = None,
        revocation: RevocationData | None = None,
        minutes: int = 0,
    ) -> SignedPdf:
        """Sign a PDF, so many minutes after ``NOW``."""
        return await sign_pdf(
            pdf,
            field or self.name,
            [self.certificate, self.authority.certificate],
            lambda digest: self.sign_digest(digest, algorithm),
            NOW + timedelta(minutes=minutes),
            algorithm=algorithm,
            timestamper=timestamper,
            revocation=revocation,
        )

    async def certify(self, pdf: bytes, permission: MDPPerm) -> bytes:
        """Sign as the author does, who says what others may do."""
        algorithm = SignatureAlgorithm.PSS_SHA256
        signer = _Signer([self.certificate], lambda digest: self.sign_digest(digest, algorithm), algorithm, None)
        wanted = PdfSignatureMetadata(
            field_name=self.name,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=permission,
        )
        session = PdfSigner(wanted, signer).init_signing_session(IncrementalPdfFileWriter(io.BytesIO(pdf)))
        session.system_time = NOW
        prepared = session.prepare_tbs_document(None, 8192)
        digested, out = prepared.digest_tbs_document()
        await prepared.perform_signature(digested.document_digest, PdfCMSSignedAttributes(signing_time=NOW))
        out.seek(0)
        return bytes(out.read())

    def with_certificate_of(self, other: JointSigner) -> JointSigner:
        """One who shows another's certificate."""
        return replace(self, certificate=other.certificate)


def joint_signer(authority: Issuer, name: str, keys: Signers, display_name: str = "") -> JointSigner:
    """Somebody with that joint key."""
    public_key = keys.key.to_cryptography()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    profile = Profile(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, display_name or name.title())]),
        (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (usage, True),
            (x509.ExtendedKeyUsage(DOCUMENT_USAGES[Purpose.SIGN]), False),
            (x509.SubjectAlternativeName([x509.UniformResourceIdentifier(ACCOUNT_URI_PREFIX + name)]), False),
            (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        ),
    )
    return JointSigner(name, keys, authority.issue(profile, public_key), authority)


@cache
def page(text: str = "The price is 1000.") -> bytes:
    """A PDF of one page with that text, and fields for Alice and Bob."""
    document = FPDF()
    document.set_creation_date(NOW)
    document.add_page()
    document.set_font("Helvetica", size=12)
    document.cell(text=text)
    out = io.BytesIO()
    document.output(out)
    return with_signature_fields(out.getvalue(), BOXES)
