"""The certificate of the guard's key: so that whoever knows the authority knows who may have traffic held.

It is for an ECDSA key on P-256, has an extended key usage of its own, and names the guard as
``urn:fourseal:guard:<name>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from contract.announcements.claim import check_party_name
from contract.announcements.control import Issuer, IssuerRole
from contract.certificate_parts import (
    extensions_of,
    fingerprint,
    guard_name_of,
    load_certificate,
    malformed,
    public_key_of,
)
from contract.chain import check_chain
from contract.oids import Arc


@dataclass(frozen=True, slots=True)
class GuardCertificate:
    """What the certificate says. From ``read_guard_certificate``.

    Args:
        issuer: as messages name the guard that they are of, with this certificate.
        public_key: that checks them.
    """

    issuer: Issuer
    public_key: ec.EllipticCurvePublicKey


def read_guard_certificate(data: bytes, authority: x509.Certificate, arc: Arc, at: datetime) -> GuardCertificate:
    """Read a certificate of a guard's key that somebody shows, and check it.

    Args:
        data: DER.
        authority: that we know.
        arc: the installation's arc.
        at: when it must have been valid; aware.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED.
        VerificationFailed: what ``check_chain`` raises.
    """
    certificate = load_certificate(data)
    check_chain(certificate, authority, arc.guard, at)
    key = public_key_of(certificate)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise malformed("a key that is no guard's")
    name = check_party_name(guard_name_of(extensions_of(certificate)), reason="CERTIFICATE_MALFORMED")
    return GuardCertificate(Issuer(IssuerRole.GUARD, name, fingerprint(certificate)), key)
