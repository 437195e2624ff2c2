"""What the certificates look like that only this server and its agents read: for TLS, relay passes and the log's key.

Those of signers and sessions, which everybody reads, stand in ``contract.profiles``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from contract.profiles import ACCOUNT_URI_PREFIX, DOCUMENT_USAGES, ORGANISATION_URI_PREFIX, Profile
from mpc.four_prime_rsa import Purpose
from server.custody import PublicKey

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?:{_LABEL}\.)*(?!\d+$){_LABEL}", re.ASCII)
"""Labels; the last is no number, or it could be read as an IPv4 address."""
_MAX_HOST: Final = 253


def own_profile(
    common_name: str,
    public_key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey,
    usages: Sequence[x509.ObjectIdentifier],
    alternatives: Sequence[x509.GeneralName] = (),
) -> Profile:
    """The profile of a certificate whose key makes signatures of one kind.

    Args:
        common_name: of its subject, at most 64 bytes of UTF-8.
        public_key: its subject's.
        usages: extended key usages, which no other sort of certificate has.
        alternatives: subject alternative names.
    """
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage(signs_certificates=False), True),
        (x509.ExtendedKeyUsage(usages), False),
        (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
    ]
    if alternatives:
        extensions.append((x509.SubjectAlternativeName(alternatives), False))
    return Profile(subject_name(common_name), tuple(extensions))


def authority_profile(common_name: str, public_key: ec.EllipticCurvePublicKey) -> Profile:
    """The profile of an authority's own certificate, which has none below it but those that end a chain."""
    return Profile(
        subject_name(common_name),
        (
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (key_usage(signs_certificates=True), True),
            (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        ),
    )


def personal_profile(name: str, display_name: str, purpose: Purpose, public_key: rsa.RSAPublicKey) -> Profile:
    """The profile of a certificate for a joint key, with usages that other software knows.

    They are: to sign documents (RFC 9336) and mail, or to encrypt mail.

    Args:
        name: account.
        display_name: of the account, at most 64 characters.
        purpose: sign or decrypt.
        public_key: of the certificate.
    """
    return _document_profile(subject_name(display_name), ACCOUNT_URI_PREFIX + name, purpose, public_key)


def organisation_profile(name: str, display_name: str, purpose: Purpose, public_key: PublicKey) -> Profile:
    """The profile of a certificate for an organisation's key, with the same usages.

    Args:
        name: of the organisation.
        display_name: of it, at most 64 characters.
        purpose: sign or decrypt, which RSA keys alone do.
        public_key: of the certificate.
    """
    subject = organisation_subject(display_name)
    return _document_profile(subject, ORGANISATION_URI_PREFIX + name, purpose, public_key)


def organisation_subject(display_name: str) -> x509.Name:
    """Its name as organization, and as common name for software that shows nothing else."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, display_name),
            x509.NameAttribute(NameOID.COMMON_NAME, display_name),
        ]
    )


def _document_profile(subject: x509.Name, uri: str, purpose: Purpose, public_key: PublicKey) -> Profile:
    signs = purpose is Purpose.SIGN
    usage = x509.KeyUsage(
        digital_signature=signs,
        content_commitment=signs,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return Profile(
        subject,
        (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (usage, True),
            (x509.ExtendedKeyUsage(DOCUMENT_USAGES[purpose]), False),
            (x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), False),
            (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        ),
    )


@dataclass(frozen=True, slots=True)
class StatusPlaces:
    """Where everybody can ask whether certificates still hold.

    Args:
        ocsp_url: of the answers about single certificates; empty: nowhere.
        list_url: of the list of revoked certificates; empty: nowhere.
    """

    ocsp_url: str = ""
    list_url: str = ""

    def extensions(self) -> Iterator[x509.ExtensionType]:
        """What says so in a certificate (RFC 5280 sections 4.2.1.13 and 4.2.2.1); never critical."""
        if self.ocsp_url:
            ocsp = x509.UniformResourceIdentifier(self.ocsp_url)
            yield x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, ocsp)])
        if self.list_url:
            places = [x509.UniformResourceIdentifier(self.list_url)]
            yield x509.CRLDistributionPoints([x509.DistributionPoint(places, None, None, None)])


def responder_profile(common_name: str, public_key: ec.EllipticCurvePublicKey) -> Profile:
    """The profile of the key that signs answers about certificates. Nobody asks about it itself: it lives shortly."""
    profile = own_profile(common_name, public_key, [ExtendedKeyUsageOID.OCSP_SIGNING])
    return Profile(profile.subject, (*profile.extensions, (x509.OCSPNoCheck(), False)))


def subject_name(common_name: str) -> x509.Name:
    """A name with a common name alone."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Certificates and lists of revoked ones, or anything else that is not content."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
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


def normal_host(name: str) -> str:
    """A host name or an IP address in the one form in which it can be compared: lower case, no dot at the end.

    Raises:
        ValueError: neither: a wildcard, an address in another notation, no DNS name (RFC 1123 section 2.1).
    """
    try:
        address = ip_address(name)
    except ValueError:
        host = name.lower().removesuffix(".")
        if len(host) > _MAX_HOST or not _HOST.fullmatch(host):
            raise ValueError("neither a host name nor an IP address") from None
        return host
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
