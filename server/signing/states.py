"""The life of a joint key. Whatever affects its state stands in this file; all else asks here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class KeyState(StrEnum):
    """Where a joint key stands in its life."""

    AWAITING_OPENING = "awaiting_opening"
    ENABLED = "enabled"
    DISABLED = "disabled"
    DESTRUCTION_SCHEDULED = "destruction_scheduled"
    DESTROYED = "destroyed"
    ABORTED = "aborted"


class KeyChange(StrEnum):
    """What can happen to a joint key."""

    OPEN = "open"
    ABORT = "abort"
    ENABLE = "enable"
    DISABLE = "disable"
    SCHEDULE_DESTRUCTION = "schedule_destruction"
    CANCEL_DESTRUCTION = "cancel_destruction"
    DESTROY = "destroy"
    REPLACE = "replace"
    FORFEIT = "forfeit"


@dataclass(frozen=True, slots=True)
class Transition:
    """A change.

    Args:
        starts: states that it starts from.
        target: the state that it leads to.
        erases: whether the server's share is erased by it.
        settled: states in which it is done already, and changes nothing.
    """

    starts: frozenset[KeyState]
    target: KeyState
    erases: bool = False
    settled: frozenset[KeyState] = frozenset()


_S = KeyState

TRANSITIONS: Final = {
    KeyChange.OPEN: Transition(frozenset({_S.AWAITING_OPENING}), _S.ENABLED),
    KeyChange.ABORT: Transition(
        frozenset({_S.AWAITING_OPENING}), _S.ABORTED, erases=True, settled=frozenset({_S.ABORTED})
    ),
    KeyChange.ENABLE: Transition(frozenset({_S.DISABLED}), _S.ENABLED, settled=frozenset({_S.ENABLED})),
    KeyChange.DISABLE: Transition(frozenset({_S.ENABLED}), _S.DISABLED, settled=frozenset({_S.DISABLED})),
    KeyChange.SCHEDULE_DESTRUCTION: Transition(
        frozenset({_S.ENABLED, _S.DISABLED}),
        _S.DESTRUCTION_SCHEDULED,
        settled=frozenset({_S.DESTRUCTION_SCHEDULED}),
    ),
    KeyChange.CANCEL_DESTRUCTION: Transition(frozenset({_S.DESTRUCTION_SCHEDULED}), _S.DISABLED),
    KeyChange.DESTROY: Transition(
        frozenset({_S.DESTRUCTION_SCHEDULED}), _S.DESTROYED, erases=True, settled=frozenset({_S.DESTROYED})
    ),
    KeyChange.REPLACE: Transition(frozenset({_S.ENABLED, _S.DISABLED}), _S.DESTROYED, erases=True),
    KeyChange.FORFEIT: Transition(
        frozenset({_S.ENABLED, _S.DISABLED, _S.DESTRUCTION_SCHEDULED}), _S.DESTROYED, erases=True
    ),
}
"""Every change there is. What is not here cannot happen."""

REFUSALS: Final = {
    KeyState.AWAITING_OPENING: "KEY_NOT_READY",
    KeyState.DISABLED: "KEY_DISABLED",
    KeyState.DESTRUCTION_SCHEDULED: "KEY_DESTRUCTION_SCHEDULED",
    KeyState.DESTROYED: "KEY_DESTROYED",
    KeyState.ABORTED: "KEY_ABORTED",
}
"""Why a key refuses joint operations, for every state in which it does."""
