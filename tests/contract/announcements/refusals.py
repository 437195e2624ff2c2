"""States exactly how the guard refuses something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from contract.errors import GuardRefused
from mpc.errors import FoursealError


@contextmanager
def guarded(reason: str) -> Iterator[None]:
    """Expect the guard not to allow something."""
    with pytest.raises(FoursealError) as caught:
        yield
    assert (type(caught.value), caught.value.reason) == (GuardRefused, reason)
