"""The frontier: all that a tree needs to remember in order to grow. Also called a compact range.

It has the hashes of the nodes at the right edge (``nodes_of_root``), one for each bit that is set in the size.
Appending k leaves to any tree makes fewer than 2k + 64 nodes, and reads none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transparency.errors import require_that
from transparency.hashing import HASH_BYTES, hash_children
from transparency.nodes import NodeId, check_size, fold, nodes_of_root, pick

_FRONTIER_REASON = "LOG_FRONTIER_MALFORMED"


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree.

    Args:
        size: leaves, 0 to 2^63 - 1.
        hashes: of ``nodes_of_root(size)``, in that order, 32 bytes each.

    Raises:
        MalformedInput: LOG_PLACE_WRONG, LOG_FRONTIER_MALFORMED.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        fits = len(self.hashes) == check_size(self.size).bit_count()
        require_that(fits, f"{len(self.hashes)} hashes are no frontier of {self.size} leaves", reason=_FRONTIER_REASON)
        _require_hashes(self.hashes)

    @property
    def root(self) -> bytes:
        """Root hash of the tree, 32 bytes."""
        return fold(self.hashes)

    def append(self, leaf_hashes: Sequence[bytes]) -> Growth:
        """Append leaves, in order; none is allowed.

        Args:
            leaf_hashes: ``hash_leaf`` of each, 32 bytes.

        Raises:
            MalformedInput: LOG_PLACE_WRONG: there would be more than 2^63 - 1 leaves; LOG_FRONTIER_MALFORMED: a hash
                has not 32 bytes.
        """
        _require_hashes(leaf_hashes)
        made: dict[NodeId, bytes] = {}
        edge = list(self.hashes)
        for index, leaf_hash in enumerate(leaf_hashes, start=self.size):
            level, joined = 0, leaf_hash
            made[NodeId(0, index)] = joined
            while index >> level & 1:  # this node is a right child: with its left sibling a larger one is complete
                level, joined = level + 1, hash_children(edge.pop(), joined)
                made[NodeId(level, index >> level)] = joined
            edge.append(joined)
        return Growth(made, Frontier(self.size + len(leaf_hashes), tuple(edge)))


@dataclass(frozen=True, slots=True)
class Growth:
    """What appending made.

    Args:
        nodes: the new nodes, leaves among them: to be stored for good, together with the leaves' content.
        frontier: of the grown tree.
    """

    nodes: Mapping[NodeId, bytes]
    frontier: Frontier


def frontier_from(size: int, nodes: Mapping[NodeId, bytes]) -> Frontier:
    """The frontier of a tree whose nodes are stored.

    Args:
        size: leaves, 0 to 2^63 - 1; also of an earlier state of the tree.
        nodes: at least ``nodes_of_root(size)``.

    Raises:
        MalformedInput: LOG_PLACE_WRONG, LOG_NODE_MISSING.
    """
    return Frontier(size, pick(nodes_of_root(size), nodes))


def _require_hashes(hashes: Sequence[bytes]) -> None:
    fits = all(len(each) == HASH_BYTES for each in hashes)
    require_that(fits, f"a hash has not {HASH_BYTES} bytes", reason=_FRONTIER_REASON)
