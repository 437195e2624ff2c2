"""Shared primes among many moduli are found, and nobody else is accused."""

from __future__ import annotations

from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpc.four_prime_rsa import find_shared_factors, shares_factor
from tests.mpc.four_prime_rsa import moduli
from tests.mpc.parties import Signers


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ([], []),
        ([15], []),
        ([15, 77], []),
        ([15, 77, 21], [0, 1, 2]),  # 3 | 15, 21 and 7 | 77, 21
        ([15, 77, 26, 39], [0, 2, 3]),  # 3 | 15, 39 and 13 | 26, 39
        ([35, 6, 143, 35], [0, 3]),  # the same twice
        ([35, 35, 35], [0, 1, 2]),
        ([4, 9, 2], [0, 2]),
    ],
)
def test_small_lists(numbers: list[int], found: list[int]) -> None:
    """Worked by hand."""
    assert find_shared_factors(numbers) == found


@given(st.lists(st.integers(2, 5000), max_size=40))
def test_agrees_with_comparing_every_pair(numbers: list[int]) -> None:
    """Any list, of any length."""
    expected = [
        index
        for index, number in enumerate(numbers)
        if any(gcd(number, other) != 1 for place, other in enumerate(numbers) if place != index)
    ]
    assert find_shared_factors(numbers) == expected
    for index, number in enumerate(numbers):
        assert shares_factor(number, [*numbers[:index], *numbers[index + 1 :]]) == (index in expected)


def test_one_shared_prime_among_real_moduli(signers: Signers) -> None:
    """Two clients with the same bad generator are found among honest ones."""
    shared = moduli.random_prime()
    honest = [signers.client.public.modulus, signers.server.public.modulus, moduli.good()]
    numbers = [honest[0], shared * moduli.random_prime(), *honest[1:], moduli.random_prime() * shared]
    assert find_shared_factors(numbers) == [1, 4]


@pytest.mark.parametrize("count", [1, 2, 5, 64])
def test_progress_rises_to_one(count: int) -> None:
    """From above 0 to exactly 1."""
    told: list[float] = []
    find_shared_factors([15] * count, told.append)
    assert told == sorted(told)
    assert 0 < told[0] <= told[-1] == 1.0
