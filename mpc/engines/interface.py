"""What an engine is given, and what it must promise.

An engine raises a number to a secret exponent modulo p*q. It promises that its running time does not depend on the
exponent, and depends on the base only through a blinding factor that the base's sender does not know. It does not
promise that the result is right: every caller checks the result against the public share
(``mpc.four_prime_rsa.partials``), whatever engine made it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mpc.secret import Secret

Random = Callable[[int], bytes]
"""Source of randomness: takes a number of bytes, returns that many from a cryptographic generator."""


class CrtPrivateKey(Secret):
    """An RSA exponentiation in CRT form (RFC 8017 section 3.2), all numbers positive.

    ``exponent_p``, ``exponent_q`` are the secret exponent mod p - 1 and mod q - 1; ``q_inverse`` is q^-1 mod p.
    ``public_exponent`` undoes the secret one: ``(x ** secret) ** public = x`` modulo ``modulus`` = p*q.

    Security: never leaves the party that holds it, and never reaches a log. It is no dataclass: ``asdict`` and the
    printers of several libraries would show its fields.
    """

    __slots__ = ("exponent_p", "exponent_q", "modulus", "p", "public_exponent", "q", "q_inverse")

    def __init__(
        self, *, modulus: int, public_exponent: int, p: int, q: int, exponent_p: int, exponent_q: int, q_inverse: int
    ) -> None:
        """Take numbers that belong together; nothing is checked here."""
        self.modulus = modulus
        self.public_exponent = public_exponent
        self.p = p
        self.q = q
        self.exponent_p = exponent_p
        self.exponent_q = exponent_q
        self.q_inverse = q_inverse

    def _public_summary(self) -> str:
        return f"bits={self.modulus.bit_length()}"


class Engine(Protocol):
    """Does private exponentiations. Safe to use from several threads at once."""

    @property
    def name(self) -> str:
        """Short name for configuration, doctor and bench."""

    def exponentiate(self, key: CrtPrivateKey, base: int, random: Random) -> int:
        """Return ``base`` to the secret exponent, mod ``key.modulus``.

        Args:
            key: the secret exponent with its modulus.
            base: 0 <= base < key.modulus. May come from an attacker.
            random: randomness for the blinding.

        The result is not checked here; a fault can make it wrong.
        """
