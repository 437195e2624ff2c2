"""What can be wrong with messages, transactions and announcements, beyond the families of ``mpc.errors``.

::

    FoursealError
    +-- VerificationFailed   a signature, certificate or revocation list does not hold
    +-- ContentDamaged       one answer for whatever is wrong with sealed content
    +-- TransactionRefused   how a transaction stands, or the time, does not allow this step
    +-- GuardRefused         how an alarm stands, or how much somebody announced, does not allow this step
"""

from __future__ import annotations

from mpc.errors import FoursealError


class VerificationFailed(FoursealError):
    """What somebody signed or issued does not hold: it is well-formed, and not genuine, not valid or not for this."""


class ContentDamaged(FoursealError):
    """The one answer to sealed content that does not open: wrong key, flipped, cut, reordered or appended bytes."""

    def __init__(self) -> None:
        super().__init__("CONTENT_DAMAGED", "the sealed content does not open: it was damaged or is of another message")


class TransactionRefused(FoursealError):
    """A step of a transaction that is well-formed and genuine, and not allowed: too late, too early, once too often."""


class GuardRefused(FoursealError):
    """A step of the guard that is well-formed and genuine, and not allowed: too many, out of turn, judged before."""
