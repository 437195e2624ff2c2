"""To OpenSSL, ``cryptography`` and Node, a joint key is an RSA key like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from mpc.four_prime_rsa import HashAlgorithm, JointPublicKey, OaepParameters, SignatureAlgorithm
from tests.mpc.interop import node
from tests.mpc.interop.openssl import PublicKey
from tests.mpc.parties import Decrypters, Signers

DOCUMENT = b"I sell you my bicycle for 120 euros."
OTHER_DOCUMENT = b"I sell you my bicycle for 12 euros."
LABELS = (b"", b"label", bytes(1024))
PARAMETERS = [OaepParameters(one, two, label) for one in HashAlgorithm for two in HashAlgorithm for label in LABELS]
PLAINTEXTS = [b"", b"The key is under the mat."]


def openssl_key(key: JointPublicKey, folder: Path) -> PublicKey:
    """Write the key to a file, as a user exports it."""
    path = folder / "public.pem"
    path.write_bytes(key.to_cryptography().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return PublicKey(path, folder)


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_openssl_verifies(algorithm: SignatureAlgorithm, sized_signers: Signers, tmp_path: Path) -> None:
    """The document, and no other."""
    signature = sized_signers.sign(sized_signers.message(algorithm, algorithm.hash.digest(DOCUMENT)))
    key = openssl_key(sized_signers.key, tmp_path)
    assert key.verify(algorithm, DOCUMENT, signature)
    assert not key.verify(algorithm, OTHER_DOCUMENT, signature)


@pytest.mark.parametrize("algorithm", SignatureAlgorithm)
def test_cryptography_verifies(algorithm: SignatureAlgorithm, sized_signers: Signers) -> None:
    """The document, and no other, under the exported key."""
    signature = sized_signers.sign(sized_signers.message(algorithm, algorithm.hash.digest(DOCUMENT)))
    key = load_der_public_key(sized_signers.key.to_der())
    assert isinstance(key, type(sized_signers.key.to_cryptography()))
    how = algorithm.to_cryptography_padding(), algorithm.hash.to_cryptography()
    key.verify(signature, DOCUMENT, *how)
    with pytest.raises(InvalidSignature):
        key.verify(signature, OTHER_DOCUMENT, *how)


def test_node_verifies(sized_signers: Signers) -> None:
    """By all algorithms; the document, and no other."""
    signatures = [
        (algorithm, sized_signers.sign(sized_signers.message(algorithm, algorithm.hash.digest(DOCUMENT))))
        for algorithm in SignatureAlgorithm
    ]
    assert node.verify(sized_signers.key, DOCUMENT, signatures) == [True] * 6
    assert node.verify(sized_signers.key, OTHER_DOCUMENT, signatures) == [False] * 6


@pytest.mark.parametrize("parameters", PARAMETERS, ids=lambda each: f"{each.hash}-{each.mgf_hash}-{len(each.label)}")
def test_ciphertext_of_openssl_is_decrypted(parameters: OaepParameters, decrypters: Decrypters, tmp_path: Path) -> None:
    """Every pair of hashes, without and with a label."""
    key = openssl_key(decrypters.key, tmp_path)
    for plaintext in PLAINTEXTS:
        assert decrypters.decrypt(key.encrypt(parameters, plaintext), parameters) == plaintext


@pytest.mark.parametrize("parameters", PARAMETERS, ids=lambda each: f"{each.hash}-{each.mgf_hash}-{len(each.label)}")
def test_ciphertext_of_cryptography_is_decrypted(parameters: OaepParameters, decrypters: Decrypters) -> None:
    """Every pair of hashes, without and with a label."""
    key = decrypters.key.to_cryptography()
    longest = b"\xa5" * parameters.max_plaintext_bytes(512)
    for plaintext in (*PLAINTEXTS, longest):
        ciphertext = key.encrypt(plaintext, parameters.to_cryptography_padding())
        assert decrypters.decrypt(ciphertext, parameters) == plaintext


def test_ciphertexts_of_node_are_decrypted(decrypters: Decrypters) -> None:
    """Every hash, which is that of MGF1 too, without and with a label."""
    parameters = [each for each in PARAMETERS if each.hash is each.mgf_hash]
    for plaintext in PLAINTEXTS:
        ciphertexts = node.encrypt(decrypters.key, plaintext, parameters)
        opened = [decrypters.decrypt(data, each) for data, each in zip(ciphertexts, parameters, strict=True)]
        assert opened == [plaintext] * 9
