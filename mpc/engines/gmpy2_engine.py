"""The default engine: GMP's constant-time exponentiation, CRT, fresh base blinding, GIL released."""

from __future__ import annotations

import gmpy2
from gmpy2 import mpz

from mpc.engines.interface import CrtPrivateKey, Random
from mpc.errors import FaultDetected

_EXTRA_RANDOM_BYTES = 16  # a number that is 128 bits too long, reduced: uniform but for 2^-128


class Gmpy2Engine:
    """``gmpy2.powmod_sec`` (GMP's ``mpz_powm_sec``) for p and q.

    ``mpz_powm_sec`` takes the same time and touches the same memory for all exponents and bases of one size. What
    stands around it does not: reduction mod p and q, inversion, the recombination. They work on a base that was
    multiplied by r^e for a fresh random r, so their time tells nothing of the base, and nothing that a sender of
    chosen bases could use against p and q (Kocher, CRYPTO 1996; Brumley and Boneh, USENIX Security 2003).
    """

    name = "gmpy2"

    def exponentiate(self, key: CrtPrivateKey, base: int, random: Random) -> int:
        """See ``Engine.exponentiate``."""
        modulus = mpz(key.modulus)
        blind, unblind = _fresh_blinding(modulus, mpz(key.public_exponent), random)
        p, q = mpz(key.p), mpz(key.q)
        blinded = base * blind % modulus
        base_p, exponent_p = blinded % p, mpz(key.exponent_p)
        base_q, exponent_q = blinded % q, mpz(key.exponent_q)
        with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):  # not around more: each operation releases it
            half_p = gmpy2.powmod_sec(base_p, exponent_p, p)
            half_q = gmpy2.powmod_sec(base_q, exponent_q, q)
        result = half_q + q * ((half_p - half_q) * key.q_inverse % p)  # Garner, RFC 8017 section 5.1.2
        return int(result * unblind % modulus)


def _fresh_blinding(modulus: mpz, public_exponent: mpz, random: Random) -> tuple[mpz, mpz]:
    """Return (r^e, r^-1) mod N for a fresh random r; used once and forgotten."""
    size = (modulus.bit_length() + 7) // 8 + _EXTRA_RANDOM_BYTES
    r = mpz(int.from_bytes(random(size), "big")) % modulus
    try:
        return gmpy2.powmod(r, public_exponent, modulus), gmpy2.invert(r, modulus)
    except ZeroDivisionError:  # r is 0 or shares a factor with N: never by chance
        raise FaultDetected("randomness") from None
