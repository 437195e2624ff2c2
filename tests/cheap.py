"""Passphrases and passwords cost next to nothing in processes that tests run themselves.

Argon2id with all of its memory takes 0.2 s of a core; some hundred times in a run, that was a tenth of the whole. It is
argon2id all the same, with less memory. Programs that are started as users start them have the real costs, and refuse a
key store that costs less: what tests such a program is marked ``full_cost``, and so is what tests the costs themselves.
Programs that are forked open both; they make cheap ones where their test says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final
from unittest.mock import patch

from server.identity.accounts import passwords
from signer_agent.keystore import sealing

_LEAST_KIB: Final = 32  # of argon2id with four lanes
_ACCEPTED_KIB: Final = range(_LEAST_KIB, sealing._MEMORY_KIB.stop)

CHEAP_PASSWORDS: Final = replace(passwords.COST, memory_cost=8 * passwords.COST.parallelism, time_cost=1)


@contextmanager
def cheap_stores() -> Iterator[None]:
    """Within it key stores that are made cost little, and such are opened."""
    with patch.object(sealing, "_USUAL_MEMORY_KIB", _LEAST_KIB), patch.object(sealing, "_MEMORY_KIB", _ACCEPTED_KIB):
        yield


def take_what_is_cheap() -> None:
    """From now on this process opens such key stores, too, and passwords cost it little."""
    sealing._MEMORY_KIB = _ACCEPTED_KIB  # type: ignore[misc]
    passwords.COST = CHEAP_PASSWORDS  # type: ignore[misc]


def make_what_is_cheap() -> None:
    """From now on key stores that this process makes cost little, too."""
    take_what_is_cheap()
    sealing._USUAL_MEMORY_KIB = _LEAST_KIB  # type: ignore[misc]
