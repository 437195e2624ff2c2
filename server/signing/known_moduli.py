"""Finds clients whose random generators repeat themselves: their moduli share primes with others'."""

from __future__ import annotations

from collections.abc import Iterable

from mpc.errors import PeerMisbehaved
from mpc.four_prime_rsa import PublicShare, shares_factor


def require_unshared(share: PublicShare, known_moduli: Iterable[int]) -> None:
    """Refuse a new public share that has a prime in common with any modulus known before.

    It is the one step of a generation whose cost grows with the keys stored. Two keys finished at the same time may
    miss each other; ``fourseal-server audit`` compares all with all.

    Raises:
        PeerMisbehaved: MODULUS_SHARES_PRIME; the share's party is to blame.
    """
    if shares_factor(share.modulus, known_moduli):
        raise PeerMisbehaved(
            "MODULUS_SHARES_PRIME",
            f"the {share.role} modulus shares a prime with one that was known before",
            culprit=share.role,
        )
