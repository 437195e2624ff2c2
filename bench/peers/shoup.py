"""Threshold RSA by V. Shoup (Practical Threshold Signatures, EUROCRYPT 2000, section 3), for two parties of two.

A dealer shares the secret exponent by a polynomial of degree 1; each party raises the message to its share, over the
whole modulus and without CRT, for who knew the primes would know the key. The primes are not safe ones: that matters to
Shoup's proofs of correct shares, which are left out in favour of this measure, and not to the time of what is measured.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from math import lcm

import gmpy2
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers, generate_private_key
from gmpy2 import mpz

from mpc.four_prime_rsa import PUBLIC_EXPONENT, SignatureAlgorithm
from mpc.four_prime_rsa.encodings import pss

PARTIES = 2
_DELTA = 2  # PARTIES factorial
_EXPONENTS = (4, -2)  # delta times the Lagrange coefficients of parties 1 and 2 at 0


@dataclass(frozen=True, slots=True, eq=False)
class ShoupKey:
    """A key and both its shares in one hand.

    Args:
        modulus: of two primes.
        shares: f(1) and f(2), for f(0) the secret exponent; of the size of the modulus.
    """

    modulus: mpz
    shares: tuple[mpz, mpz]

    @property
    def public_numbers(self) -> RSAPublicNumbers:
        """For a verifier: an ordinary RSA key."""
        return RSAPublicNumbers(PUBLIC_EXPONENT, int(self.modulus))


def deal(bits: int) -> ShoupKey:
    """The dealer's work."""
    numbers = generate_private_key(PUBLIC_EXPONENT, bits).private_numbers()
    order = lcm(numbers.p - 1, numbers.q - 1)
    secret, slope = pow(PUBLIC_EXPONENT, -1, order), secrets.randbelow(order)
    first, second = ((secret + slope * party) % order for party in (1, 2))
    return ShoupKey(mpz(numbers.p * numbers.q), (mpz(first), mpz(second)))


def partial(key: ShoupKey, party: int, message: mpz) -> mpz:
    """The share of a signature, of party 0 or 1: one exponentiation of full length, in constant time."""
    return gmpy2.powmod_sec(message, 2 * _DELTA * key.shares[party], key.modulus)


def combine(key: ShoupKey, message: mpz, partials: tuple[mpz, mpz]) -> mpz:
    """The signature: w = x^(4 delta^2 d) from both shares, then the root of it by Euclid. It is checked."""
    modulus = key.modulus
    joined = mpz(1)
    for share, exponent in zip(partials, _EXPONENTS, strict=True):
        joined = joined * gmpy2.powmod(share, 2 * exponent, modulus) % modulus
    _, a, b = gmpy2.gcdext((2 * _DELTA) ** 2, PUBLIC_EXPONENT)
    signature = gmpy2.powmod(joined, a, modulus) * gmpy2.powmod(message, b, modulus) % modulus
    if gmpy2.powmod(signature, PUBLIC_EXPONENT, modulus) != message:
        raise ValueError("the shares do not give a signature")
    return signature


def signing(key: ShoupKey, algorithm: SignatureAlgorithm) -> Callable[[], tuple[bytes, bytes]]:
    """All that both parties do for one PSS signature of a fresh digest; returns digest and signature."""
    bits = key.modulus.bit_length()

    def sign() -> tuple[bytes, bytes]:
        digest, salt = secrets.token_bytes(algorithm.hash.digest_size), secrets.token_bytes(algorithm.salt_length)
        message = mpz(int.from_bytes(pss.encode(digest, salt, algorithm.hash, bits - 1), "big"))
        signature = combine(key, message, (partial(key, 0, message), partial(key, 1, message)))
        return digest, int(signature).to_bytes((bits + 7) // 8, "big")

    return sign
