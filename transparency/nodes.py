"""Nodes: complete subtrees of a tree, which never change once they are there.

The node (level, position) covers the 2^level leaves from position * 2^level on; nodes of level 0 are leaf hashes. Every
subtree that RFC 9162 hashes covers a range of leaves that begins at a multiple of the largest power of two within its
length. So it is a row of nodes from left to right, each smaller than the one before, of which there are as many as the
length has bits set::

    7 leaves:   (2,0)            (1,2)     (0,6)
              +---------------+ +-------+ +---+
               0   1   2   3     4   5     6

and its hash is those nodes folded from the right: H((2,0), H((1,2), (0,6))).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Final, NamedTuple

from mpc.errors import MalformedInput
from transparency.errors import require_that
from transparency.hashing import EMPTY_ROOT, HASH_BYTES, hash_children

MAX_SIZE: Final = (1 << 63) - 1
"""Most leaves of a tree: what databases count to."""

_PLACE_REASON: Final = "LOG_PLACE_WRONG"


class NodeId(NamedTuple):
    """Which node of the tree.

    Args:
        level: height above the leaves, 0 to 62.
        position: within the level, from 0 on.
    """

    level: int
    position: int


def check_size(size: int) -> int:
    """Raise LOG_PLACE_WRONG unless a tree can have so many leaves: 0 to 2^63 - 1. Returns it."""
    require_that(0 <= size <= MAX_SIZE, f"no tree has {size} leaves", reason=_PLACE_REASON)
    return size


def check_index(index: int, size: int) -> None:
    """Raise LOG_PLACE_WRONG unless a tree of that size has a leaf at that index."""
    require_that(0 <= index < check_size(size), f"a tree of {size} leaves has none at {index}", reason=_PLACE_REASON)


def check_growth(old_size: int, new_size: int) -> None:
    """Raise LOG_PLACE_WRONG unless a tree can grow from the one size to the other: 0 <= old <= new < 2^63."""
    grows = 0 <= old_size <= check_size(new_size)
    require_that(grows, f"no tree grows from {old_size} to {new_size} leaves", reason=_PLACE_REASON)


def nodes_of_range(begin: int, end: int) -> tuple[NodeId, ...]:
    """The nodes of a subtree, from left to right; none if it is empty.

    Args:
        begin: first leaf; a multiple of the largest power of two up to ``end - begin``.
        end: behind the last leaf.
    """
    found = []
    for level in reversed(range((end - begin).bit_length())):
        if (end - begin) >> level & 1:
            found.append(NodeId(level, begin >> level))
            begin += 1 << level
    return tuple(found)


def nodes_of_root(size: int) -> tuple[NodeId, ...]:
    """The nodes that the root of a tree is computed from: its right edge, from left to right.

    Args:
        size: leaves, 0 to 2^63 - 1.

    Raises:
        MalformedInput: LOG_PLACE_WRONG.
    """
    return nodes_of_range(0, check_size(size))


def fold(hashes: tuple[bytes, ...]) -> bytes:
    """The hash of a subtree, 32 bytes: that of the empty tree if there is nothing to fold.

    Args:
        hashes: of its nodes, from left to right.
    """
    if not hashes:
        return EMPTY_ROOT
    return reduce(lambda right, left: hash_children(left, right), reversed(hashes))


def pick(wanted: tuple[NodeId, ...], nodes: Mapping[NodeId, bytes]) -> tuple[bytes, ...]:
    """The hashes of the wanted nodes, out of those that a store gave.

    Raises:
        MalformedInput: LOG_NODE_MISSING, where one is not there or has not 32 bytes: the store is damaged.
    """
    found = []
    for node in wanted:
        value = nodes.get(node, b"")
        if len(value) != HASH_BYTES:
            raise MalformedInput(
                "LOG_NODE_MISSING",
                f"the log's node {node.position} of level {node.level} is missing or damaged",
                level=node.level,
                position=node.position,
            )
        found.append(value)
    return tuple(found)
