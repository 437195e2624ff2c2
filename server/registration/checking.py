"""What a request for a certificate must show.

In this order:

1. The key is a joint key of the calling agent, may be used, and was not replaced. Its halves were checked when it was
   made, and the joint public key is the server's own record of it: nobody can ask for another.
2. A key that signs: a PKCS#10 request by it, so that a joint signature shows that its owner wants this certificate. Its
   subject is a common name with the account's name, which the signature thereby covers, and nothing else.
   A key that decrypts signs nothing, ever: there is no PKCS#10 request, and the login asks.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from mpc.four_prime_rsa import Purpose
from server.signing import REFUSALS, Key
from wire.catalogue import ServiceError

MAX_PKCS10_BYTES: Final = 8192


def check_request(key: Key, account: str, pkcs10: bytes) -> bytes:
    """Check a request. Takes about a millisecond.

    Args:
        key: of the calling agent.
        account: who is logged in.
        pkcs10: as it was sent; empty for none.

    Returns:
        The joint public key, DER.

    Raises:
        ServiceError: KEY_NOT_READY, KEY_DISABLED, ...: the key is in no state to be used; KEY_REPLACED;
            PERSONAL_REQUEST_INVALID.
    """
    if key.state in REFUSALS or key.joint_public_key is None:  # (1)
        raise ServiceError(REFUSALS[key.state], key_id=key.key_id, cause=key.abort_cause or "")
    if key.replaced_by_key_id is not None:
        raise ServiceError("KEY_REPLACED", key_id=key.key_id, replaced_by_key_id=key.replaced_by_key_id)
    if key.purpose is Purpose.SIGN:  # (2)
        _check_pkcs10(pkcs10, key.joint_public_key, account)
    elif pkcs10:
        raise _invalid("a PKCS#10 request for a key that decrypts, and so signs nothing")
    return key.joint_public_key


def _check_pkcs10(pkcs10: bytes, key_der: bytes, account: str) -> None:
    if not 0 < len(pkcs10) <= MAX_PKCS10_BYTES:
        raise _invalid(f"the PKCS#10 request has not 1 to {MAX_PKCS10_BYTES} bytes")
    try:
        request = x509.load_der_x509_csr(pkcs10)
        found = request.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        signed = request.is_signature_valid
        subject = request.subject
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
        raise _invalid("the PKCS#10 request cannot be read") from None
    if found != key_der:
        raise _invalid("the PKCS#10 request is for another key")
    if not signed:
        raise _invalid("the PKCS#10 request is not signed by its key")
    if subject != x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, account)]):
        raise _invalid("the subject of the PKCS#10 request is not the account's name, alone, as common name")


def _invalid(problem: str) -> ServiceError:
    return ServiceError("PERSONAL_REQUEST_INVALID", problem=problem)
