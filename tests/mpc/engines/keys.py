"""Keys of any form, and what their exponentiation must give."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from math import gcd, lcm

import gmpy2

from mpc.engines import CrtPrivateKey, Exponentiation


def make_key(bits: int, p_bits: int | None = None, public_exponent: int = 65537) -> CrtPrivateKey:
    """A key of exactly so many bits, the primes of half of them unless ``p_bits`` says otherwise."""
    while True:
        p, q = (_prime(size) for size in (p_bits or bits // 2, bits - (p_bits or bits // 2)))
        order = lcm(p - 1, q - 1)
        if p != q and gcd(public_exponent, order) == 1:
            break
    return CrtPrivateKey(
        modulus=p * q,
        public_exponent=public_exponent,
        p=p,
        q=q,
        exponent_p=int(gmpy2.invert(public_exponent, p - 1)),
        exponent_q=int(gmpy2.invert(public_exponent, q - 1)),
        q_inverse=int(gmpy2.invert(q, p)),
    )


def power(key: CrtPrivateKey, base: int) -> int:
    """The base to the secret exponent, by Python's ``pow``."""
    secret_exponent = int(gmpy2.invert(key.public_exponent, lcm(key.p - 1, key.q - 1)))
    return pow(base, secret_exponent, key.modulus)


def held(operations: Sequence[Exponentiation], results: Sequence[int]) -> bool:
    """Whether the results are those of the operations: each is the one number that the public exponent makes the base.

    Much cheaper than ``power``.
    """
    return all(
        0 <= result < key.modulus and pow(result, key.public_exponent, key.modulus) == base
        for (key, base), result in zip(operations, results, strict=True)
    )


def _prime(bits: int) -> int:
    """A prime whose two highest bits are set: the product of two has exactly the sum of their bits."""
    return int(gmpy2.next_prime(secrets.randbits(bits) | 3 << (bits - 2)))
