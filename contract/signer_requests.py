"""What a request for a signer's certificates is bound to: server and agents compute it, each by itself.

A PKCS#10 request says nothing of who sends it: anybody can send another's. So the sign key also signs for which account
and request it is, and which encrypt key goes with it (``EncryptKeyBinding``); and a certification of a modulus is made
for one account, request and purpose (``signer_certification_context``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat import asn1

from contract import der
from contract.names import check_account_name
from mpc.four_prime_rsa import Purpose
from mpc.four_prime_rsa.integers import hash_fields

MAX_KEY_BYTES: Final = 2 << 10
"""Longest DER SubjectPublicKeyInfo that is looked at: RSA of 8192 bits has half of it."""

_CERTIFICATION_DOMAIN: Final = "fourseal/v1/signer certificate"
_BINDING_PROTOCOL: Final = "fourseal/v1/encrypt key binding"
_BINDING_REASON: Final = "KEY_BINDING_MALFORMED"
_MAX_REQUEST_ID: Final = 64


def signer_certification_context(account: str, request_id: str, purpose: Purpose) -> bytes:
    """The context of the certification of one of a signer's two moduli, 32 bytes.

    Args:
        account: who requests.
        request_id: of the request.
        purpose: of the half.

    Raises:
        MalformedInput: ACCOUNT_NAME_MALFORMED.
    """
    return hash_fields(
        _CERTIFICATION_DOMAIN, check_account_name(account).encode(), request_id.encode(), purpose.encode()
    )


@dataclass(frozen=True, slots=True)
class EncryptKeyBinding:
    """What the sign key signs in a request for certificates. Never sent: each side builds it from what it knows.

    Args:
        account: who requests.
        request_id: of the request, 1 to 64 characters.
        sign_key: DER SubjectPublicKeyInfo of the sign key.
        encrypt_key: DER SubjectPublicKeyInfo of the encrypt key.

    Raises:
        MalformedInput: KEY_BINDING_MALFORMED, ACCOUNT_NAME_MALFORMED.
    """

    account: str
    request_id: str
    sign_key: bytes
    encrypt_key: bytes

    def __post_init__(self) -> None:
        check_account_name(self.account)
        der.require_that(0 < len(self.request_id) <= _MAX_REQUEST_ID, "no request id", reason=_BINDING_REASON)
        for key in (self.sign_key, self.encrypt_key):
            der.require_that(0 < len(key) <= MAX_KEY_BYTES, "a key of a wrong length", reason=_BINDING_REASON)

    def to_der(self) -> bytes:
        """DER of EncryptKeyBinding: docs/formats.md. What the signature is over."""
        return der.write_structure(
            _EncryptKeyBinding(
                version=der.VERSION,
                protocol=_BINDING_PROTOCOL,
                account=self.account,
                request_id=self.request_id,
                sign_key=self.sign_key,
                encrypt_key=self.encrypt_key,
            )
        )


@asn1.sequence
class _EncryptKeyBinding:
    version: int
    protocol: str
    account: str
    request_id: str
    sign_key: bytes
    encrypt_key: bytes
