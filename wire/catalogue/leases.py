"""Leases, and agents that are blocked."""

from __future__ import annotations

from typing import Final

from grpc import StatusCode

from wire.catalogue.entry import INVALID, PRECONDITION, Entry

_AGAIN: Final = "fourseal takes another one by itself; other clients call TakeLease."

ENTRIES: Final[tuple[Entry, ...]] = (
    Entry(
        "CLONE_FOUND",
        PRECONDITION,
        "Two copies of this agent's key store are in use, or one that was put back from a backup. Blocked since"
        " {block_time}.",
        "Unless you put it back yourself, somebody else has a copy: tell the operator. When no other copy is in use any"
        " more, enrol with a new ticket, and re-key.",
    ),
    Entry(
        "AGENT_BLOCKED",
        PRECONDITION,
        "The agent was blocked by {cause}. Blocked since {block_time}.",
        "Enrol with a new ticket, which the operator makes with --reinstate.",
    ),
    Entry(
        "DEVICE_NOT_FOUND",
        StatusCode.NOT_FOUND,
        "The account has never logged in at an agent {agent_id}.",
        "List them: fourseal device list.",
    ),
    Entry(
        "REVOCATION_SECRET_WRONG",
        StatusCode.NOT_FOUND,
        "No agent has this revocation secret now.",
        "Look whether it is the newest: every enrolment gives another one. Else ask the operator to revoke the agent.",
    ),
    Entry(
        "REVOCATION_SECRET_MISTYPED",
        INVALID,
        "This is no revocation secret: {problem}.",
        "Compare it with the paper: 14 groups of 4 letters and digits.",
    ),
    Entry(
        "LEASE_REQUIRED",
        StatusCode.UNAUTHENTICATED,
        "The agent has taken a lease before, and this call came without one.",
        _AGAIN,
    ),
    Entry("LEASE_EXPIRED", StatusCode.UNAUTHENTICATED, "The lease has expired.", _AGAIN),
    Entry("LEASE_WRONG", StatusCode.UNAUTHENTICATED, "The lease is none of this server's for this agent.", _AGAIN),
    Entry(
        "LEASE_OUTDATED",
        StatusCode.ABORTED,
        "This lease was taken before, and later ones after it.",
        "Take another one. A key store that was put back from a backup has to be enrolled again.",
    ),
)
