"""The engine of Intel's multi-buffer library: eight exponentiations, with eight keys, at once.

What does not go together, or too few of it, another engine does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from mpc.engines.interface import CrtPrivateKey, Engine, Exponentiation, Random
from mpc.engines.multi_buffer import ENGINE, LANES, Library, MultiBufferKey

_LEAST_TOGETHER: Final = {2048: 3, 3072: 4, 4096: 3}
"""By bits of the modulus, the fewest that go together: eight then cost less than these one by one with libcrypto
(measured; see ``bench --only engine``)."""


class CryptoMbEngine:
    """``mbx_rsa_private_crt_mb8``, with our blinding around it (``BlindingPairs``).

    Args:
        other: does what does not go together.

    Raises:
        EngineUnavailable: see ``multi_buffer.Library``.
    """

    name = ENGINE
    width = LANES

    def __init__(self, other: Engine) -> None:
        self._library = Library()
        self._other = other

    def exponentiate(self, operations: Sequence[Exponentiation], random: Random) -> list[int]:
        """See ``Engine.exponentiate``."""
        of_size: dict[int, list[int]] = defaultdict(list)
        for index, (key, _) in enumerate(operations):
            of_size[_size_together(key)].append(index)
        results = [0] * len(operations)
        for bits, indices in of_size.items():
            for start in range(0, len(indices), LANES):
                group = indices[start : start + LANES]
                done = self._do([operations[index] for index in group], bits, random)
                for index, result in zip(group, done, strict=True):
                    results[index] = result
        return results

    def _do(self, operations: Sequence[Exponentiation], bits: int, random: Random) -> list[int]:
        """At most eight, of one size; 0: of sizes that do not go together."""
        if not bits or len(operations) < _LEAST_TOGETHER[bits]:
            return self._other.exponentiate(operations, random)
        keys = [key.prepared(MultiBufferKey) for key, _ in operations]
        blindings = [key.blinding.take(random) for key in keys]
        blinded = [
            int(base * blind % key.modulus) for (key, base), (blind, _) in zip(operations, blindings, strict=True)
        ]
        results = self._library.exponentiate(bits, keys, blinded)
        return [
            int(result * unblind % key.modulus)
            for result, (key, _), (_, unblind) in zip(results, operations, blindings, strict=True)
        ]


def _size_together(key: CrtPrivateKey) -> int:
    """The size of the keys that this one goes together with; 0: none."""
    bits = key.modulus.bit_length()
    fits = bits in _LEAST_TOGETHER and 2 * key.p.bit_length() == 2 * key.q.bit_length() == bits
    return bits if fits else 0
