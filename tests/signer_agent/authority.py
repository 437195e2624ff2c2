"""A certificate authority of the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


class Authority:
    """An authority of the tests, and certificates of it."""

    def __init__(self, name: str = "authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._issue(name, self._key.public_key(), name, authority=True)

    @property
    def pem(self) -> bytes:
        """The authority's certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The same."""
        return self.certificate.public_bytes(Encoding.DER)

    def issue(
        self, public_key: ec.EllipticCurvePublicKey, name: str, *, lifetime: timedelta = timedelta(days=1)
    ) -> x509.Certificate:
        """A certificate for a host or an agent of that name."""
        return self._issue(name, public_key, self.certificate.subject, lifetime=lifetime)

    def _issue(
        self,
        name: str,
        public_key: ec.EllipticCurvePublicKey,
        issuer: x509.Name | str,
        *,
        lifetime: timedelta = timedelta(days=1),
        authority: bool = False,
    ) -> x509.Certificate:
        subject, now = _name(name), datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name(issuer) if isinstance(issuer, str) else issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + lifetime)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
