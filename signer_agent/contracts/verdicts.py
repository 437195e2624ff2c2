"""Whether a message holds: the numbered checks of ``contract.verification``, as they are stored with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from contract.report import Check, Outcome
from wire.client.documents import Fields, Json

_OF_DELIVERY: Final = ("number", "answer")
"""Checks that stay open until another message has come. They say nothing against this one: ``Message.note`` tells."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of one message.

    Args:
        checks: in the order in which they were made.
    """

    checks: tuple[Check, ...]

    @property
    def verified(self) -> bool:
        """Whether every check passed, but for those that wait for another message."""
        return bool(self.checks) and not self._against(Outcome.FAILED) and not self._against(Outcome.INDETERMINATE)

    @property
    def problem(self) -> str:
        """Why it is not verified: the first check that failed, else the first that could not be made; else empty."""
        found = (*self._against(Outcome.FAILED), *self._against(Outcome.INDETERMINATE))
        return f"{found[0].name}: {found[0].reason}" if found else ""

    def to_json(self) -> Json:
        """As it stands in a file."""
        return {
            f"{number:02}": {"name": check.name, "outcome": check.outcome.value, "reason": check.reason}
            for number, check in enumerate(self.checks, start=1)
        }

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Undo ``to_json``. Raises ValueError for anything else."""
        whole = Fields(document)
        return cls(tuple(_check(whole.fields(number)) for number in sorted(document)))

    def _against(self, outcome: Outcome) -> tuple[Check, ...]:
        return tuple(
            check
            for check in self.checks
            if check.outcome is outcome and not (outcome is Outcome.INDETERMINATE and check.name in _OF_DELIVERY)
        )


def _check(fields: Fields) -> Check:
    check = Check(fields.text("name"), Outcome(fields.text("outcome")), fields.text("reason"))
    fields.end()
    return check
