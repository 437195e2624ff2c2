"""What a desk shows, without its secret, and how a transaction ends there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from contract.transactions.pages import Page
from contract.transactions.progress import TransactionState
from mpc.errors import FoursealError


class Stage(StrEnum):
    """What a desk does."""

    WAITING = "waiting"
    """For a terminal."""
    READING = "reading"
    """Its user reads a transaction."""
    SHOWING = "showing"
    """It shows the code of a transaction that was confirmed."""


class Ending(StrEnum):
    """Why a desk shows a transaction no longer."""

    USED = "used"
    """The back end has the code: it was confirmed there."""
    CLOSED = "closed"
    """The back end takes the code no more: it was rejected there, or has expired."""
    GONE = "gone"
    """The code was shown for its minute, or its user put it away."""
    REFUSED = "refused"
    """Its user refused it."""
    EXPIRED = "expired"
    """Its user did not confirm in time."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of the transaction that was shown last.

    Args:
        transaction: its digest, 32 bytes.
        ending: why it is shown no longer.
        state: how it stood at the back end, as far as that said so.
        problem: why the back end could not be told of a refusal; None if it was told, or there was nothing to tell.
    """

    transaction: bytes
    ending: Ending
    state: TransactionState | None = None
    problem: FoursealError | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What a display shows now. Without the code, which is asked of the desk when it is drawn.

    Args:
        revision: of this view: whatever the user does names the view that was looked at.
        stage: what the desk does.
        transaction: digest of what is shown, 32 bytes; empty while waiting.
        page: lines that are to be drawn; empty while waiting, and where ``problem`` is set.
        number: of the page, from 1; 0 where there is none.
        count: of pages.
        may_confirm: whether confirming is possible: every page was shown, and this has been shown for a second.
        asks_pin: whether confirming takes the PIN, or the passphrase, of the key store.
        end: until when it can be confirmed, or its code is shown, UTC; None while waiting.
        handed_over: whether terminals can collect the code.
        problem: why the transaction cannot be drawn: DISPLAY_TOO_SMALL.
        ended: what became of the one before; until another one comes.
    """

    revision: int
    stage: Stage
    transaction: bytes = b""
    page: Page = ()
    number: int = 0
    count: int = 0
    may_confirm: bool = False
    asks_pin: bool = False
    end: datetime | None = None
    handed_over: bool = False
    problem: FoursealError | None = None
    ended: Ended | None = None
