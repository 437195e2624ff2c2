"""Blinding pairs that are squared instead of drawn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mpc.engines.blinding import BlindingPairs
from tests.mpc.engines.keys import make_key
from tests.mpc.parties import RANDOM


@pytest.mark.parametrize("threads", [1, 4])
def test_every_pair_holds_and_is_used_once(threads: int) -> None:
    """Blind = r^e and unblind = 1/r, so blind * unblind^e = 1; a new r at least every 32 uses."""
    key = make_key(1024)
    drawn: list[int] = []

    def random(size: int) -> bytes:
        drawn.append(size)
        return RANDOM(size)

    pairs = BlindingPairs(key.modulus, key.public_exponent)
    with ThreadPoolExecutor(threads) as pool:
        taken = list(pool.map(lambda _: pairs.take(random), range(32 * 5)))
    assert {int(blind * pow(unblind, 65537, key.modulus) % key.modulus) for blind, unblind in taken} == {1}
    assert len({int(blind) for blind, _ in taken}) == len(taken)
    assert len(drawn) >= 5
    if threads == 1:
        assert drawn == [128 + 16] * 5
