"""A half whose numbers nobody here has: it is used by name, through an engine that does raw RSA and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import gmpy2
import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

from mpc.engines.interface import Random
from mpc.errors import DecryptionFailed, FaultDetected, FoursealError, MalformedInput, PeerMisbehaved, WrongPurpose
from mpc.four_prime_rsa import (
    PUBLIC_EXPONENT,
    DecryptionHalf,
    EncodedMessage,
    HashAlgorithm,
    JointPublicKey,
    KeyShare,
    OaepParameters,
    PublicShare,
    Purpose,
    Role,
    SignatureAlgorithm,
    SigningHalf,
    certification,
    combine_signature,
    create_partial_signature,
    decrypt_by_half,
    generate_key_share,
    sign_by_half,
)
from mpc.four_prime_rsa.certification import TOKEN_ROOTS, certify_modulus, check_certification
from mpc.four_prime_rsa.half import Half
from tests.mpc.parties import ENGINE, RANDOM

CONTEXT = b"here"
OAEP = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, b"label")


class Named(Half):
    """What a program has of a half that lives elsewhere."""

    __slots__ = ("public",)

    def __init__(self, public: PublicShare) -> None:
        self.public = public

    @property
    def key(self) -> str:
        """Its name there."""
        return f"{self.public.purpose}-{self.public.modulus}"


class NamedSigner(Named, SigningHalf):
    """One that signs."""

    __slots__ = ()


class NamedDecrypter(Named, DecryptionHalf):
    """One that decrypts."""

    __slots__ = ()


class Elsewhere:
    """Where halves live."""

    def __init__(self, *shares: KeyShare, fault: int = 0) -> None:
        self._shares = {f"{share.public.purpose}-{share.public.modulus}": share for share in shares}
        self._fault = fault
        self.name, self.width = "elsewhere", 1

    def exponentiate(self, operations: Sequence[tuple[str, int]], random: Random) -> list[int]:
        """Raw RSA."""
        numbers = [(self._shares[name].crt, base) for name, base in operations]
        return [result + self._fault for result in ENGINE.exponentiate(numbers, random)]


SIGNER = generate_key_share(Role.SERVER, Purpose.SIGN, 2048)
DECRYPTER = generate_key_share(Role.SERVER, Purpose.DECRYPT, 2048)
HALF, OPENER = NamedSigner(SIGNER.public), NamedDecrypter(DECRYPTER.public)
TOKEN = Elsewhere(SIGNER, DECRYPTER)


def test_joint_signature_and_its_fault() -> None:
    """With a client's share it makes a joint signature; one that comes back wrong is not let out."""
    client = generate_key_share(Role.CLIENT, Purpose.SIGN, 2048)
    key = JointPublicKey(client.public, HALF.public)
    message = EncodedMessage(key, SignatureAlgorithm.PSS_SHA256, sha256(b"data").digest(), bytes(32))
    ours = create_partial_signature(client, message, ENGINE, RANDOM)  # type: ignore[arg-type]  # of that purpose
    signature = combine_signature(message, ours, create_partial_signature(HALF, message, TOKEN, RANDOM))
    assert pow(int.from_bytes(signature, "big"), PUBLIC_EXPONENT, key.modulus) == message.representative
    with pytest.raises(FaultDetected):
        create_partial_signature(HALF, message, Elsewhere(SIGNER, fault=1), RANDOM)
    with pytest.raises(WrongPurpose):
        create_partial_signature(OPENER, message, TOKEN, RANDOM)  # type: ignore[arg-type]  # the point


def test_half_alone() -> None:
    """OpenSSL takes its signatures, and it opens what OpenSSL encrypted; every wrong ciphertext has the same answer."""
    signature = sign_by_half(HALF, b"data", bytes(32), TOKEN, RANDOM)
    pss = padding.PSS(padding.MGF1(SHA256()), 32)
    HALF.public.to_cryptography().verify(signature, b"data", pss, SHA256())
    ciphertext = OPENER.public.to_cryptography().encrypt(b"secret", OAEP.to_cryptography_padding())
    assert decrypt_by_half(OPENER, ciphertext, OAEP, TOKEN, RANDOM) == b"secret"
    other = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, b"other")
    wrong = ((ciphertext, other), (ciphertext[1:], OAEP), (bytes(256), OAEP), (b"\xff" * 256, OAEP), (b"", OAEP))
    for data, parameters in wrong:
        with pytest.raises(DecryptionFailed):
            decrypt_by_half(OPENER, data, parameters, TOKEN, RANDOM)
    with pytest.raises(WrongPurpose):
        sign_by_half(OPENER, b"data", bytes(32), TOKEN, RANDOM)  # type: ignore[arg-type]  # the point
    with pytest.raises(WrongPurpose):
        decrypt_by_half(HALF, ciphertext, OAEP, TOKEN, RANDOM)  # type: ignore[arg-type]  # the point


def _refusal(public: PublicShare, context: bytes, roots: Sequence[bytes]) -> str:
    with pytest.raises(FoursealError) as refused:
        check_certification(public, context, roots)
    assert isinstance(refused.value, MalformedInput | PeerMisbehaved)
    return refused.value.reason


def test_certification_by_roots_of_e() -> None:
    """It holds for the server's modulus and its context alone; a client has the whole proof to bring."""
    roots = certify_modulus(HALF, CONTEXT, TOKEN, RANDOM)
    assert len(roots) == TOKEN_ROOTS == 8
    check_certification(HALF.public, CONTEXT, roots)
    assert _refusal(HALF.public, b"elsewhere", roots) == "CERTIFICATION_INVALID"
    as_client = PublicShare(Role.CLIENT, Purpose.SIGN, HALF.public.modulus)
    assert _refusal(as_client, CONTEXT, roots) == "CERTIFICATION_MALFORMED"
    whole = certify_modulus(SIGNER, CONTEXT, ENGINE, RANDOM)
    assert _refusal(HALF.public, CONTEXT, whole[:8]) == _refusal(HALF.public, CONTEXT, whole[1:])
    for index in range(TOKEN_ROOTS):
        spoilt = [*roots[:index], roots[index - 1], *roots[index + 1 :]]
        assert _refusal(HALF.public, CONTEXT, spoilt) == "CERTIFICATION_INVALID"
    with pytest.raises(FaultDetected):
        certify_modulus(HALF, CONTEXT, Elsewhere(SIGNER, fault=1), RANDOM)


def test_modulus_where_e_is_no_permutation_has_no_such_certification() -> None:
    """E divides p - 1: of numbers out of a hash hardly any has a root, whoever looks for it."""
    step = 2 * PUBLIC_EXPONENT
    start = ((1 << 1024) - (1 << 1000)) // step * step + 1
    p = next(number for number in range(start, start + 10**6 * step, step) if gmpy2.is_prime(number))
    q = max(SIGNER.crt.p, SIGNER.crt.q)
    public = PublicShare(Role.SERVER, Purpose.SIGN, p * q)
    challenges = [int(certification._challenge(public, CONTEXT, index, TOKEN_ROOTS)) for index in range(TOKEN_ROOTS)]
    assert not any(pow(rho, (p - 1) // PUBLIC_EXPONENT, p) == 1 for rho in challenges)
    exponent = pow(PUBLIC_EXPONENT, -1, (p - 1) // PUBLIC_EXPONENT * (q - 1))
    closest = [pow(rho, exponent, public.modulus).to_bytes(256, "big") for rho in challenges]
    assert _refusal(public, CONTEXT, closest) == "CERTIFICATION_INVALID"
