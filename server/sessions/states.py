"""Where sessions and the people in them stand.

A session is OPEN from its creation to its closing, and CLOSED for ever after. Whether anything can be signed in an open
one is also a matter of its time: see ``statement_policy``.

Somebody is INVITED, JOINED, LEFT, and may be invited again.
"""

from __future__ import annotations

from enum import StrEnum


class SessionState(StrEnum):
    """Where a session stands."""

    OPEN = "open"
    CLOSED = "closed"


class MemberState(StrEnum):
    """Where somebody stands in a session."""

    INVITED = "invited"
    JOINED = "joined"
    LEFT = "left"
