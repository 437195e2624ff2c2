"""EMSA-PKCS1-v1_5 (RFC 8017 section 9.2)."""

from __future__ import annotations

from typing import Final

from mpc.four_prime_rsa.algorithms import HashAlgorithm

# DER of DigestInfo up to the digest itself: RFC 8017 section 9.2, note 1.
_DIGEST_INFO: Final = {
    HashAlgorithm.SHA256: bytes.fromhex("3031300d060960864801650304020105000420"),
    HashAlgorithm.SHA384: bytes.fromhex("3041300d060960864801650304020205000430"),
    HashAlgorithm.SHA512: bytes.fromhex("3051300d060960864801650304020305000440"),
}


def encode(digest: bytes, hash_algorithm: HashAlgorithm, em_length: int) -> bytes:
    """Encode a digest of the hash's length into ``em_length`` bytes: 00 01 FF..FF 00 DigestInfo."""
    digest_info = _DIGEST_INFO[hash_algorithm] + digest
    return b"\x00\x01" + b"\xff" * (em_length - len(digest_info) - 3) + b"\x00" + digest_info
