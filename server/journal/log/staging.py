"""How an entry comes into the log: any unit of work stages it, in the transaction of what it records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from contract.log_entry import EntryKind
from server.journal.log import store
from server.storage import staged_in
from transparency.note import Note
from transparency.proofs import InclusionProver
from transparency.receipt import Receipt


@dataclass(frozen=True, slots=True)
class Grown:
    """What the log came to by a commit.

    Args:
        checkpoint: signed, of the grown log.
        prover: proves every new entry.
    """

    checkpoint: Note
    prover: InclusionProver


@dataclass(slots=True)
class StagedEntry:
    """An entry that will be in the log if its transaction is committed.

    Args:
        index: its place. If the unit of work is rolled back another entry gets it: tell nobody before the commit.
        kind, time, body: of the entry.
        der: the whole entry, as soon as it was appended.
        grown: set then, too.
    """

    index: int
    kind: EntryKind
    time: datetime
    body: bytes = field(repr=False)
    der: bytes = field(default=b"", repr=False)
    grown: Grown | None = field(default=None, repr=False)

    def receipt(self) -> Receipt:
        """The proof that it is in the log, up to its commit's checkpoint; after that commit, and without the database.

        Raises:
            RuntimeError: it was not appended.
        """
        if self.grown is None:
            raise RuntimeError("the entry was not appended")
        return Receipt(self.index, self.grown.prover.prove(self.index), self.grown.checkpoint)


def stage(connection: Connection, kind: EntryKind, body: bytes, now: datetime) -> StagedEntry:
    """Stage an entry; it is in the log, and covered by a signed checkpoint, as soon as the transaction is committed.

    Args:
        connection: a transaction of the writer. From here to its end nobody else can add to the log.
        kind: what the body is.
        body: DER.
        now: the entry's time; fractions of a second are cut off.
    """
    staged: list[StagedEntry] = staged_in(connection)
    index = staged[-1].index + 1 if staged else store.lock_size(connection)
    entry = StagedEntry(index, kind, now.replace(microsecond=0), body)
    staged.append(entry)
    return entry
