"""Reads the log: entries, checkpoints, proofs. Everything costs O(log n) rows, whatever is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from server.journal.log import store
from server.journal.log.store import CheckpointRow
from transparency.keys import VerifierKey
from transparency.note import Note
from transparency.proofs import (
    InclusionProver,
    consistency_nodes,
    consistency_proof,
    inclusion_nodes,
    inclusion_proof,
)
from transparency.receipt import Receipt
from wire.catalogue import ServiceError


class LogReader:
    """Answers from the log.

    Args:
        verifier: the log's public key, with its origin.
    """

    def __init__(self, verifier: VerifierKey) -> None:
        self.verifier = verifier

    def newest(self, connection: Connection, *, stamped: bool = False) -> CheckpointRow:
        """The newest checkpoint; ``stamped``: the newest that has a time stamp.

        Raises:
            ServiceError: CHECKPOINT_NOT_FOUND: there is none yet.
        """
        found = store.find_newest_checkpoint(connection, stamped=stamped)
        if found is None:
            raise ServiceError("CHECKPOINT_NOT_FOUND")
        return found

    def newest_two(self, connection: Connection) -> tuple[CheckpointRow | None, CheckpointRow | None]:
        """The newest checkpoint, and the newest that has a time stamp; each if there is one."""
        stamped = store.find_newest_checkpoint(connection, stamped=True)
        return store.find_newest_checkpoint(connection), stamped

    def stamped(self, connection: Connection) -> Iterator[CheckpointRow]:
        """Every checkpoint that has a time stamp, in order of size."""
        return (row for row in store.all_checkpoints(connection) if row.time_stamp is not None)

    def size(self, connection: Connection) -> int:
        """How many entries checkpoints cover."""
        newest = store.find_newest_checkpoint(connection)
        return 0 if newest is None else newest.size

    def entry(self, connection: Connection, index: int) -> bytes:
        """The DER of an entry.

        Raises:
            ServiceError: LOG_INDEX_UNKNOWN.
        """
        found = store.find_entry(connection, index)
        if found is None:
            raise ServiceError("LOG_INDEX_UNKNOWN", index=index)
        return found

    def entries(self, connection: Connection, indexes: Sequence[int]) -> list[bytes]:
        """The DER of several entries, in the order of their indexes as they are given.

        Raises:
            ServiceError: LOG_INDEX_UNKNOWN.
        """
        found = store.find_entries(connection, indexes)
        for index in indexes:
            if index not in found:
                raise ServiceError("LOG_INDEX_UNKNOWN", index=index)
        return [found[index] for index in indexes]

    def receipt(self, connection: Connection, index: int) -> Receipt:
        """The proof that an entry is in the log, up to the newest checkpoint.

        Raises:
            ServiceError: CHECKPOINT_NOT_FOUND, LOG_INDEX_UNKNOWN.
            FoursealError: LOG_NODE_MISSING, NOTE_MALFORMED: the database is damaged.
        """
        return _receipt(connection, index, self.newest(connection))

    def stamped_receipt(self, connection: Connection, index: int) -> tuple[Receipt, bytes | None]:
        """The proof up to the earliest checkpoint with a time stamp that covers an entry, and that, or ``receipt``.

        The earliest stamp says most about time: a later one proves that the entry was there, but only by then.

        Raises as ``receipt``.
        """
        stamped = store.find_first_stamped(connection, index)
        if stamped is None:
            return self.receipt(connection, index), None
        return _receipt(connection, index, stamped), stamped.time_stamp

    def proofs(self, connection: Connection, indexes: Sequence[int], size: int) -> list[tuple[bytes, ...]]:
        """The inclusion proofs of several entries, up to a checkpoint of that size.

        Raises:
            FoursealError: LOG_PLACE_WRONG: it does not cover one of them; LOG_NODE_MISSING: the database is damaged.
        """
        wanted = dict.fromkeys(node for index in indexes for node in inclusion_nodes(index, size))
        prover = InclusionProver(size, store.find_nodes(connection, list(wanted)))
        return [prover.prove(index) for index in indexes]

    def consistency(self, connection: Connection, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """The proof that the log only grew between two sizes, of checkpoints that somebody kept.

        Raises:
            ServiceError: LOG_SIZE_UNKNOWN: not 0 <= old <= new <= size of the newest checkpoint.
        """
        if not 0 <= old_size <= new_size <= self.size(connection):
            raise ServiceError("LOG_SIZE_UNKNOWN", old_size=old_size, new_size=new_size)
        nodes = store.find_nodes(connection, consistency_nodes(old_size, new_size))
        return consistency_proof(old_size, new_size, nodes)


def _receipt(connection: Connection, index: int, checkpoint: CheckpointRow) -> Receipt:
    if not 0 <= index < checkpoint.size:
        raise ServiceError("LOG_INDEX_UNKNOWN", index=index)
    nodes = store.find_nodes(connection, inclusion_nodes(index, checkpoint.size))
    return Receipt(index, inclusion_proof(index, checkpoint.size, nodes), Note.from_bytes(checkpoint.note))
