"""What is checked of the two keys of a signer before they get certificates.

1. The PKCS#10 request is signed by its key; its names and extensions are ignored.
2. The keys are of a kind that signers may have (``contract.profiles``), and not the same.
3. The sign key has signed the binding of this account, this request and the encrypt key: so whoever requests has it,
   and means this encrypt key. A PKCS#10 request alone proves nothing about who sends it.
4. An RSA key passes the checks of a foreign modulus that need no size of a half: no small factor, no power, no prime,
   no ROCA fingerprint, no close primes. One that comes with certification roots is to be a half of joint keys: it has
   the size of one, and the certification holds, made for this account, request and purpose.

That no other certificate has the key is seen to where certificates are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from contract.errors import VerificationFailed
from contract.profiles import SignerKey, require_signer_key
from contract.signer_keys import MAX_SIGNATURE_BYTES, check_signature_alone
from contract.signer_requests import MAX_KEY_BYTES, EncryptKeyBinding, signer_certification_context
from mpc.errors import MalformedInput
from mpc.four_prime_rsa import CERTIFICATION_ROOTS, Purpose, Role, admit_foreign_share
from mpc.four_prime_rsa.certification import check_certification
from mpc.four_prime_rsa.public_share import check_foreign_modulus
from wire.catalogue import ServiceError

MAX_REQUEST_BYTES: Final = 8 << 10
_MAX_ROOT_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A request for two certificates, as it came.

    Args:
        account: who requests.
        request_id: of the request.
        sign_request: PKCS#10, DER.
        sign_roots: certification of the sign key's modulus; none for a key that is to be no half.
        encrypt_key: SubjectPublicKeyInfo, DER.
        encrypt_roots: as ``sign_roots``.
        binding_signature: by the sign key.
    """

    account: str
    request_id: str
    sign_request: bytes
    sign_roots: Sequence[bytes]
    encrypt_key: bytes
    encrypt_roots: Sequence[bytes]
    binding_signature: bytes


@dataclass(frozen=True, slots=True)
class CheckedKey:
    """A key that passed.

    Args:
        purpose: for what.
        public_key: the key.
        sha256: of its SubjectPublicKeyInfo, in the one encoding that we make.
        is_half: whether it is certified to be a half of joint keys.
    """

    purpose: Purpose
    public_key: SignerKey
    sha256: bytes
    is_half: bool


def check_keys(request: KeyRequest) -> tuple[CheckedKey, CheckedKey]:
    """Check both keys. Takes up to some 0.5 s, without the GIL for the most part.

    Returns:
        The key for signing, the key for encryption.

    Raises:
        MalformedInput: SIGNER_KEY_UNSUITABLE, CERTIFICATION_MALFORMED, MODULUS_...
        PeerMisbehaved: the modulus or its certification does not hold; the culprit is the client.
        ServiceError: SIGNER_REQUEST_INVALID.
    """
    sign_key = require_signer_key(Purpose.SIGN, _requested_key(request.sign_request))  # (1), (2)
    encrypt_key = require_signer_key(Purpose.DECRYPT, _read_key(request.encrypt_key))
    sign_der, encrypt_der = _der_of(sign_key), _der_of(encrypt_key)
    if encrypt_der != request.encrypt_key:
        raise _invalid("the encrypt key is not in canonical DER")
    if sign_der == encrypt_der:
        raise _invalid("one key for both purposes")
    binding = EncryptKeyBinding(request.account, request.request_id, sign_der, encrypt_der)
    _check_binding(sign_key, binding, request.binding_signature)  # (3)
    _check_modulus(request, Purpose.SIGN, sign_key, request.sign_roots)  # (4)
    _check_modulus(request, Purpose.DECRYPT, encrypt_key, request.encrypt_roots)
    return (
        CheckedKey(Purpose.SIGN, sign_key, sha256(sign_der).digest(), bool(request.sign_roots)),
        CheckedKey(Purpose.DECRYPT, encrypt_key, sha256(encrypt_der).digest(), bool(request.encrypt_roots)),
    )


def _requested_key(request_der: bytes) -> object:
    if not 0 < len(request_der) <= MAX_REQUEST_BYTES:
        raise _invalid(f"the PKCS#10 request has not 1 to {MAX_REQUEST_BYTES} bytes")
    try:
        request = x509.load_der_x509_csr(request_der)
        key = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
        raise _invalid("the PKCS#10 request cannot be read") from None
    if not signed:
        raise _invalid("the PKCS#10 request is not signed by its key")
    return key


def _read_key(key_der: bytes) -> object:
    if not 0 < len(key_der) <= MAX_KEY_BYTES:
        raise _invalid(f"the encrypt key has not 1 to {MAX_KEY_BYTES} bytes")
    try:
        return load_der_public_key(key_der)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _invalid("the encrypt key cannot be read") from None


def _check_binding(sign_key: SignerKey, binding: EncryptKeyBinding, signature: bytes) -> None:
    try:
        if 0 < len(signature) <= MAX_SIGNATURE_BYTES:
            check_signature_alone(sign_key, signature, binding.to_der())
            return
    except VerificationFailed:
        pass  # refused below, as one of a wrong length is
    raise _invalid("the sign key's signature over the encrypt key does not hold")


def _check_modulus(request: KeyRequest, purpose: Purpose, key: SignerKey, roots: Sequence[bytes]) -> None:
    if not isinstance(key, rsa.RSAPublicKey):
        if roots:
            raise _invalid(f"a certification for a key to {purpose} that has no modulus")
        return
    numbers = key.public_numbers()
    if not roots:
        check_foreign_modulus(Role.CLIENT, numbers.n)
        return
    if len(roots) != CERTIFICATION_ROOTS or any(len(root) > _MAX_ROOT_BYTES for root in roots):
        raise MalformedInput("CERTIFICATION_MALFORMED", f"a certification has {CERTIFICATION_ROOTS} roots")
    modulus = numbers.n.to_bytes(key.key_size // 8, "big")
    share = admit_foreign_share(Role.CLIENT, purpose, key.key_size, modulus, numbers.e)
    check_certification(share, signer_certification_context(request.account, request.request_id, purpose), roots)


def _der_of(key: SignerKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _invalid(problem: str) -> ServiceError:
    return ServiceError("SIGNER_REQUEST_INVALID", problem=problem)
