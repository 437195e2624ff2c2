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
from server.journal.log.staging import Grown, StagedEntry
from transparency.checkpoint import Checkpoint
from transparency.hashing import hash_leaf
from transparency.nodes import nodes_of_root
from transparency.proofs import InclusionProver

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
        for entry in staged:
            entry.der = LogEntry.new(entry.kind, entry.time, entry.body, self._random).to_der()
        leaf_hashes = [hash_leaf(entry.der) for entry in staged]
        growth = frontier.append(leaf_hashes)
        rows = [(entry.index, leaf_hash, entry.der) for entry, leaf_hash in zip(staged, leaf_hashes, strict=True)]
        store.add_entries(connection, rows)
        store.add_nodes(connection, ((node, value) for node, value in growth.nodes.items() if node.level > _LEAVES))
        store.put_frontier(connection, growth.frontier)
        checkpoint = Checkpoint(self._key.verifier.name, growth.frontier.size, growth.frontier.root)
        note = checkpoint.sign(self._key.private_key)
        store.add_checkpoint(connection, checkpoint.size, note.to_bytes(), staged[-1].time)
        edge = zip(nodes_of_root(frontier.size), frontier.hashes, strict=True)  # with what was made: enough for all
        grown = Grown(note, InclusionProver(checkpoint.size, dict(edge) | dict(growth.nodes)))
        for entry in staged:
            entry.grown = grown
