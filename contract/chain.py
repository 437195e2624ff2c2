"""Whether the authority issued a certificate, for what, and whether it was valid at some time."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import SignatureAlgorithmOID

from contract.certificate_parts import UNREADABLE, extensions_of, readable, usages_of
from contract.errors import VerificationFailed
from contract.oids import Arc


def check_chain(
    certificate: x509.Certificate, authority: x509.Certificate, usage: x509.ObjectIdentifier, at: datetime
) -> None:
    """Check that the authority issued a certificate, for that usage alone, and that both were valid at a time.

    There are two links and no more: the authority that everybody knows, and what it issued. Revocation is for
    ``revocation``.

    Args:
        certificate: that somebody showed.
        authority: that we know, ECDSA.
        usage: one of ``Arc``.
        at: aware.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED: extensions that cannot be read.
        VerificationFailed: what ``check_issued`` raises, CERTIFICATE_OF_OTHER_USAGE, what ``check_valid`` raises.
    """
    check_issued(certificate, authority)
    if usages_of(extensions_of(certificate)) != [usage]:
        raise VerificationFailed("CERTIFICATE_OF_OTHER_USAGE", "the certificate is for another use")
    check_valid(certificate, authority, at)


def check_issued(certificate: x509.Certificate, authority: x509.Certificate) -> None:
    """Check that the authority issued a certificate; for what and until when, is not looked at.

    (1) the authority's certificate is one of an authority, and may sign certificates;
    (2) names and key identifiers lead from one to the other;
    (3) the signature is ECDSA with SHA-256 by the authority's key.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED: extensions that cannot be read.
        VerificationFailed: AUTHORITY_UNSUITABLE, CERTIFICATE_NOT_ISSUED (2, 3).
    """
    key = require_authority(authority)  # (1)
    extensions = extensions_of(certificate)
    try:
        found = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        found = None
    with readable("an issuer that cannot be read"):
        named = certificate.issuer == authority.subject
    if not named or found != x509.SubjectKeyIdentifier.from_public_key(key).digest:  # (2)
        raise VerificationFailed("CERTIFICATE_NOT_ISSUED", "the certificate names another authority")
    try:
        certificate.verify_directly_issued_by(authority)  # (3)
        signed = certificate.signature_algorithm_oid == SignatureAlgorithmOID.ECDSA_WITH_SHA256
    except (InvalidSignature, TypeError, ValueError, UnsupportedAlgorithm):
        signed = False
    if not signed:
        raise VerificationFailed("CERTIFICATE_NOT_ISSUED", "the authority did not sign this certificate")


def check_valid(certificate: x509.Certificate, authority: x509.Certificate, at: datetime) -> None:
    """Check that a certificate and its authority's were valid at a time; aware.

    Raises:
        VerificationFailed: CERTIFICATE_NOT_VALID.
    """
    for each in (certificate, authority):
        if not each.not_valid_before_utc <= at <= each.not_valid_after_utc:
            raise VerificationFailed("CERTIFICATE_NOT_VALID", "the certificate is not valid at this time")


def arc_of(certificate: x509.Certificate, number: int) -> Arc:
    """The installation's arc, as a certificate says it: for who knows the authority, and is told no arc.

    The certificate's only extended key usage is the arc and ``number``. It proves nothing before ``check_chain``.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED, ARC_MALFORMED.
        VerificationFailed: CERTIFICATE_OF_OTHER_USAGE.
    """
    usages = usages_of(extensions_of(certificate))
    arc, _, last = usages[0].dotted_string.rpartition(".") if len(usages) == 1 else ("", "", "")
    if last != str(number):
        raise VerificationFailed("CERTIFICATE_OF_OTHER_USAGE", "the certificate is for another use")
    return Arc(arc)


def require_authority(authority: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """The key of an authority's certificate.

    Raises:
        VerificationFailed: AUTHORITY_UNSUITABLE: not an authority's, or its key is not ECDSA.
    """
    try:
        constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
        key = authority.public_key()
        if constraints.ca and usage.key_cert_sign and isinstance(key, ec.EllipticCurvePublicKey):
            return key
    except (x509.ExtensionNotFound, ValueError, UnsupportedAlgorithm, *UNREADABLE):
        pass  # refused below, with everything else that it may lack
    raise VerificationFailed("AUTHORITY_UNSUITABLE", "this is not the certificate of an authority with an ECDSA key")
