"""Who above hears what happens here, in the transaction of it: so nothing is lost, and nobody looks upward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from server.identity.store.agents import Agent
from server.identity.store.certificates import IssuedCertificate


@dataclass(frozen=True, slots=True)
class Observers:
    """Who is told. Neither may wait, or call back.

    Args:
        clone_found: that an agent was blocked, for two copies of its key store are in use; and when.
        another_pair: that an account was issued a pair that had one before, of whatever state: who is in a login could
            revoke that first. The certificates for signing of both, the agent that asked, and when.
    """

    clone_found: Callable[[Connection, Agent, datetime], None]
    another_pair: Callable[[Connection, IssuedCertificate, IssuedCertificate, str, datetime], None]


def _ignore(*_: object) -> None:
    """For who observes nothing."""


NO_OBSERVERS = Observers(_ignore, _ignore)
"""Nobody is told."""
