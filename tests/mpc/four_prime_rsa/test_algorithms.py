"""The algorithms there are, and their names elsewhere."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import padding

from mpc.four_prime_rsa import HashAlgorithm, OaepParameters, SignatureAlgorithm, SignaturePadding
from mpc.four_prime_rsa.algorithms import MAX_LABEL_BYTES
from tests.mpc.refusals import malformed


@pytest.mark.parametrize("algorithm", HashAlgorithm)
def test_hashes_agree_with_the_library(algorithm: HashAlgorithm) -> None:
    """At once and in pieces, and by the same name and size in ``cryptography``."""
    started = algorithm.new()
    started.update(b"ab")
    started.update(b"c")
    expected = hashlib.new(str(algorithm), b"abc").digest()
    assert algorithm.digest(b"abc") == started.digest() == expected
    assert algorithm.digest_size == len(expected)
    foreign = algorithm.to_cryptography()
    assert (foreign.name, foreign.digest_size) == (str(algorithm), len(expected))


@pytest.mark.parametrize(
    ("algorithm", "hash_algorithm", "is_pss"),
    [
        ("rsa-pss-sha256", HashAlgorithm.SHA256, True),
        ("rsa-pss-sha384", HashAlgorithm.SHA384, True),
        ("rsa-pss-sha512", HashAlgorithm.SHA512, True),
        ("rsa-pkcs1-sha256", HashAlgorithm.SHA256, False),
        ("rsa-pkcs1-sha384", HashAlgorithm.SHA384, False),
        ("rsa-pkcs1-sha512", HashAlgorithm.SHA512, False),
    ],
)
def test_signature_algorithms(algorithm: str, hash_algorithm: HashAlgorithm, is_pss: bool) -> None:  # noqa: FBT001
    """PSS has a salt of the hash's length and the same hash in MGF1; PKCS#1 v1.5 has no salt."""
    found = SignatureAlgorithm(algorithm)
    assert found.hash is hash_algorithm
    assert found.padding is (SignaturePadding.PSS if is_pss else SignaturePadding.PKCS1)
    assert found.salt_length == (hash_algorithm.digest_size if is_pss else 0)
    foreign = found.to_cryptography_padding()
    assert isinstance(foreign, padding.PSS) == is_pss
    if isinstance(foreign, padding.PSS):
        assert foreign._salt_length == hash_algorithm.digest_size
        assert foreign.mgf._algorithm.name == str(hash_algorithm)


def test_there_are_no_others() -> None:
    """SHA-1 and short hashes are no choice."""
    assert len(SignatureAlgorithm) == 6
    assert set(HashAlgorithm) == {"sha256", "sha384", "sha512"}


@pytest.mark.parametrize("length", [0, 1, MAX_LABEL_BYTES])
def test_labels_up_to_a_kibibyte(length: int) -> None:
    """The longest among them."""
    assert len(OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, bytes(length)).label) == length


def test_longer_label_is_refused() -> None:
    """One byte more."""
    with malformed("LABEL_TOO_LONG"):
        OaepParameters(HashAlgorithm.SHA256, HashAlgorithm.SHA256, bytes(MAX_LABEL_BYTES + 1))


def test_longest_plaintext() -> None:
    """512 - 2 * 64 - 2 = 382, and the MGF hash does not matter."""
    assert OaepParameters(HashAlgorithm.SHA512, HashAlgorithm.SHA256).max_plaintext_bytes(512) == 382
