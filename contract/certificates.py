"""Certificates of signers and sessions, read strictly, and whether they hold.

What each must look like is said once, in ``profiles``. A certificate is read by taking from it what is free (name, key,
session info), building the profile of that, and comparing. Further extensions are tolerated unless they are critical:
another authority may add where its revocation list lies.

An object of this module is well-formed. Whether the authority issued it, and whether it was valid and not revoked at
some time, say ``check_chain`` and ``revocation``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID, SignatureAlgorithmOID

from contract.errors import VerificationFailed
from contract.oids import Arc
from contract.profiles import (
    ACCOUNT_URI_PREFIX,
    Profile,
    SignerKey,
    require_signer_key,
    session_profile,
    signer_profile,
)
from contract.session_info import SessionInfo
from mpc.errors import MalformedInput, WrongPurpose
from mpc.four_prime_rsa import PUBLIC_EXPONENT, JointPublicKey, PublicShare, Purpose, Role

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
        raise _malformed(f"longer than {MAX_CERTIFICATE_BYTES} bytes")
    with _readable("not a certificate in DER"):
        head = bytes(asn1.decode_der(_Certificate, data).to_be_signed.data)
    if not head.startswith(_VERSION_3):
        raise _malformed("not a certificate of version 3")
    length, number = head[len(_VERSION_3) + 1 :][:1], head[len(_VERSION_3) + 2 :]
    serial_number = int.from_bytes(number[: int.from_bytes(length)], signed=True)
    if not 0 < serial_number < 1 << _MAX_SERIAL_NUMBER_BITS:  # of one that is not positive the library would only warn
        raise _malformed("a serial number that is not positive, or longer than 20 bytes")
    with _readable("not a certificate in DER"):
        certificate = x509.load_der_x509_certificate(data)
    if certificate.public_bytes(Encoding.DER) != data:
        raise _malformed("not the canonical encoding")
    if data[-len(certificate.signature) - 1]:  # its signature's unused bits: none is signed, so each would do
        raise _malformed("not the only encoding of its signature")
    return certificate


@dataclass(frozen=True, slots=True)
class SignerCertificate:
    """A signer's certificate for one purpose.

    Args:
        certificate: as issued.
        arc: the installation's arc.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED, and what ``names`` raises.
    """

    certificate: x509.Certificate
    arc: Arc = field(repr=False)
    purpose: Purpose = field(init=False)
    name: str = field(init=False)
    """Account."""
    display_name: str = field(init=False)
    public_key: SignerKey = field(init=False, repr=False)
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        extensions = _extensions(self.certificate)
        purposes = {self.arc.signer_sign: Purpose.SIGN, self.arc.signer_encrypt: Purpose.DECRYPT}
        purpose = _purpose(extensions, purposes)
        name = _account_name(extensions)
        display_name = _common_name(self.certificate)
        public_key = require_signer_key(purpose, _public_key(self.certificate))
        _require_profile(
            self.certificate, extensions, signer_profile(name, display_name, purpose, public_key, self.arc)
        )
        if _has(extensions, self.arc.session_info):
            raise _malformed("a signer's certificate with a session info")
        object.__setattr__(self, "purpose", purpose)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "display_name", display_name)
        object.__setattr__(self, "public_key", public_key)
        object.__setattr__(self, "fingerprint", fingerprint(self.certificate))

    @classmethod
    def from_der(cls, data: bytes, arc: Arc) -> Self:
        """Read a certificate's DER. Raises as the constructor does."""
        return cls(load_certificate(data), arc)

    def public_share(self) -> PublicShare:
        """The client's half of a joint key.

        Raises:
            MalformedInput: KEY_IS_NO_HALF: the key is of another kind, for the separate scheme only.
            PeerMisbehaved: an RSA key that makes no half; the culprit is the client.
        """
        if not isinstance(self.public_key, rsa.RSAPublicKey):
            raise MalformedInput("KEY_IS_NO_HALF", "the certificate's key is no RSA key, and makes no joint key")
        return PublicShare(Role.CLIENT, self.purpose, self.public_key.public_numbers().n)


