"""EMSA-PSS (RFC 8017 section 9.1.1), MGF1 with the message's hash.

Verifying needs no secret and is left to libraries (``JointPublicKey.to_cryptography``).
"""

from __future__ import annotations

from mpc.four_prime_rsa.algorithms import HashAlgorithm
from mpc.four_prime_rsa.encodings.mgf1 import mgf1, xor


def encode(digest: bytes, salt: bytes, hash_algorithm: HashAlgorithm, em_bits: int) -> bytes:
    """Encode a digest.

    Args:
        digest: mHash, of the hash's length.
        salt: any length that leaves room; the caller fixes it to the hash's length.
        hash_algorithm: hash of M' and of MGF1.
        em_bits: one less than the bits of the modulus; at least 8 hLen + 8 sLen + 9.

    Returns:
        EM, ceil(em_bits / 8) bytes, a number below 2^em_bits.
    """
    em_length = (em_bits + 7) // 8
    started = hash_algorithm.new()
    started.update(bytes(8) + digest + salt)  # steps 5, 6: H = Hash(M')
    h = started.digest()
    db_length = em_length - len(h) - 1
    db = bytes(db_length - len(salt) - 1) + b"\x01" + salt  # steps 7, 8
    masked_db = bytearray(xor(db, mgf1(h, db_length, hash_algorithm)))  # steps 9, 10
    masked_db[0] &= 0xFF >> (8 * em_length - em_bits)  # step 11
    return bytes(masked_db) + h + b"\xbc"
