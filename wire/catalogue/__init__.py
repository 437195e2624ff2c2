"""The catalogue of errors: one table of every reason that a caller can meet.

For each: the gRPC code, the public message (with the error's metadata filled in) and what to do. docs/errors.md is
made from it. How the codes are chosen: INVALID_ARGUMENT, the request can never work; UNAVAILABLE, repeat the same
request; ABORTED, start over; FAILED_PRECONDITION, somebody must act first; INTERNAL, a fault of ours that no input can
cause.
"""

from __future__ import annotations

from typing import Final

from mpc.errors import FoursealError
from wire.catalogue import (
    accounts,
    agent,
    drafting,
    drafts,
    evidence,
    faults,
    formats,
    guard,
    keys,
    leases,
    ledger,
    log,
    messages,
    pdf,
    pins,
    relay,
    requests,
    sessions,
    signing_device,
    terminal,
    transactions,
    trusteeship,
    watermark,
)
from wire.catalogue.entry import Entry

__all__ = ["CATALOGUE", "Entry", "ServiceError", "render"]

_ENTRIES: Final = (
    *requests.ENTRIES,
    *accounts.ENTRIES,
    *keys.ENTRIES,
    *sessions.ENTRIES,
    *relay.ENTRIES,
    *messages.ENTRIES,
    *formats.ENTRIES,
    *evidence.ENTRIES,
    *log.ENTRIES,
    *watermark.ENTRIES,
    *drafting.ENTRIES,
    *pdf.ENTRIES,
    *drafts.ENTRIES,
    *agent.ENTRIES,
    *pins.ENTRIES,
    *leases.ENTRIES,
    *trusteeship.ENTRIES,
    *transactions.ENTRIES,
    *ledger.ENTRIES,
    *guard.ENTRIES,
    *signing_device.ENTRIES,
    *terminal.ENTRIES,
    *faults.ENTRIES,
)

CATALOGUE: Final = {entry.reason: entry for entry in _ENTRIES}
"""Every entry, by reason."""


class ServiceError(FoursealError):
    """An error of a service, raised with a reason of the catalogue and its metadata."""

    def __init__(self, reason: str, /, **metadata: str | int) -> None:
        super().__init__(reason, render(CATALOGUE[reason], metadata), **metadata)


def render(entry: Entry, metadata: dict[str, str | int]) -> str:
    """The public message of an entry, with what to do. A missing metadata name shows as a question mark."""
    filled = entry.message.format_map(_QuestionMarks(metadata))
    return f"{filled} {entry.action}"


class _QuestionMarks(dict[str, str | int]):
    def __missing__(self, name: str) -> str:
        return "?"