@dataclass(frozen=True, slots=True)
class SessionCertificate:
    """A session's certificate for one purpose, at one revision of its info.

    Args:
        certificate: as issued.
        arc: the installation's arc.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED, SESSION_INFO_MALFORMED, and what ``names`` raises.
        PeerMisbehaved: the key makes no half; the culprit is the server.
    """

    certificate: x509.Certificate
    arc: Arc = field(repr=False)
    purpose: Purpose = field(init=False)
    info: SessionInfo = field(init=False)
    share: PublicShare = field(init=False, repr=False)
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        extensions = _extensions(self.certificate)
        purposes = {self.arc.session_sign: Purpose.SIGN, self.arc.session_encrypt: Purpose.DECRYPT}
        purpose = _purpose(extensions, purposes)
        info = _session_info(extensions, self.arc)
        public_key = _public_key(self.certificate)
        if not isinstance(public_key, rsa.RSAPublicKey) or public_key.public_numbers().e != PUBLIC_EXPONENT:
            raise _malformed(f"a session's key that is no RSA key of exponent {PUBLIC_EXPONENT}")
        share = PublicShare(Role.SERVER, purpose, public_key.public_numbers().n)
        if share.half_bits != info.half_bits:
            raise _malformed("a key of another size than its session info says")
        _require_profile(self.certificate, extensions, session_profile(info, purpose, public_key, self.arc))
        object.__setattr__(self, "purpose", purpose)
        object.__setattr__(self, "info", info)
        object.__setattr__(self, "share", share)
        object.__setattr__(self, "fingerprint", fingerprint(self.certificate))

    @classmethod
    def from_der(cls, data: bytes, arc: Arc) -> Self:
        """Read a certificate's DER. Raises as the constructor does."""
        return cls(load_certificate(data), arc)

    def public_share(self) -> PublicShare:
        """The server's half of a joint key."""
        return self.share


def joint_key(signer: SignerCertificate, session: SessionCertificate) -> JointPublicKey:
    """The joint public key of a signer and a session, of the purpose that both certificates have.

    Raises:
        MalformedInput: KEY_IS_NO_HALF, HALF_SIZES_DIFFER, MODULI_NOT_COPRIME, MODULI_TOO_CLOSE.
        PeerMisbehaved: the signer's RSA key makes no half.
        WrongPurpose: the certificates' purposes differ.
    """
    return JointPublicKey(signer.public_share(), session.public_share())


def require_same_purpose(purpose: Purpose, signer: SignerCertificate, session: SessionCertificate) -> None:
    """Raise WrongPurpose unless both certificates are for that purpose."""
    for each in (signer, session):
        if each.purpose is not purpose:
            raise WrongPurpose(wanted=purpose, found=each.purpose)


def check_chain(
    certificate: x509.Certificate, authority: x509.Certificate, usage: x509.ObjectIdentifier, at: datetime
) -> None:
    """Check that the authority issued a certificate, for that usage, and that both were valid at a time.

    There are two links and no more: the authority that everybody knows, and what it issued. Revocation is for
    ``revocation``.

    (1) the authority's certificate is one of an authority, and may sign certificates;
    (2) names and key identifiers lead from one to the other;
    (3) the signature is ECDSA with SHA-256 by the authority's key;
    (4) the extended key usage is exactly ``usage``;
    (5) both are valid at ``at``.

    Args:
        certificate: that somebody showed.
        authority: that we know, ECDSA.
        usage: one of ``Arc``.
        at: aware.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED: extensions that cannot be read.
        VerificationFailed: AUTHORITY_UNSUITABLE, CERTIFICATE_NOT_ISSUED (2, 3), CERTIFICATE_OF_OTHER_USAGE,
            CERTIFICATE_NOT_VALID.
    """
    key = require_authority(authority)  # (1)
    extensions = _extensions(certificate)
    try:
        found = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        found = None
    with _readable("an issuer that cannot be read"):
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
    if _usages(extensions) != [usage]:  # (4)
        raise VerificationFailed("CERTIFICATE_OF_OTHER_USAGE", "the certificate is for another use")
    for each in (certificate, authority):  # (5)
        if not each.not_valid_before_utc <= at <= each.not_valid_after_utc:
            raise VerificationFailed("CERTIFICATE_NOT_VALID", "the certificate is not valid at this time")


