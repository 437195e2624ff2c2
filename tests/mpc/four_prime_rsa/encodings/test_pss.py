"""EMSA-PSS against the vectors of NIST."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from hypothesis import given
from hypothesis import strategies as st

from mpc.four_prime_rsa import HashAlgorithm
from mpc.four_prime_rsa.encodings import pss
from tests.mpc.four_prime_rsa.encodings.vectors import SignatureVector, signature_vectors


def _encode(vector: SignatureVector) -> int:
    encoded = pss.encode(vector.digest, vector.salt, vector.hash, vector.modulus.bit_length() - 1)
    return int.from_bytes(encoded, "big")


def test_without_salt_equals_the_vectors_of_nist() -> None:
    """Moduli of 1024 to 4096 bits, 50 signatures by each hash."""
    vectors = signature_vectors("FIPS_186-2/SigGenPSS_186-3.rsp")
    assert [sum(vector.hash is algorithm for vector in vectors) for algorithm in HashAlgorithm] == [50, 50, 50]
    assert [vector for vector in vectors if _encode(vector) != vector.encoded] == []


def test_with_salt_holds_for_exactly_the_valid_vectors_of_nist() -> None:
    """Altered messages, signatures, exponents, hash positions and trailers do not match."""
    vectors = signature_vectors("FIPS_186-2/SigVerPSS_186-3.rsp")
    assert (len(vectors), sum(vector.valid for vector in vectors)) == (270, 45)
    assert all(len(vector.salt) == 10 for vector in vectors)
    assert [vector for vector in vectors if (_encode(vector) == vector.encoded) != vector.valid] == []


@pytest.fixture(scope="module")
def odd_sized_keys() -> list[rsa.RSAPrivateKey]:
    """Keys of 1025 to 1032 bits: every number of bits that EM can leave unused in its first byte."""
    return [rsa.generate_private_key(65537, bits) for bits in range(1025, 1033)]


@given(digest=st.binary(min_size=32, max_size=32), salt=st.binary(max_size=62), index=st.integers(0, 7))
def test_every_size_and_salt_is_verified_by_cryptography(
    odd_sized_keys: list[rsa.RSAPrivateKey], digest: bytes, salt: bytes, index: int
) -> None:
    """A raw RSA of EM is a signature; of EM with one bit altered, it is none."""
    numbers = odd_sized_keys[index].private_numbers()
    modulus, bits = numbers.public_numbers.n, 1024 + index
    encoded = pss.encode(digest, salt, HashAlgorithm.SHA256, bits)
    number = int.from_bytes(encoded, "big")
    assert len(encoded) == (bits + 7) // 8
    assert number.bit_length() <= bits
    public, sha256 = odd_sized_keys[index].public_key(), HashAlgorithm.SHA256.to_cryptography()
    scheme = padding.PSS(padding.MGF1(sha256), len(salt))
    prehashed = utils.Prehashed(sha256)
    public.verify(pow(number, numbers.d, modulus).to_bytes(129, "big"), digest, scheme, prehashed)
    with pytest.raises(InvalidSignature):
        public.verify(pow(number ^ 1 << 300, numbers.d, modulus).to_bytes(129, "big"), digest, scheme, prehashed)
