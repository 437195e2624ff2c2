"""What a verification comes to: checks, each passed, failed or indeterminate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mpc.errors import FoursealError

PREREQUISITE_FAILED: Final = "PREREQUISITE_FAILED"
"""Reason of a check that could not be made because another one failed."""


class Outcome(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"
    """It could not be made with what is at hand."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Args:
        name: stable id, as in the list of the module that makes the check.
        outcome: what it came to.
        reason: why it did not pass, UPPER_SNAKE; empty if it did.
    """

    name: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of a message, in the order of the list of the module that makes them."""

    checks: tuple[Check, ...]

    @property
    def outcome(self) -> Outcome:
        """Failed if a check failed; else indeterminate if one is; else passed."""
        found = {check.outcome for check in self.checks}
        for outcome in (Outcome.FAILED, Outcome.INDETERMINATE):
            if outcome in found:
                return outcome
        return Outcome.PASSED

    def check(self, name: str) -> Check:
        """The check of that name. Raises KeyError if there is none."""
        return {each.name: each for each in self.checks}[name]


class Failed(Exception):
    """A check failed, for a reason that stands in reports alone; holds the reason."""


class Undecided(Exception):
    """A check could not be made; holds the reason."""


def make_check(name: str, check: Callable[[], object]) -> Check:
    """Make one check.

    Args:
        name: stable id.
        check: returns if it passes; raises ``Undecided`` if it cannot be made, ``Failed`` or FoursealError if it fails.
    """
    try:
        check()
    except Undecided as undecided:
        return Check(name, Outcome.INDETERMINATE, str(undecided))
    except Failed as failed:
        return Check(name, Outcome.FAILED, str(failed))
    except FoursealError as error:
        return Check(name, Outcome.FAILED, error.reason)
    return Check(name, Outcome.PASSED, "")
