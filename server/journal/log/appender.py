"""Makes the log grow: at the end of a transaction, by all that was staged in it.

What a crash leaves: before the commit nothing, after it everything. A checkpoint is signed before it is durable, and is
shown to nobody before: only the database gives checkpoints out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection

from contract.log_entry import LogEntry
from server.journal.log import store
from server.journal.log.keys import LogKey
from server.journal.log.staging import StagedEntry
from transparency.checkpoint import Checkpoint
from transparency.hashing import hash_leaf

_LEAVES: Final = 0


class LogAppender:
    """Appends to the log. Given to ``Database.before_commit``.

    Args:
        key: signs checkpoints.
        random: randomness for the entries' nonces.
    """

    def __init__(self, key: LogKey, random: Callable[[int], bytes]) -> None:
        self._key = key
        self._random = random

    def __call__(self, connection: Connection, staged: Sequence[StagedEntry]) -> None:
        """Add the entries, the nodes that they complete, and one checkpoint. The size is locked: see ``stage``.

        Raises:
            RuntimeError: the entries were not staged for this state of the log.
        """
        frontier = store.find_frontier(connection)
        if [entry.index for entry in staged] != list(range(frontier.size, frontier.size + len(staged))):
            raise RuntimeError("the staged entries do not follow those of the log")
        entries = [self._to_der(entry) for entry in staged]
        leaf_hashes = [hash_leaf(entry) for entry in entries]
        growth = frontier.append(leaf_hashes)
        store.add_entries(connection, list(zip((entry.index for entry in staged), leaf_hashes, entries, strict=True)))
        store.add_nodes(connection, ((node, value) for node, value in growth.nodes.items() if node.level > _LEAVES))
        store.put_frontier(connection, growth.frontier)
        checkpoint = Checkpoint(self._key.verifier.name, growth.frontier.size, growth.frontier.root)
        note = checkpoint.sign(self._key.private_key).to_bytes()
        store.add_checkpoint(connection, checkpoint.size, note, staged[-1].time)

    def _to_der(self, entry: StagedEntry) -> bytes:
        return LogEntry.new(entry.kind, entry.time, entry.body, self._random).to_der()
