"""Checks the log from its bytes alone: every leaf, node and checkpoint is computed anew.

What was stored is compared with what it must be, so whatever an operator edited, deleted, swapped or set back inside
the database is found. What the database cannot tell is whether it is an older copy of itself: for that a checkpoint is
needed that was kept elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Protocol

from sqlalchemy import Connection

from contract.log_entry import LogEntry
from mpc.errors import FoursealError, MalformedInput
from server.journal.log import store
from transparency.checkpoint import verify_checkpoint
from transparency.frontier import Frontier
from transparency.hashing import hash_leaf
from transparency.keys import VerifierKey
from transparency.note import Note

_ENTRIES_AT_A_TIME: Final = 500
_LEAVES: Final = 0
_STORED: Final = "checkpoint "
_SIZE: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be.

    Args:
        where: which thing, such as "entry 17".
        problem: what is wrong with it.
    """

    where: str
    problem: str


Entries = Sequence[tuple[int, LogEntry]]
"""Entries with their indexes, in order."""


class EntryCheck(Protocol):
    """Compares the entries of one kind with what the rest of the database says."""

    def check(self, connection: Connection, entries: Entries) -> Iterator[Finding]:
        """Look at the next entries, of whatever kind."""

    def finish(self, connection: Connection) -> Iterator[Finding]:
        """After the last: look for what has no entry."""


Progress = Callable[[int, int], None]
"""Is told how much was done, and of how much."""


def check_log(
    connection: Connection,
    key: VerifierKey,
    kept: Sequence[Note],
    checks: Sequence[EntryCheck],
    progress: Progress,
) -> Iterator[Finding]:
    """Check the whole log on one snapshot.

    1. every entry is there, in one encoding, and hashes to its leaf hash;
    2. every node above the leaves is there and has the right hash, and there are no others;
    3. every checkpoint is signed, and is a state of this tree; so is every one that was kept elsewhere;
    4. the newest checkpoint covers everything, and the row that the log grows from is right;
    5. whatever ``checks`` finds.

    Args:
        connection: a snapshot.
        key: the log's, from custody or pinned: not from the tables that are checked.
        kept: checkpoints that somebody kept elsewhere.
        checks: what is compared with entries.
        progress: is told of entries.
    """
    tree = _Tree(connection, checks, store.count_entries(connection), progress)
    newest = 0
    for where, _, data in sorted(chain(_stored(connection), _shown(kept)), key=lambda each: each[1]):
        try:
            checkpoint = verify_checkpoint(Note.from_bytes(data), key)
        except FoursealError as error:
            yield Finding(where, str(error))
            continue
        yield from tree.grow(checkpoint.size)
        if tree.frontier.size < checkpoint.size:
            yield Finding(where, f"it covers {checkpoint.size} entries, and only {tree.frontier.size} can be read")
        elif tree.frontier.size > checkpoint.size:
            yield Finding(where, "it stands under another size")
        elif tree.frontier.root != checkpoint.root:
            yield Finding(where, "it is of another tree: an entry that it covers was changed")
        elif where.startswith(_STORED):
            newest = checkpoint.size
    yield from tree.grow(tree.total)
    if tree.frontier.size < tree.total:
        yield Finding("entries", f"there are {tree.total}, of which {tree.frontier.size} are without a gap")
    if tree.frontier.size > newest:
        yield Finding("newest checkpoint", f"it covers {newest} entries, and there are {tree.frontier.size}")
    yield from _check_row(connection, tree.frontier)
    for check in checks:
        yield from check.finish(connection)


class _Tree:
    """The tree as it grows from the entries' bytes."""

    def __init__(self, connection: Connection, checks: Sequence[EntryCheck], total: int, progress: Progress) -> None:
        self.frontier = Frontier()
        self.total = total
        self._connection = connection
        self._checks = checks
        self._progress = progress
        self._broken = False

    def grow(self, size: int) -> Iterator[Finding]:
        """Read entries up to a size, as far as they go."""
        while not self._broken and self.frontier.size < size:
            first = self.frontier.size
            count = min(_ENTRIES_AT_A_TIME, size - first)
            rows = store.list_entries(self._connection, first, count)
            if [index for index, *_ in rows] != list(range(first, first + len(rows))):
                self._broken = True
                found = {index for index, *_ in rows}
                missing = next(index for index in range(first, first + count) if index not in found)
                yield Finding(f"entry {missing}", "it is missing; nothing behind it can be checked")
                return
            if not rows:  # the end, or a long gap, which the count shows
                return
            yield from self._append(rows)
            self._progress(self.frontier.size, max(self.total, size))

    def _append(self, rows: Sequence[tuple[int, bytes, bytes]]) -> Iterator[Finding]:
        entries: list[tuple[int, LogEntry]] = []
        for index, leaf_hash, entry in rows:
            if hash_leaf(entry) != leaf_hash:
                yield Finding(f"entry {index}", "it does not hash to its leaf hash: one of them was changed")
            try:
                entries.append((index, LogEntry.from_der(entry)))
            except MalformedInput as error:
                yield Finding(f"entry {index}", f"it cannot be read: {error}")
        growth = self.frontier.append([hash_leaf(entry) for _, _, entry in rows])
        above = [node for node in growth.nodes if node.level > _LEAVES]
        stored = store.find_nodes(self._connection, above)
        for node in above:
            if stored.get(node) != growth.nodes[node]:
                yield Finding(f"node {node.position} of level {node.level}", "it is missing, or has another hash")
        self.frontier = growth.frontier
        for check in self._checks:
            yield from check.check(self._connection, entries)


def _stored(connection: Connection) -> Iterator[tuple[str, int, bytes]]:
    for row in store.all_checkpoints(connection):
        yield f"{_STORED}{row.size}", row.size, row.note


def _shown(kept: Sequence[Note]) -> Iterator[tuple[str, int, bytes]]:
    for number, note in enumerate(kept, start=1):
        lines = note.text.split("\n")
        size = int(lines[1]) if len(lines) > 1 and _SIZE.fullmatch(lines[1]) else 0
        yield f"kept checkpoint {number}", size, note.to_bytes()


def _check_row(connection: Connection, frontier: Frontier) -> Iterator[Finding]:
    try:
        stored: Frontier | None = store.find_frontier(connection)
    except FoursealError:
        stored = None
    if stored != frontier:
        yield Finding("the log's row", "its size or edge is not that of the entries: the log was set back or edited")
    wanted = frontier.size - frontier.size.bit_count()
    if store.count_nodes(connection) != wanted:
        yield Finding("nodes", f"there are not exactly {wanted} of them")
