"""A half used alone: an ordinary RSA key, whose signatures are good for nothing jointly, and one answer to failures."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa

from mpc.engines import Gmpy2Engine
from mpc.errors import DecryptionFailed, FoursealError
from mpc.four_prime_rsa import (
    HashAlgorithm,
    OaepParameters,
    Purpose,
    Role,
    SignatureAlgorithm,
    create_partial_signature,
    decrypt_alone,
    own_private_key,
    parse_partial_signature,
)
from mpc.four_prime_rsa.certification import certify_modulus
from tests.mpc.parties import RANDOM, Decrypters, Signers
from tests.mpc.refusals import blamed, wrong_purpose

OAEP = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, b"label")


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_signs_as_any_rsa_key_does(signers: Signers, algorithm: SignatureAlgorithm) -> None:
    """And ``PublicShare.to_cryptography`` verifies it."""
    key = own_private_key(signers.client)
    padding, hashing = algorithm.to_cryptography_padding(), algorithm.hash.to_cryptography()
    signature = key.sign(b"request", padding, hashing)
    public = signers.client.public.to_cryptography()
    public.verify(signature, b"request", padding, hashing)
    assert public.public_numbers() == rsa.RSAPublicNumbers(65537, signers.client.public.modulus)


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_signature_alone_is_no_partial_and_the_reverse(signers: Signers, algorithm: SignatureAlgorithm) -> None:
    """Over the same digest, by the same algorithm."""
    document = b"document"
    message = signers.message(algorithm, algorithm.hash.digest(document))
    padding, hashing = algorithm.to_cryptography_padding(), algorithm.hash.to_cryptography()
    alone = own_private_key(signers.client).sign(document, padding, hashing)
    with blamed(Role.CLIENT, "PARTIAL_SIGNATURE_INVALID"):
        parse_partial_signature(message, Role.CLIENT, alone)
    partial = create_partial_signature(signers.client, message, Gmpy2Engine(), RANDOM).to_bytes()
    with pytest.raises(InvalidSignature):
        signers.client.public.to_cryptography().verify(partial, document, padding, hashing)


def test_root_of_a_certification_is_no_signature(signers: Signers) -> None:
    """It is a root of a hash that no padding has."""
    algorithm = SignatureAlgorithm.PSS_SHA256
    for root in certify_modulus(signers.client, b"context", Gmpy2Engine(), RANDOM):
        with pytest.raises(InvalidSignature):
            signers.client.public.to_cryptography().verify(
                root, b"context", algorithm.to_cryptography_padding(), algorithm.hash.to_cryptography()
            )


def test_what_decrypts_does_not_sign(signers: Signers, decrypters: Decrypters) -> None:
    """Nor the reverse, even where no type checker looks."""
    not_signing: Any = decrypters.client
    with wrong_purpose():
        own_private_key(not_signing)
    not_decrypting: Any = signers.client
    with wrong_purpose():
        decrypt_alone(not_decrypting, bytes(256), OAEP)
    assert signers.client.purpose is Purpose.SIGN


def test_decrypts_what_any_software_encrypts(decrypters: Decrypters) -> None:
    """Empty and longest plaintext too."""
    public = decrypters.server.public.to_cryptography()
    for plaintext in (b"", b"secret", bytes(256 - 66)):
        ciphertext = public.encrypt(plaintext, OAEP.to_cryptography_padding())
        assert decrypt_alone(decrypters.server, ciphertext, OAEP) == plaintext


def test_ciphertext_without_its_leading_zero(decrypters: Decrypters) -> None:
    """The same number in one byte less: there is one encoding of each."""
    public = decrypters.server.public.to_cryptography()
    ciphertext = b"\x01"
    while ciphertext[0]:  # one in 256 begins with a zero
        ciphertext = public.encrypt(b"secret", OAEP.to_cryptography_padding())
    assert decrypt_alone(decrypters.server, ciphertext, OAEP) == b"secret"
    with pytest.raises(DecryptionFailed):
        decrypt_alone(decrypters.server, ciphertext[1:], OAEP)


def test_one_answer_to_every_failure(decrypters: Decrypters) -> None:
    """Same type, reason, text and metadata; and no cause to look at."""
    public = decrypters.server.public
    good = public.to_cryptography().encrypt(b"secret", OAEP.to_cryptography_padding())
    other_label = OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, b"other")
    flipped = bytes([*good[:-1], good[-1] ^ 1])
    cases = [
        *((data, OAEP) for data in (b"", good[1:], b"\x00" + good, good + b"\x00", flipped, bytes(256), b"\xff" * 256)),
        (secrets.token_bytes(256), OAEP),
        ((public.modulus + 1).to_bytes(256, "big"), OAEP),
        (good, other_label),
        (good, OaepParameters(HashAlgorithm.SHA512, HashAlgorithm.SHA512, b"label")),
    ]
    answers = set()
    for data, parameters in cases:
        with pytest.raises(FoursealError) as caught:
            decrypt_alone(decrypters.server, data, parameters)
        assert caught.value.__cause__ is None
        answers.add((type(caught.value), caught.value.reason, str(caught.value), str(caught.value.metadata)))
    assert len(answers) == 1
    assert next(iter(answers))[0] is DecryptionFailed
