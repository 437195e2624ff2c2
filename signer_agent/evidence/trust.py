"""Whom a verifier believes, from what it was given: never from the bundle."""

from __future__ import annotations

from cryptography import x509

from contract.certificate_parts import UNREADABLE
from mpc.errors import MalformedInput
from transparency.keys import VerifierKey


def authority_from(pem: bytes) -> x509.Certificate:
    """The certificate of an authority, in PEM. Raises as ``certificates_from``, also if there are several."""
    found = certificates_from(pem)
    if len(found) > 1:
        raise _malformed("several where there is one authority")
    return found[0]


def certificates_from(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Certificates in PEM, one or several.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
        for each in found:
            _ = each.extensions, each.subject  # which is where an odd one is found out
    except (ValueError, *UNREADABLE):
        raise _malformed("no certificate in PEM") from None
    return tuple(found)


def log_key_from(text: str) -> VerifierKey:
    """A log's key in its text form; spaces around it do not count. Raises MalformedInput (LOG_KEY_MALFORMED)."""
    return VerifierKey.from_text(text.strip())


def _malformed(problem: str) -> MalformedInput:
    return MalformedInput("CERTIFICATE_MALFORMED", f"the certificate is refused: {problem}", problem=problem)
