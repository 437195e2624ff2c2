"""EMSA-PKCS1-v1_5 against the vectors of NIST, and against the text of the RFC."""

from __future__ import annotations

import pytest

from mpc.four_prime_rsa import HashAlgorithm
from mpc.four_prime_rsa.encodings import pkcs1_v1_5
from tests.mpc.four_prime_rsa.encodings.vectors import SignatureVector, signature_vectors


def _encode(vector: SignatureVector) -> int:
    length = (vector.modulus.bit_length() + 7) // 8
    return int.from_bytes(pkcs1_v1_5.encode(vector.digest, vector.hash, length), "big")


def test_equals_the_vectors_of_nist() -> None:
    """Moduli of 1024 to 4096 bits, 50 signatures by each hash."""
    vectors = signature_vectors("FIPS_186-2/SigGen15_186-3.rsp")
    assert [sum(vector.hash is algorithm for vector in vectors) for algorithm in HashAlgorithm] == [50, 50, 50]
    assert [vector for vector in vectors if _encode(vector) != vector.encoded] == []


@pytest.mark.parametrize("length", [62, 512, 768, 1024])
def test_length_is_filled_with_ff(length: int) -> None:
    """00 01 FF..FF 00, 19 bytes of DigestInfo, 32 of digest: at least 8 bytes of FF at 62 (RFC 8017 section 9.2)."""
    encoded = pkcs1_v1_5.encode(bytes(32), HashAlgorithm.SHA256, length)
    assert len(encoded) == length
    assert encoded[:-52] == b"\x00\x01" + b"\xff" * (length - 54)
    assert encoded[-52] == 0
    assert length > 62 or encoded.count(b"\xff") == 8
