"""Parts of X.509 certificates, read strictly: every way in which one can be wrong is CERTIFICATE_MALFORMED."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from contract.profiles import ACCOUNT_URI_PREFIX, BACK_END_URI_PREFIX, GUARD_URI_PREFIX, ORGANISATION_URI_PREFIX
from mpc.errors import MalformedInput

UNREADABLE: Final = (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
"""What ``cryptography`` raises beside ValueError for what it cannot read."""
MAX_CERTIFICATE_BYTES: Final = 128 << 10
"""Longest certificate that is looked at."""
_VERSION_3: Final = bytes.fromhex("a003020102")
"""What a certificate of version 3 begins with, before its serial number (RFC 5280 section 4.1)."""
_MAX_SERIAL_NUMBER_BITS: Final = 159
"""20 bytes with the sign (RFC 5280 section 4.1.2.2)."""


def fingerprint(certificate: x509.Certificate) -> bytes:
    """SHA-256 of the certificate's DER, 32 bytes."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()


def load_certificate(data: bytes) -> x509.Certificate:
    """Read a certificate's DER.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED.
    """
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise malformed(f"longer than {MAX_CERTIFICATE_BYTES} bytes")
    with readable("not a certificate in DER"):
        head = bytes(asn1.decode_der(_Certificate, data).to_be_signed.data)
    if not head.startswith(_VERSION_3):
        raise malformed("not a certificate of version 3")
    length, number = head[len(_VERSION_3) + 1 :][:1], head[len(_VERSION_3) + 2 :]
    serial_number = int.from_bytes(number[: int.from_bytes(length)], signed=True)
    if not 0 < serial_number < 1 << _MAX_SERIAL_NUMBER_BITS:  # of one that is not positive the library would only warn
        raise malformed("a serial number that is not positive, or longer than 20 bytes")
    with readable("not a certificate in DER"):
        certificate = x509.load_der_x509_certificate(data)
    if certificate.public_bytes(Encoding.DER) != data:
        raise malformed("not the canonical encoding")
    if data[-len(certificate.signature) - 1]:  # its signature's unused bits: none is signed, so each would do
        raise malformed("not the only encoding of its signature")
    return certificate


def extensions_of(certificate: x509.Certificate) -> x509.Extensions:
    """All extensions. Raises MalformedInput (CERTIFICATE_MALFORMED), as all that follows."""
    with readable("extensions that cannot be read"):
        return certificate.extensions


def has_extension(extensions: x509.Extensions, oid: x509.ObjectIdentifier) -> bool:
    """Whether there is one of that identifier."""
    return any(each.oid == oid for each in extensions)


def usages_of(extensions: x509.Extensions) -> list[x509.ObjectIdentifier]:
    """The extended key usages; none where there is no such extension."""
    try:
        return list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return []


def account_name_of(extensions: x509.Extensions) -> str:
    """The account that is the only alternative name."""
    return _only_name(extensions, ACCOUNT_URI_PREFIX, "account")


def organisation_name_of(extensions: x509.Extensions) -> str:
    """The organisation that is the only alternative name."""
    return _only_name(extensions, ORGANISATION_URI_PREFIX, "organisation")


def back_end_name_of(extensions: x509.Extensions) -> str:
    """The back end for transactions that is the only alternative name."""
    return _only_name(extensions, BACK_END_URI_PREFIX, "back end")


def guard_name_of(extensions: x509.Extensions) -> str:
    """The guard that is the only alternative name."""
    return _only_name(extensions, GUARD_URI_PREFIX, "guard")


def _only_name(extensions: x509.Extensions, prefix: str, what: str) -> str:
    try:
        names = list(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    if len(names) != 1 or not isinstance(names[0], x509.UniformResourceIdentifier):
        raise malformed(f"not exactly one {what}")
    if not names[0].value.startswith(prefix):
        raise malformed(f"not exactly one {what}")
    return names[0].value.removeprefix(prefix)


def common_name_of(certificate: x509.Certificate) -> str:
    """The only common name."""
    names = subject_of(certificate).get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1 or not isinstance(names[0].value, str):
        raise malformed("not exactly one common name")
    return names[0].value


def subject_of(certificate: x509.Certificate) -> x509.Name:
    """Whose it is."""
    with readable("a subject that cannot be read"):
        return certificate.subject


def public_key_of(certificate: x509.Certificate) -> object:
    """Its key, of whatever kind."""
    with readable("a key that cannot be read"):
        return certificate.public_key()


@contextmanager
def readable(problem: str) -> Iterator[None]:
    """Turn what ``cryptography`` raises, mostly when a part is first looked at, into our error."""
    try:
        yield
    except (ValueError, UnsupportedAlgorithm, *UNREADABLE):
        raise malformed(problem) from None


def malformed(problem: str) -> MalformedInput:
    """The error of this module. ``problem`` says what is wrong with the certificate."""
    return MalformedInput("CERTIFICATE_MALFORMED", f"the certificate is refused: {problem}", problem=problem)


@asn1.sequence
class _Certificate:
    to_be_signed: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString
