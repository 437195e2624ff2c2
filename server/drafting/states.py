"""How a contract stands, and what is possible then. Whatever affects its state stands in this file.

::

    drafting -> locked      all have confirmed the last version
    locked -> signed        all have signed it
    signed -> consented     all have consented
    consented -> finished   the documents were made
    finished -> complete    all have signed the PDF
    locked, signed -> drafting      a party reopened it, or signed another text
    consented -> drafting           the same, but only if a certificate has ended: else nothing could come of it
    drafting, locked, signed -> ended   a party refused it
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from wire.catalogue import ServiceError


class ContractState(StrEnum):
    """How a contract stands."""

    DRAFTING = "drafting"
    LOCKED = "locked"
    SIGNED = "signed"
    CONSENTED = "consented"
    FINISHED = "finished"
    COMPLETE = "complete"
    ENDED = "ended"


class TurnCause(StrEnum):
    """Why a contract went back to editing, or ended."""

    REOPENED = "reopened"
    TEXT_DIFFERS = "text_differs"
    REFUSED = "refused"


class ContractAction(StrEnum):
    """What is done to a contract."""

    EDIT = "edit"
    REOPEN = "reopen"
    SIGN = "sign"
    CONSENT = "consent"
    REFUSE = "refuse"
    FINISH = "finish"
    SIGN_PDF = "sign the PDF"


_S = ContractState
_STARTS: Final = {
    ContractAction.EDIT: frozenset({_S.DRAFTING}),
    ContractAction.REOPEN: frozenset({_S.LOCKED, _S.SIGNED, _S.CONSENTED}),
    ContractAction.SIGN: frozenset({_S.LOCKED}),
    ContractAction.CONSENT: frozenset({_S.SIGNED}),
    ContractAction.REFUSE: frozenset({_S.DRAFTING, _S.LOCKED, _S.SIGNED}),
    ContractAction.FINISH: frozenset({_S.CONSENTED, _S.FINISHED, _S.COMPLETE}),
    ContractAction.SIGN_PDF: frozenset({_S.FINISHED, _S.COMPLETE}),
}
ARCHIVED: Final = frozenset({_S.FINISHED, _S.COMPLETE})
"""States of contracts that have documents."""


def require_possible(state: ContractState, action: ContractAction) -> None:
    """See that an action is possible in a state.

    Raises:
        ServiceError: CONTRACT_STATE_WRONG.
    """
    if state not in _STARTS[action]:
        raise state_wrong(state)


def state_wrong(state: ContractState) -> ServiceError:
    """That something is not possible now."""
    return ServiceError("CONTRACT_STATE_WRONG", state=state.value)
