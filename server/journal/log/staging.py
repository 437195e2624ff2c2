"""How an entry comes into the log: any unit of work stages it, in the transaction of what it records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from contract.log_entry import EntryKind
from server.journal.log import store
from server.storage import staged_in


@dataclass(frozen=True, slots=True)
class StagedEntry:
    """An entry that will be in the log if its transaction is committed."""

    index: int
    kind: EntryKind
    time: datetime
    body: bytes = field(repr=False)


def stage(connection: Connection, kind: EntryKind, body: bytes, now: datetime) -> int:
    """Stage an entry; it is in the log, and covered by a signed checkpoint, as soon as the transaction is committed.

    Args:
        connection: a transaction of the writer. From here to its end nobody else can add to the log.
        kind: what the body is.
        body: DER.
        now: the entry's time; fractions of a second are cut off.

    Returns:
        The entry's index. If the unit of work is rolled back, another entry gets it: tell nobody before the commit.
    """
    staged = staged_in(connection)
    index = staged[-1].index + 1 if staged else store.lock_size(connection)
    staged.append(StagedEntry(index, kind, now.replace(microsecond=0), body))
    return index
