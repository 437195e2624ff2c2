"""Signing a PDF as PAdES baseline (ETSI EN 319 142-1): B-B, B-T with a time stamp, B-LT with revocation data too.

The digest that is signed is that of the signed attributes: it binds the file's digest and the signer's certificate. Who
has the key signs it elsewhere, such as jointly. A time stamp that cannot be had costs the level, never the signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from asn1crypto import algos, cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.general import SigningError, simple_cms_attribute
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko_certvalidator.registry import SimpleCertificateStore

from contract.certificate_parts import common_name_of, malformed, public_key_of
from contract.pades.appearance import Appearance
from contract.pades.model import ALGORITHMS, Level, RevocationData, Sign, SignedPdf, Timestamper
from contract.pades.proofs import with_revocation_data
from contract.pades.reading import open_for_update, readable
from contract.time_stamp import time_of_stamp
from mpc.errors import FoursealError, MalformedInput
from mpc.four_prime_rsa import SignatureAlgorithm

_ROOM_FOR_STAMP: Final = 16 << 10
"""Bytes kept for a time stamp in the file, before anybody knows how long it will be."""
_FRAME: Final = 64
"""Of these, what frames the time stamp."""


async def sign_pdf(
    pdf: bytes,
    field: str,
    chain: Sequence[x509.Certificate],
    sign: Sign,
    time: datetime,
    *,
    algorithm: SignatureAlgorithm = ALGORITHMS[0],
    timestamper: Timestamper | None = None,
    revocation: RevocationData | None = None,
) -> SignedPdf:
    """Sign a PDF by an incremental update.

    Args:
        pdf: signed by others, or not yet.
        field: that the signature stands in. One that was put in before shows it; any other is new and does not show.
        chain: the signer's certificate, RSA; then who issued it, and so on.
        sign: has its key.
        time: that the signature states, aware.
        algorithm: one of ``ALGORITHMS``.
        timestamper: asked for a time stamp of the signature; None: B-B.
        revocation: put in after the signature; None: none.

    Raises:
        MalformedInput: PDF_MALFORMED, PDF_ENCRYPTED; PDF_UNSIGNABLE: the field has a signature, or an earlier one
            forbids it; those of ``certificate_parts``.
        ValueError: another algorithm.
        Exception: whatever ``sign`` raises.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError("PDFs are signed with SHA-256")
    writer = open_for_update(pdf)
    signer = _Signer(chain, sign, algorithm, timestamper)
    made = PdfSigner(
        PdfSignatureMetadata(field_name=field, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES),
        signer,
        stamp_style=Appearance(border_width=0, name=common_name_of(chain[0]), time=time),
    )
    with readable("it cannot be signed"), _signable():
        session = made.init_signing_session(writer)
        session.system_time = time
        room = await session.estimate_signature_container_size(None, tight=True)
        if timestamper is not None:
            room += 2 * _ROOM_FOR_STAMP  # hexadecimal
        prepared = session.prepare_tbs_document(None, room)
        digested, out = prepared.digest_tbs_document()
    done = await prepared.perform_signature(digested.document_digest, PdfCMSSignedAttributes(signing_time=time))
    out.seek(0)
    file = out.read()
    level = Level.B_T if signer.stamped else Level.B_B
    if revocation is not None:
        file = with_revocation_data(file, revocation, done.sig_contents)
        level = Level.B_LT if signer.stamped else level
    return SignedPdf(file, level, signer.unstamped)


class _Signer(Signer):
    def __init__(
        self,
        chain: Sequence[x509.Certificate],
        sign: Sign,
        algorithm: SignatureAlgorithm,
        timestamper: Timestamper | None,
    ) -> None:
        own, *issuers = (asn1_x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in chain)
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        store.register_multiple(issuers)
        super().__init__(signing_cert=own, cert_registry=store, signature_mechanism=_mechanism(algorithm))
        self._signature_bytes = _key(chain[0]).key_size // 8
        self._sign = sign
        self._timestamper = timestamper
        self.stamped = False
        self.unstamped: FoursealError | None = None

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: ARG002, FBT001, FBT002  # pyHanko's
        """See ``Signer``: of the signed attributes."""
        return bytes(self._signature_bytes) if dry_run else await self._sign(hashlib.sha256(data).digest())

    async def unsigned_attrs(
        self,
        digest_algorithm: str,  # noqa: ARG002
        signature: bytes,
        signed_attrs: cms.CMSAttributes,  # noqa: ARG002
        timestamper: object = None,  # noqa: ARG002
        dry_run: bool = False,  # noqa: FBT001, FBT002
    ) -> cms.CMSAttributes | None:
        """See ``Signer``: the time stamp, if there is one."""
        if dry_run or self._timestamper is None:
            return None
        try:
            token = _token(await self._timestamper(signature), signature)
        except FoursealError as error:
            self.unstamped = error
            return None
        self.stamped = True
        return cms.CMSAttributes([simple_cms_attribute("signature_time_stamp_token", token)])


def _key(certificate: x509.Certificate) -> rsa.RSAPublicKey:
    key = public_key_of(certificate)
    if not isinstance(key, rsa.RSAPublicKey):
        raise malformed("a key that signs no PDF")
    return key


def _token(response: bytes, signature: bytes) -> cms.ContentInfo:
    time_of_stamp(response)
    token = tsp.TimeStampResp.load(response)["time_stamp_token"]
    imprint = token["content"]["encap_content_info"]["content"].parsed["message_imprint"]
    if imprint["hashed_message"].native != hashlib.sha256(signature).digest():
        raise _useless("it is of something else")
    if len(token.dump()) > _ROOM_FOR_STAMP - _FRAME:
        raise _useless(f"it is longer than {_ROOM_FOR_STAMP - _FRAME} bytes")
    return token


def _useless(problem: str) -> MalformedInput:
    return MalformedInput("TIME_STAMP_MALFORMED", f"the time stamp is refused: {problem}", problem=problem)


@contextmanager
def _signable() -> Iterator[None]:
    try:
        yield
    except SigningError as error:
        problem = "it has such a signature already, or an earlier one forbids it"
        raise MalformedInput("PDF_UNSIGNABLE", f"the PDF cannot be signed: {problem}", problem=problem) from error


def _mechanism(algorithm: SignatureAlgorithm) -> algos.SignedDigestAlgorithm:
    if algorithm is SignatureAlgorithm.PKCS1_SHA256:
        return algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"})
    digest = {"algorithm": "sha256"}
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": digest,
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": digest},
            "salt_length": algorithm.salt_length,
        }
    )
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})
