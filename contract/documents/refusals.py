"""Why a draft is refused."""

from __future__ import annotations

from mpc.errors import MalformedInput


def malformed(problem: str) -> MalformedInput:
    """The error for a draft that cannot be read."""
    return MalformedInput("DRAFT_MALFORMED", f"the draft is refused: {problem}", problem=problem)


def not_settable_part(what: str) -> MalformedInput:
    """The error for a draft with something that would be lost when it is set."""
    return MalformedInput("DRAFT_UNSUPPORTED", f"the draft has {what}, which cannot be set", what=what)
