"""A prover of its own making: it certifies whatever modulus it is given, as well as that can be done.

Written from docs/protocol.md and the paper alone (Goldberg, Reyzin, Sagga, Baldimtsi, ePrint 2018/057), so that it also
checks what the project's prover and verifier understand by a challenge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import Final

import gmpy2

from mpc.four_prime_rsa import Purpose, Role

E: Final = 65537


@dataclass(frozen=True)
class Prover:
    """Somebody who knows how a modulus is made.

    Args:
        powers: its prime powers, as (prime, exponent).
        role: whom the prover says it is.
        purpose: what the share is said to be for.
        context: what the proof is bound to.
    """

    powers: Sequence[tuple[int, int]]
    role: Role
    purpose: Purpose
    context: bytes

    @property
    def modulus(self) -> int:
        """The product of the prime powers."""
        return prod(prime**exponent for prime, exponent in self.powers)

    @property
    def exponents(self) -> list[int]:
        """Of the nine roots: e N eight times, then e."""
        return [E * self.modulus] * 8 + [E]

    def challenge(self, index: int) -> tuple[int, int]:
        """The number whose root is asked for, and how often the hash had to be tried."""
        modulus = self.modulus.to_bytes(256, "big")
        attempt = 0
        while True:
            fields = (modulus, _u32(E), _u32(index), _u32(attempt))
            seed = _hash(self.context, self.role.encode(), self.purpose.encode(), *fields)
            mask = b"".join(hashlib.sha256(seed + _u32(counter)).digest() for counter in range(8))
            if 0 < (candidate := int.from_bytes(mask, "big")) < self.modulus:
                return candidate, attempt
            attempt += 1

    def root(self, number: int, exponent: int) -> int:
        """A root of ``number`` where there is one; otherwise some number."""
        residues = []
        for prime, power in self.powers:
            order = prime ** (power - 1) * (prime - 1)
            common = gcd(order, exponent)
            smaller = order // common  # the powers make a subgroup of that order; inside it roots can be taken
            step = int(gmpy2.invert(exponent, smaller)) if gcd(exponent, smaller) == 1 else 1
            residues.append(int(gmpy2.powmod(number, step, prime**power)))
        return self._joined(residues)

    def prove(self) -> list[bytes]:
        """The nine roots, as well as they can be had."""
        roots = [self.root(self.challenge(index)[0], exponent) for index, exponent in enumerate(self.exponents)]
        return [root.to_bytes(256, "big") for root in roots]

    def found(self) -> list[bool]:
        """For each of the nine, whether there was a root."""
        return [
            gmpy2.powmod(int.from_bytes(root, "big"), exponent, self.modulus) == self.challenge(index)[0]
            for index, (root, exponent) in enumerate(zip(self.prove(), self.exponents, strict=True))
        ]

    def _joined(self, residues: Sequence[int]) -> int:
        total = 0
        for residue, (prime, power) in zip(residues, self.powers, strict=True):
            rest = self.modulus // prime**power
            total += residue * rest * int(gmpy2.invert(rest, prime**power))
        return total % self.modulus


def _hash(*fields: bytes) -> bytes:
    domain = b"fourseal/v1/certification"
    return hashlib.sha256(b"".join(_u32(len(field)) + field for field in (domain, *fields))).digest()


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "big")