def arc_of(certificate: x509.Certificate, number: int) -> Arc:
    """The installation's arc, as a certificate says it: for who knows the authority, and is told no arc.

    The certificate's only extended key usage is the arc and ``number``. It proves nothing before ``check_chain``.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED, ARC_MALFORMED.
        VerificationFailed: CERTIFICATE_OF_OTHER_USAGE.
    """
    usages = _usages(_extensions(certificate))
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


def _require_profile(certificate: x509.Certificate, extensions: x509.Extensions, profile: Profile) -> None:
    if _subject(certificate) != profile.subject:
        raise _malformed("a subject that does not fit")
    known = {expected.oid for expected, _ in profile.extensions} | {ExtensionOID.AUTHORITY_KEY_IDENTIFIER}
    for expected, _ in profile.extensions:
        try:
            found = extensions.get_extension_for_oid(expected.oid)
        except x509.ExtensionNotFound:
            raise _malformed("an extension missing") from None
        if found.value != expected:
            raise _malformed("an extension that does not fit")
    if any(each.critical and each.oid not in known for each in extensions):
        raise _malformed("an unknown critical extension")


def _extensions(certificate: x509.Certificate) -> x509.Extensions:
    with _readable("extensions that cannot be read"):
        return certificate.extensions


def _has(extensions: x509.Extensions, oid: x509.ObjectIdentifier) -> bool:
    return any(each.oid == oid for each in extensions)


def _usages(extensions: x509.Extensions) -> list[x509.ObjectIdentifier]:
    try:
        return list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return []


def _purpose(extensions: x509.Extensions, purposes: dict[x509.ObjectIdentifier, Purpose]) -> Purpose:
    usages = _usages(extensions)
    if len(usages) != 1 or usages[0] not in purposes:
        raise _malformed("an extended key usage that is not the one expected")
    return purposes[usages[0]]


def _account_name(extensions: x509.Extensions) -> str:
    try:
        names = list(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    if len(names) != 1 or not isinstance(names[0], x509.UniformResourceIdentifier):
        raise _malformed("not exactly one account")
    if not names[0].value.startswith(ACCOUNT_URI_PREFIX):
        raise _malformed("not exactly one account")
    return names[0].value.removeprefix(ACCOUNT_URI_PREFIX)


def _common_name(certificate: x509.Certificate) -> str:
    names = _subject(certificate).get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1 or not isinstance(names[0].value, str):
        raise _malformed("not exactly one common name")
    return names[0].value


def _subject(certificate: x509.Certificate) -> x509.Name:
    with _readable("a subject that cannot be read"):
        return certificate.subject


def _session_info(extensions: x509.Extensions, arc: Arc) -> SessionInfo:
    try:
        extension = extensions.get_extension_for_oid(arc.session_info)
    except x509.ExtensionNotFound:
        raise _malformed("no session info") from None
    if extension.critical or not isinstance(extension.value, x509.UnrecognizedExtension):
        raise _malformed("a critical session info")
    return SessionInfo.from_der(extension.value.value)


def _public_key(certificate: x509.Certificate) -> object:
    with _readable("a key that cannot be read"):
        return certificate.public_key()


@contextmanager
def _readable(problem: str) -> Iterator[None]:
    """Turn what ``cryptography`` raises, mostly when a part is first looked at, into our error."""
    try:
        yield
    except (ValueError, UnsupportedAlgorithm, *UNREADABLE):
        raise _malformed(problem) from None


def _malformed(problem: str) -> MalformedInput:
    return MalformedInput("CERTIFICATE_MALFORMED", f"the certificate is refused: {problem}", problem=problem)


@asn1.sequence
class _Certificate:
    to_be_signed: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString
