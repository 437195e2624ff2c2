"""The default engine: GMP's constant-time exponentiation, CRT, fresh base blinding, GIL released."""

from __future__ import annotations

from collections.abc import Sequence

import gmpy2
from gmpy2 import mpz

from mpc.engines.blinding import fresh_blinding
from mpc.engines.interface import CrtPrivateKey, Exponentiation, Random


class Gmpy2Engine:
    """``gmpy2.powmod_sec`` (GMP's ``mpz_powm_sec``) for p and q.

    ``mpz_powm_sec`` takes the same time and touches the same memory for all exponents and bases of one size. What
    stands around it does not: reduction mod p and q, inversion, the recombination. They work on a base that was
    multiplied by r^e for a fresh random r, so their time tells nothing of the base, and nothing that a sender of
    chosen bases could use against p and q (Kocher, CRYPTO 1996; Brumley and Boneh, USENIX Security 2003).
    """

    name = "gmpy2"
    width = 1

    def exponentiate(self, operations: Sequence[Exponentiation], random: Random) -> list[int]:
        """See ``Engine.exponentiate``."""
        return [_exponentiate(key, base, random) for key, base in operations]


def _exponentiate(key: CrtPrivateKey, base: int, random: Random) -> int:
    modulus = mpz(key.modulus)
    blind, unblind = fresh_blinding(modulus, mpz(key.public_exponent), random)
    p, q = mpz(key.p), mpz(key.q)
    blinded = base * blind % modulus
    base_p, exponent_p = blinded % p, mpz(key.exponent_p)
    base_q, exponent_q = blinded % q, mpz(key.exponent_q)
    with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):  # not around more: each operation releases it
        half_p = gmpy2.powmod_sec(base_p, exponent_p, p)
        half_q = gmpy2.powmod_sec(base_q, exponent_q, q)
    result = half_q + q * ((half_p - half_q) * key.q_inverse % p)  # Garner, RFC 8017 section 5.1.2
    return int(result * unblind % modulus)
