"""States exactly how a proof is refused: by which error, for which reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mpc.errors import FoursealError
from transparency.errors import NotProven


@contextmanager
def not_proven(reason: str) -> Iterator[None]:
    """Expect something well-formed to prove nothing."""
    with pytest.raises(FoursealError) as caught:
        yield
    assert (type(caught.value), caught.value.reason) == (NotProven, reason)
