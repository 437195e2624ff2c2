"""What tests say of reports on bundles."""

from __future__ import annotations

from contract.report import Outcome, Report

Wrong = tuple[str, Outcome, str]


def failed(name: str, reason: str) -> Wrong:
    """A check that failed."""
    return name, Outcome.FAILED, reason


def undecided(name: str, reason: str) -> Wrong:
    """A check that could not be made."""
    return name, Outcome.INDETERMINATE, reason


def wrong(report: Report) -> list[Wrong]:
    """Every check that did not pass."""
    return [(each.name, each.outcome, each.reason) for each in report.checks if each.outcome is not Outcome.PASSED]


def names(report: Report) -> tuple[str, ...]:
    """Of the checks that were made, in order."""
    return tuple(each.name for each in report.checks)
