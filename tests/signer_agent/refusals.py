"""States exactly how the agent refuses: for which reason, with which values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mpc.errors import FoursealError


@contextmanager
def refused(reason: str, **metadata: str) -> Iterator[None]:
    """Expect an error of ours with that reason and, among others, that metadata."""
    with pytest.raises(FoursealError) as caught:
        yield
    error = caught.value
    assert error.reason == reason, f"{error.reason}: {error}"
    assert {name: error.metadata.get(name) for name in metadata} == metadata
