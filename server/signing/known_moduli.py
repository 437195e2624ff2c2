"""Finds clients whose random generators repeat themselves: their moduli share primes with others'."""

from __future__ import annotations

from collections.abc import Iterable

import gmpy2
from gmpy2 import mpz

from mpc.errors import PeerMisbehaved
from mpc.four_prime_rsa import PublicShare


def require_unshared(share: PublicShare, known_moduli: Iterable[int]) -> None:
    """Refuse a new public share that has a prime in common with any modulus known before.

    One product modulo the new modulus, and one gcd: linear in the number of moduli, some microseconds each, in constant
    memory. It is the one step of a generation whose cost grows with the keys stored. Two keys finished at the same time
    may miss each other; ``fourseal-server audit`` compares all with all.

    Raises:
        PeerMisbehaved: MODULUS_SHARES_PRIME; the share's party is to blame.
    """
    modulus = mpz(share.modulus)
    product = mpz(1)
    for known in known_moduli:
        product = product * known % modulus
    if gmpy2.gcd(product, modulus) != 1:
        raise PeerMisbehaved(
            "MODULUS_SHARES_PRIME",
            f"the {share.role} modulus shares a prime with one that was known before",
            culprit=share.role,
        )
