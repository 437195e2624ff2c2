"""Which core does what."""

from __future__ import annotations

import os

import pytest

from bench.harness.cores import divide_cores, pinned_to


def test_last_core_is_measured() -> None:
    """The load generator has all the others."""
    cores = divide_cores({0, 1, 2})
    assert (cores.measured, cores.others, cores.all, cores.divided) == (2, (0, 1), (0, 1, 2), True)


def test_single_core_is_shared_and_says_so() -> None:
    """With one core the figures suffer, and the report tells."""
    cores = divide_cores({5})
    assert (cores.measured, cores.others, cores.divided) == (5, (5,), False)
    assert "there is no other" in cores.describe()


def test_pinning_ends_with_the_context() -> None:
    """The cores that there were are back, after an error too."""
    before = os.sched_getaffinity(0)

    def fail() -> None:
        with pinned_to({min(before)}):
            assert os.sched_getaffinity(0) == {min(before)}
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert os.sched_getaffinity(0) == before
