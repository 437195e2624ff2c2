"""What the certificates of the authority have in common, and in what their sorts differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

MAX_COMMON_NAME_BYTES: Final = 64
"""RFC 5280 appendix A, ub-common-name, counted in bytes as the strictest readers do."""


@dataclass(frozen=True, slots=True)
class CertificateForm:
    """A certificate that is to be issued.

    Args:
        common_name: of its subject; what is longer than 64 bytes is cut off.
        public_key: its subject's.
        usage: the one extended key usage.
        key_usage: see ``key_usage_of``.
        not_before: begin of its validity; fractions of a second are cut off.
        not_after: end of its validity.
        alternatives: subject alternative names, possibly none.
        extensions: further extensions, not critical.
    """

    common_name: str
    public_key: CertificatePublicKeyTypes
    usage: x509.ObjectIdentifier
    key_usage: x509.KeyUsage
    not_before: datetime
    not_after: datetime
    alternatives: tuple[x509.GeneralName, ...] = ()
    extensions: tuple[x509.ExtensionType, ...] = ()

    def to_builder(self, issuer: x509.Certificate) -> x509.CertificateBuilder:
        """Everything but the signature. Serial numbers are random (RFC 5280 section 4.1.2.2: at most 20 bytes)."""
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
            issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(common_name(self.common_name))
            .issuer_name(issuer.subject)
            .public_key(self.public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(self.key_usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([self.usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.public_key), critical=False)
            .add_extension(issuer_key, critical=False)
        )
        if self.alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(self.alternatives), critical=False)
        for extension in self.extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder


def common_name(text: str) -> x509.Name:
    """A name with a common name alone, cut to 64 bytes between two characters."""
    cut = text.encode()[:MAX_COMMON_NAME_BYTES].decode(errors="ignore")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cut)])


def key_usage_of(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_encipherment: bool = False,
    signs_certificates: bool = False,
) -> x509.KeyUsage:
    """A key usage; what is not said is not allowed."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def general_name(name: str) -> x509.GeneralName:
    """A host name or an IP address."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
