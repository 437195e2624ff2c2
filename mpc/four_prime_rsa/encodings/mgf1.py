"""MGF1 (RFC 8017 appendix B.2.1)."""

from __future__ import annotations

from mpc.four_prime_rsa.algorithms import HashAlgorithm


def mgf1(seed: bytes, length: int, hash_algorithm: HashAlgorithm) -> bytes:
    """Stretch ``seed`` to a mask of ``length`` bytes (below 2^32 digests: every caller asks for at most N's length)."""
    started = hash_algorithm.new()
    started.update(seed)
    blocks = []
    for counter in range(-(-length // hash_algorithm.digest_size)):
        block = started.copy()
        block.update(counter.to_bytes(4, "big"))
        blocks.append(block.digest())
    return b"".join(blocks)[:length]


def xor(left: bytes, right: bytes) -> bytes:
    """Exclusive or of two strings of the same length."""
    size = len(left)
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(size, "big")
