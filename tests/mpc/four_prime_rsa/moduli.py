"""Moduli with one thing wrong, and the primes to make them of. Every other rule is kept, as far as that can be."""

from __future__ import annotations

import secrets
from math import prod
from typing import Final

import gmpy2

HALF_BITS: Final = 2048
PRIME_BITS: Final = 1024


def random_prime(bits: int = PRIME_BITS) -> int:
    """Return a prime of so many bits, near enough to the top that two to four of them make a modulus of full length."""
    return int(gmpy2.next_prime(secrets.randbits(bits) | 31 << (bits - 5)))


def prime_one_above_a_multiple(factor: int, bits: int = PRIME_BITS) -> int:
    """Return a prime p with ``factor`` dividing p - 1."""
    step = 2 * factor
    candidate = random_prime(bits) // step * step + 1
    while not gmpy2.is_prime(candidate):
        candidate += step
    return candidate


def good() -> int:
    """Two random primes."""
    return random_prime() * random_prime()


def prime() -> int:
    """One prime."""
    return random_prime(HALF_BITS)


def power(exponent: int) -> int:
    """The power of a prime."""
    return int(random_prime(HALF_BITS // exponent) ** exponent)


def power_of_a_composite() -> int:
    """The square of a product of two primes."""
    return (random_prime(HALF_BITS // 4) * random_prime(HALF_BITS // 4)) ** 2


def with_factor(factor: int) -> int:
    """The product of ``factor`` and a prime."""
    return factor * int(gmpy2.next_prime(((1 << HALF_BITS) - secrets.randbits(HALF_BITS - 5)) // factor))


def roca() -> int:
    """Two primes of the faulty generator: k M + (65537^a mod M), M the product of the first 126 primes.

    Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, section 2: that M is the one for primes of 1024 bits.
    """
    product = int(gmpy2.primorial(701))  # 701 is the 126th prime
    primes: list[int] = []
    while len(primes) < 2:
        multiple = (31 << (PRIME_BITS - 5)) // product + secrets.randbits(40)
        candidate = multiple * product + int(gmpy2.powmod(65537, secrets.randbits(256), product))
        if gmpy2.is_prime(candidate):
            primes.append(candidate)
    return prod(primes)


def of_primes_apart(distance: int) -> int:
    """Two primes with at least ``distance`` between them, and hardly more."""
    lower = random_prime()
    return lower * int(gmpy2.next_prime(lower + distance))


def short() -> int:
    """Two primes whose product has all its bits, and a square that is one bit short."""
    least = 3 << (PRIME_BITS - 2)  # 0.75: the product is from 0.5625 to 0.61 of 2^2048, below 0.7071
    return prod(int(gmpy2.next_prime(least + secrets.randbits(PRIME_BITS - 5))) for _ in range(2))


def even() -> int:
    """Twice a prime."""
    return with_factor(2)


def as_bytes(modulus: int) -> bytes:
    """The modulus as it is sent."""
    return modulus.to_bytes(HALF_BITS // 8, "big")
