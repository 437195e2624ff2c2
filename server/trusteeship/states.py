"""How a grant stands, and what orders make of it. Whatever affects its state stands in this file."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from contract.trusteeship.allowing import RefusalCause
from contract.trusteeship.grants import GrantAction
from wire.catalogue import ServiceError

MOST_ROUNDS: Final = 16
"""Rounds in which a grant can be approved: so it does not grow without end."""


class GrantState(StrEnum):
    """How a grant stands."""

    REQUESTED = "requested"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REFUSED = "refused"
    REVOKED = "revoked"


_S = GrantState
_VOTES: Final = (GrantAction.APPROVE, GrantAction.REFUSE)

STARTS: Final = {
    GrantAction.APPROVE: frozenset({_S.REQUESTED, _S.SUSPENDED}),
    GrantAction.REFUSE: frozenset({_S.REQUESTED}),
    GrantAction.SUSPEND: frozenset({_S.ACTIVE}),
    GrantAction.REVOKE: frozenset({_S.REQUESTED, _S.ACTIVE, _S.SUSPENDED}),
}
"""The states in which each action is possible."""

CAUSES: Final = {
    _S.REQUESTED: RefusalCause.GRANT_NOT_APPROVED,
    _S.SUSPENDED: RefusalCause.GRANT_SUSPENDED,
    _S.REFUSED: RefusalCause.GRANT_REFUSED,
    _S.REVOKED: RefusalCause.GRANT_REVOKED,
}
"""Why a use is refused, for every state in which it is."""


@dataclass(frozen=True, slots=True)
class Votes:
    """What administrators have said in a round.

    Args:
        approved: who approved, of those who may.
        refused: who refused, of those who may.
        may: who may decide about this grant now. Those who administer no more do not count.
        needed: how many must approve.
    """

    approved: AbstractSet[str]
    refused: AbstractSet[str]
    may: AbstractSet[str]
    needed: int

    @classmethod
    def of(cls, said: Sequence[tuple[str, GrantAction]], may: AbstractSet[str], needed: int) -> Self:
        """Count what was said, oldest first. An administrator counts once.

        Raises:
            ServiceError: GRANT_ORDER_WRONG: one of them has approved or refused twice.
        """
        voters = [name for name, action in said if action in _VOTES]
        if len(voters) != len(set(voters)):
            raise ServiceError("GRANT_ORDER_WRONG", problem="you have decided about it in this round")
        approved, refused = (frozenset(name for name, action in said if action is vote) & may for vote in _VOTES)
        return cls(approved, refused, may, needed)

    @property
    def enough(self) -> bool:
        """Whether enough approve."""
        return len(self.approved) >= self.needed

    @property
    def hopeless(self) -> bool:
        """Whether enough cannot approve any more."""
        return len(self.may - self.refused) < self.needed


def next_state(state: GrantState, round_: int, action: GrantAction, votes: Votes) -> tuple[GrantState, int]:
    """The state and round after an order, which ``votes`` counts already.

    Raises:
        ServiceError: GRANT_ORDER_WRONG: not possible in this state, or there were too many rounds.
    """
    if state not in STARTS[action]:
        raise ServiceError("GRANT_ORDER_WRONG", problem=f"it is {state}")
    if action is GrantAction.APPROVE:
        if round_ > MOST_ROUNDS:
            raise ServiceError("GRANT_ORDER_WRONG", problem=f"it was suspended {MOST_ROUNDS} times")
        return (GrantState.ACTIVE if votes.enough else state), round_
    if action is GrantAction.REFUSE:
        return (GrantState.REFUSED if votes.hopeless else state), round_
    if action is GrantAction.SUSPEND:
        return GrantState.SUSPENDED, round_ + 1
    return GrantState.REVOKED, round_
