"""Certificates of signers, sessions and back ends, read strictly.

What each must look like is said once, in ``profiles``. A certificate is read by taking from it what is free (name, key,
session info), building the profile of that, and comparing. Further extensions are tolerated unless they are critical:
another authority may add where its revocation list lies.

An object of this module is well-formed. Whether the authority issued it, and whether it was valid and not revoked at
some time, say ``chain`` and ``revocation``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtensionOID

from contract.certificate_parts import (
    account_name_of,
    back_end_name_of,
    common_name_of,
    extensions_of,
    fingerprint,
    has_extension,
    load_certificate,
    malformed,
    public_key_of,
    subject_of,
    usages_of,
)
from contract.oids import Arc
from contract.profiles import (
    Profile,
    SignerKey,
    back_end_profile,
    require_signer_key,
    session_profile,
    signer_profile,
)
from contract.session_info import SessionInfo
from mpc.errors import MalformedInput, WrongPurpose
from mpc.four_prime_rsa import PUBLIC_EXPONENT, JointPublicKey, PublicShare, Purpose, Role


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
        extensions = extensions_of(self.certificate)
        purposes = {self.arc.signer_sign: Purpose.SIGN, self.arc.signer_encrypt: Purpose.DECRYPT}
        purpose = _purpose(extensions, purposes)
        name = account_name_of(extensions)
        display_name = common_name_of(self.certificate)
        public_key = require_signer_key(purpose, public_key_of(self.certificate))
        _require_profile(
            self.certificate, extensions, signer_profile(name, display_name, purpose, public_key, self.arc)
        )
        if has_extension(extensions, self.arc.session_info):
            raise malformed("a signer's certificate with a session info")
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
        extensions = extensions_of(self.certificate)
        purposes = {self.arc.session_sign: Purpose.SIGN, self.arc.session_encrypt: Purpose.DECRYPT}
        purpose = _purpose(extensions, purposes)
        info = _session_info(extensions, self.arc)
        public_key = public_key_of(self.certificate)
        if not isinstance(public_key, rsa.RSAPublicKey) or public_key.public_numbers().e != PUBLIC_EXPONENT:
            raise malformed(f"a session's key that is no RSA key of exponent {PUBLIC_EXPONENT}")
        share = PublicShare(Role.SERVER, purpose, public_key.public_numbers().n)
        if share.half_bits != info.half_bits:
            raise malformed("a key of another size than its session info says")
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


@dataclass(frozen=True, slots=True)
class BackEndCertificate:
    """The certificate of a back end for transactions: confirmation codes are sealed for its key.

    Args:
        certificate: as issued.
        arc: the installation's arc.

    Raises:
        MalformedInput: CERTIFICATE_MALFORMED, SIGNER_KEY_UNSUITABLE, and what ``names`` raises.
    """

    certificate: x509.Certificate
    arc: Arc = field(repr=False)
    name: str = field(init=False)
    """As transactions name it."""
    public_key: rsa.RSAPublicKey = field(init=False, repr=False)
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        extensions = extensions_of(self.certificate)
        _purpose(extensions, {self.arc.back_end: Purpose.DECRYPT})
        name = back_end_name_of(extensions)
        public_key = public_key_of(self.certificate)
        if not isinstance(public_key, rsa.RSAPublicKey):
            raise malformed("a back end's key that is no RSA key")
        _require_profile(self.certificate, extensions, back_end_profile(name, public_key, self.arc))
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "public_key", public_key)
        object.__setattr__(self, "fingerprint", fingerprint(self.certificate))

    @classmethod
    def from_der(cls, data: bytes, arc: Arc) -> Self:
        """Read a certificate's DER. Raises as the constructor does."""
        return cls(load_certificate(data), arc)


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


def _require_profile(certificate: x509.Certificate, extensions: x509.Extensions, profile: Profile) -> None:
    if subject_of(certificate) != profile.subject:
        raise malformed("a subject that does not fit")
    known = {expected.oid for expected, _ in profile.extensions} | {ExtensionOID.AUTHORITY_KEY_IDENTIFIER}
    for expected, _ in profile.extensions:
        try:
            found = extensions.get_extension_for_oid(expected.oid)
        except x509.ExtensionNotFound:
            raise malformed("an extension missing") from None
        if found.value != expected:
            raise malformed("an extension that does not fit")
    if any(each.critical and each.oid not in known for each in extensions):
        raise malformed("an unknown critical extension")


def _purpose(extensions: x509.Extensions, purposes: dict[x509.ObjectIdentifier, Purpose]) -> Purpose:
    usages = usages_of(extensions)
    if len(usages) != 1 or usages[0] not in purposes:
        raise malformed("an extended key usage that is not the one expected")
    return purposes[usages[0]]


def _session_info(extensions: x509.Extensions, arc: Arc) -> SessionInfo:
    try:
        extension = extensions.get_extension_for_oid(arc.session_info)
    except x509.ExtensionNotFound:
        raise malformed("no session info") from None
    if extension.critical or not isinstance(extension.value, x509.UnrecognizedExtension):
        raise malformed("a critical session info")
    return SessionInfo.from_der(extension.value.value)
