"""States exactly how a message is refused: by which error, for which reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from contract.errors import ContentDamaged, TransactionRefused, VerificationFailed
from mpc.errors import DecryptionFailed, FoursealError


@contextmanager
def unverified(reason: str) -> Iterator[None]:
    """Expect something well-formed not to hold."""
    with pytest.raises(FoursealError) as caught:
        yield
    assert (type(caught.value), caught.value.reason) == (VerificationFailed, reason)


@contextmanager
def refused(reason: str) -> Iterator[None]:
    """Expect a step of a transaction not to be allowed."""
    with pytest.raises(FoursealError) as caught:
        yield
    assert (type(caught.value), caught.value.reason) == (TransactionRefused, reason)


@contextmanager
def damaged() -> Iterator[None]:
    """Expect the one answer to sealed content that does not open."""
    with pytest.raises(FoursealError) as caught:
        yield
    error = caught.value
    expected = ContentDamaged()
    assert type(error) is ContentDamaged
    assert (error.reason, str(error), error.metadata) == (expected.reason, str(expected), {})
    assert error.__cause__ is None


@contextmanager
def undecrypted() -> Iterator[None]:
    """Expect the one answer to a key ciphertext that does not open."""
    with pytest.raises(FoursealError) as caught:
        yield
    error = caught.value
    assert type(error) is DecryptionFailed
    assert (str(error), error.metadata) == (str(DecryptionFailed()), {})
    assert error.__cause__ is None
