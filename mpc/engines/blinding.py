"""Base blinding: what an engine exponentiates is base * r^e, for a random r that the base's sender does not know."""

from __future__ import annotations

from typing import Final

import gmpy2
from gmpy2 import mpz

from mpc.engines.interface import Random
from mpc.errors import FaultDetected
from mpc.secret import Secret

_EXTRA_RANDOM_BYTES: Final = 16  # a number that is 128 bits too long, reduced: uniform but for 2^-128
_USES_OF_A_PAIR: Final = 32


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


class BlindingPairs(Secret):
    """Pairs (r^e, r^-1) for one key, each squared for the next use: a tenth of the cost of a fresh one.

    A pair serves 32 operations, as in OpenSSL and BoringSSL, and no two threads at a time. To whoever does not know r,
    each r^(e 2^i) by itself is as good as random but for being a square, which says no more of the base than its
    Jacobi symbols do; what 32 uses have in common is one unknown r, not a known relation of their bases to it.
    Where the exponentiation itself takes the same time for all bases, as here, blinding is the second wall.
    """

    __slots__ = ("_idle", "_modulus", "_public_exponent")

    def __init__(self, modulus: int, public_exponent: int) -> None:
        self._modulus = mpz(modulus)
        self._public_exponent = mpz(public_exponent)
        self._idle: list[tuple[mpz, mpz, int]] = []

    def take(self, random: Random) -> tuple[mpz, mpz]:
        """Return a pair that was not used before.

        Raises:
            FaultDetected: as ``fresh_blinding``.
        """
        modulus = self._modulus
        try:
            blind, unblind, uses = self._idle.pop()  # of two threads one gets it
        except IndexError:
            blind, unblind = fresh_blinding(modulus, self._public_exponent, random)
            uses = _USES_OF_A_PAIR
        if uses > 1:
            self._idle.append((blind * blind % modulus, unblind * unblind % modulus, uses - 1))
        return blind, unblind
