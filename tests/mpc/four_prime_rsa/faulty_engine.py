"""The default engine with a fault that a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from mpc.engines import CrtPrivateKey, Exponentiation, Random
from tests.mpc.parties import ENGINE

ALTERED_NUMBERS: Final = ("exponent_p", "exponent_q", "q_inverse")
ALTERED_RESULTS: Final[dict[str, Callable[[int, int], int]]] = {
    "lowest bit": lambda result, _: result ^ 1,
    "bit 1000": lambda result, _: result ^ 1 << 1000,
    "highest bit": lambda result, _: result ^ 1 << 2047,
    "not reduced": lambda result, modulus: result + modulus,
    "negative": lambda result, modulus: result - modulus,
    "zero": lambda *_: 0,
    "the modulus": lambda _, modulus: modulus,
}


@dataclass
class FaultyEngine:
    """The default engine with a fault: in a number of the key while it works, or in the result."""

    fault: str
    made: list[int] = field(default_factory=list)
    name: str = "faulty"

    width = 1

    def exponentiate(self, operations: Sequence[Exponentiation], random: Random) -> list[int]:
        """See ``Engine.exponentiate``."""
        results = [self._exponentiate(key, base, random) for key, base in operations]
        self.made += results
        return results

    def _exponentiate(self, key: CrtPrivateKey, base: int, random: Random) -> int:
        numbers = {name: getattr(key, name) for name in CrtPrivateKey.__slots__ if name != "_prepared"}
        if self.fault in ALTERED_NUMBERS:
            numbers[self.fault] ^= 4
        (result,) = ENGINE.exponentiate([(CrtPrivateKey(**numbers), base)], random)
        return ALTERED_RESULTS[self.fault](result, key.modulus) if self.fault in ALTERED_RESULTS else result
