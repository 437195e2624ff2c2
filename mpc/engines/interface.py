"""What an engine is given, and what it must promise.

An engine raises a number to a secret exponent modulo p*q. It promises that its running time does not depend on the
exponent, and depends on the base only through a blinding factor that the base's sender does not know. It does not
promise that the result is right: every caller checks the result against the public share
(``mpc.four_prime_rsa.partials``), whatever engine made it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from mpc.secret import Secret

Random = Callable[[int], bytes]
"""Source of randomness: takes a number of bytes, returns that many from a cryptographic generator."""


P = TypeVar("P", bound=Secret)


class CrtPrivateKey(Secret):
    """An RSA exponentiation in CRT form (RFC 8017 section 3.2), all numbers positive.

    ``exponent_p``, ``exponent_q`` are the secret exponent mod p - 1 and mod q - 1; ``q_inverse`` is q^-1 mod p.
    ``public_exponent`` undoes the secret one: ``(x ** secret) ** public = x`` modulo ``modulus`` = p*q.

    Security: never leaves the party that holds it, and never reaches a log. It is no dataclass: ``asdict`` and the
    printers of several libraries would show its fields.
    """

    __slots__ = ("_prepared", "exponent_p", "exponent_q", "modulus", "p", "public_exponent", "q", "q_inverse")

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
        self._prepared: dict[Callable[[CrtPrivateKey], Any], Any] = {}

    def prepared(self, prepare: Callable[[CrtPrivateKey], P]) -> P:
        """What an engine makes of this key once, to use it many times.

        It lives exactly as long as this object: whoever keeps keys open in bounded number (custody) bounds it, and a
        share that is erased takes it along at once. What is prepared wipes itself when its last reference goes; an
        operation that is under way holds one.

        Args:
            prepare: makes it. Two threads may do so at the same time; one result is kept.
        """
        made = self._prepared.get(prepare)
        if made is None:
            made = self._prepared[prepare] = prepare(self)
        return made

    def _public_summary(self) -> str:
        return f"bits={self.modulus.bit_length()}"


K_contra = TypeVar("K_contra", contravariant=True)

Exponentiation = tuple[CrtPrivateKey, int]
"""A key, and the base that is raised to its secret exponent: 0 <= base < key.modulus. It may come from an attacker."""


class Exponentiator(Protocol[K_contra]):
    """Does private exponentiations with one sort of keys. Safe to use from several threads at once."""

    @property
    def name(self) -> str:
        """Short name for configuration, doctor and bench."""

    @property
    def width(self) -> int:
        """How many exponentiations, of different keys, take it hardly longer than one. 1: it does one at a time."""

    def exponentiate(self, operations: Sequence[tuple[K_contra, int]], random: Random) -> list[int]:
        """Return each base to its key's secret exponent, mod the key's modulus, in the order of ``operations``.

        Args:
            operations: any number of them, with any keys.
            random: randomness for the blinding.

        Results are not checked here; a fault can make one wrong.

        Raises:
            FaultDetected: one of them could not be done; none is returned.
        """


Engine = Exponentiator[CrtPrivateKey]
"""Does them with keys that it is shown. Who does not see the keys (a token) does them by name."""
