"""Base blinding: what an engine exponentiates is base * r^e, for a random r that the base's sender does not know."""

from __future__ import annotations

from typing import Final

import gmpy2
from gmpy2 import mpz

from mpc.engines.interface import Random
from mpc.errors import FaultDetected

_EXTRA_RANDOM_BYTES: Final = 16  # a number that is 128 bits too long, reduced: uniform but for 2^-128


def fresh_blinding(modulus: mpz, public_exponent: mpz, random: Random) -> tuple[mpz, mpz]:
    """Return (r^e, r^-1) mod N for a fresh random r; to be used once and forgotten.

    Raises:
        FaultDetected: r is 0 or shares a factor with N: never by chance.
    """
    size = (modulus.bit_length() + 7) // 8 + _EXTRA_RANDOM_BYTES
    r = mpz(int.from_bytes(random(size), "big")) % modulus
    try:
        return gmpy2.powmod(r, public_exponent, modulus), gmpy2.invert(r, modulus)
    except ZeroDivisionError:
        raise FaultDetected("randomness") from None
