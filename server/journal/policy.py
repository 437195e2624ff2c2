"""What the journal asks of those above it: who may call, and what may be done now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlalchemy import Connection

from mpc.errors import FoursealError
from server.journal.records import Caller, Intent

Verdicts = Sequence[FoursealError | None]
"""For each item None, or why it is refused."""

CheckCallers = Callable[[Connection, Sequence[Caller]], Verdicts]
"""Looks in the database whether callers may call at all."""


class Policy(Protocol):
    """Whether operations may be done now. Brought by the rules that know what they are."""

    def admit(self, connection: Connection, intents: Sequence[Intent], repeated: Sequence[bool]) -> Verdicts:
        """Judge operations that are to be done now, in the transaction that records their intents.

        Args:
            connection: the transaction.
            intents: several at once; each has passed the check of its caller.
            repeated: for each, whether its intent stands in the journal already, and was counted then.
        """
