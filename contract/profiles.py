"""What certificates of signers, sessions and back ends look like: issuers build them from here, readers compare.

Beside the extensions of a profile an issuer adds the authority key identifier. The session info is not critical:
``openssl verify`` and validators of PDF refuse what they do not know if it is. Key usage and a private extended key
usage limit the certificates instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from contract.names import check_account_name, check_display_name
from contract.oids import Arc
from contract.session_info import SessionInfo
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import PUBLIC_EXPONENT, Purpose

ACCOUNT_URI_PREFIX: Final = "urn:fourseal:account:"
"""Before an account's name in a certificate's subject alternative name."""
ORGANISATION_URI_PREFIX: Final = "urn:fourseal:organisation:"
"""Before an organisation's name there."""
BACK_END_URI_PREFIX: Final = "urn:fourseal:back-end:"
"""Before the name of a back end for transactions there."""
GUARD_URI_PREFIX: Final = "urn:fourseal:guard:"
"""Before the name of a guard there."""
BACK_END_COMMON_NAME: Final = "Fourseal back end"
"""Common name of every back end's certificate: what they are called stands in the alternative name."""
DOCUMENT_USAGES: Final = {
    Purpose.SIGN: (x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"), ExtendedKeyUsageOID.EMAIL_PROTECTION),
    Purpose.DECRYPT: (ExtendedKeyUsageOID.EMAIL_PROTECTION,),
}
"""Extended key usages of personal certificates and those of organisations' keys, which other software knows.

They are: to sign documents (RFC 9336) and mail, or to encrypt mail.
"""
MIN_RSA_BITS: Final = 2048
"""Smallest RSA key of a signer."""
MAX_RSA_BITS: Final = 8192
"""Largest RSA key of a signer."""

SignerKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey
"""Kinds of key in signers' certificates. ``require_signer_key`` says which purpose allows which."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Subject and extensions of a certificate.

    Args:
        subject: its common name alone.
        extensions: each with whether it is critical.
    """

    subject: x509.Name
    extensions: tuple[tuple[x509.ExtensionType, bool], ...]


def signer_profile(name: str, display_name: str, purpose: Purpose, public_key: SignerKey, arc: Arc) -> Profile:
    """The profile of a signer's certificate.

    Args:
        name: account.
        display_name: of the account.
        purpose: sign or decrypt.
        public_key: of the certificate.
        arc: the installation's arc.

    Raises:
        MalformedInput: ACCOUNT_NAME_MALFORMED, DISPLAY_NAME_MALFORMED, SIGNER_KEY_UNSUITABLE.
    """
    require_signer_key(purpose, public_key)
    signs = purpose is Purpose.SIGN
    account = x509.UniformResourceIdentifier(ACCOUNT_URI_PREFIX + check_account_name(name))
    return _profile(
        check_display_name(display_name),
        public_key,
        _key_usage(
            digital_signature=signs,
            content_commitment=signs,
            key_encipherment=not signs and isinstance(public_key, rsa.RSAPublicKey),
            key_agreement=isinstance(public_key, x25519.X25519PublicKey),  # RFC 8410 section 5
        ),
        arc.signer_sign if signs else arc.signer_encrypt,
        x509.SubjectAlternativeName([account]),
    )


def session_profile(info: SessionInfo, purpose: Purpose, public_key: rsa.RSAPublicKey, arc: Arc) -> Profile:
    """The profile of a session's certificate. Its common name is the session id; it has no alternative names.

    Args:
        info: the session's info at this revision.
        purpose: sign or decrypt.
        public_key: of the certificate.
        arc: the installation's arc.
    """
    signs = purpose is Purpose.SIGN
    return _profile(
        info.session_id,
        public_key,
        _key_usage(digital_signature=signs, key_encipherment=not signs),
        arc.session_sign if signs else arc.session_encrypt,
        x509.UnrecognizedExtension(arc.session_info, info.to_der()),
    )


def back_end_profile(name: str, public_key: rsa.RSAPublicKey, arc: Arc) -> Profile:
    """The profile of the certificate that a back end for transactions decrypts by.

    Args:
        name: of the back end, of the form of an account's.
        public_key: of the certificate.
        arc: the installation's arc.

    Raises:
        MalformedInput: ACCOUNT_NAME_MALFORMED, SIGNER_KEY_UNSUITABLE.
    """
    require_signer_key(Purpose.DECRYPT, public_key)
    name_uri = x509.UniformResourceIdentifier(BACK_END_URI_PREFIX + check_account_name(name))
    return _profile(
        BACK_END_COMMON_NAME,
        public_key,
        _key_usage(key_encipherment=True),
        arc.back_end,
        x509.SubjectAlternativeName([name_uri]),
    )


def require_signer_key(purpose: Purpose, public_key: object) -> SignerKey:
    """Return the key, if a signer may have it for that purpose.

    To sign: RSA of 2048 to 8192 bits with exponent 65537, ECDSA on P-256, Ed25519. To decrypt: such an RSA key, X25519.

    Raises:
        MalformedInput: SIGNER_KEY_UNSUITABLE.
    """
    if isinstance(public_key, rsa.RSAPublicKey):
        if (
            MIN_RSA_BITS <= public_key.key_size <= MAX_RSA_BITS
            and public_key.key_size % 8 == 0
            and public_key.public_numbers().e == PUBLIC_EXPONENT
        ):
            return public_key
    elif purpose is Purpose.DECRYPT:
        if isinstance(public_key, x25519.X25519PublicKey):
            return public_key
    elif isinstance(public_key, ed25519.Ed25519PublicKey) or (
        isinstance(public_key, ec.EllipticCurvePublicKey) and isinstance(public_key.curve, ec.SECP256R1)
    ):
        return public_key
    raise MalformedInput("SIGNER_KEY_UNSUITABLE", f"a signer cannot have this key to {purpose}", purpose=purpose)


def _profile(
    common_name: str,
    public_key: SignerKey,
    key_usage: x509.KeyUsage,
    usage: x509.ObjectIdentifier,
    own: x509.ExtensionType,
) -> Profile:
    return Profile(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]),
        (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (key_usage, True),
            (x509.ExtendedKeyUsage([usage]), False),
            (own, False),
            (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
        ),
    )


def _key_usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_encipherment: bool = False,
    key_agreement: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=key_encipherment,
        key_agreement=key_agreement,
        data_encipherment=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
