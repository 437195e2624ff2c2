"""States exactly how something is refused: by which error, for which reason, and who is blamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from mpc.errors import FaultDetected, FoursealError, MalformedInput, PeerMisbehaved, WrongPurpose
from mpc.four_prime_rsa import Role


def malformed(reason: str) -> AbstractContextManager[None]:
    """Expect our caller's input to be refused."""
    return _refused(MalformedInput, reason)


def blamed(culprit: Role, reason: str) -> AbstractContextManager[None]:
    """Expect that party to be blamed, and no other."""
    return _refused(PeerMisbehaved, reason, culprit)


def wrong_purpose() -> AbstractContextManager[None]:
    """Expect a share or key to be refused for what it is not made for."""
    return _refused(WrongPurpose, "WRONG_PURPOSE")


def fault_detected() -> AbstractContextManager[None]:
    """Expect a fault of our own to be found."""
    return _refused(FaultDetected, "FAULT_DETECTED")


@contextmanager
def _refused(kind: type[FoursealError], reason: str, culprit: Role | None = None) -> Iterator[None]:
    with pytest.raises(FoursealError) as caught:
        yield
    error = caught.value
    assert (type(error), error.reason, error.metadata.get("culprit")) == (kind, reason, culprit)
