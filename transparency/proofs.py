"""Makes proofs: RFC 9162 sections 2.1.3.1 and 2.1.4.1. Each hash of a proof is that of a subtree, computed from nodes.

First ask which nodes are needed, read them, then make the proof::

    nodes = store.read(inclusion_nodes(index, size))
    proof = inclusion_proof(index, size, nodes)
"""

from __future__ import annotations

from collections.abc import Mapping

from transparency.nodes import NodeId, check_growth, check_index, fold, nodes_of_range, pick

_Range = tuple[int, int]


def inclusion_nodes(index: int, size: int) -> tuple[NodeId, ...]:
    """The nodes that ``inclusion_proof`` needs: at most 124. Arguments and errors are those of it."""
    return _nodes(_inclusion_ranges(index, size))


def inclusion_proof(index: int, size: int, nodes: Mapping[NodeId, bytes]) -> tuple[bytes, ...]:
    """The proof that a leaf is in a tree: PATH(index, D_size), from the leaf's sibling up. At most 63 hashes.

    Args:
        index: of the leaf, from 0 on, below ``size``.
        size: leaves of the tree, 1 to 2^63 - 1; also of an earlier state.
        nodes: at least ``inclusion_nodes(index, size)``.

    Raises:
        MalformedInput: LOG_PLACE_WRONG, LOG_NODE_MISSING.
    """
    return InclusionProver(size, nodes).prove(index)


class InclusionProver:
    """Makes inclusion proofs of leaves of one tree. Those of neighbours share subtrees, which are hashed once.

    Args:
        size: leaves of the tree, 1 to 2^63 - 1; also of an earlier state.
        nodes: at least the ``inclusion_nodes`` of every leaf that is to be proven.
    """

    def __init__(self, size: int, nodes: Mapping[NodeId, bytes]) -> None:
        self._size = size
        self._nodes = nodes
        self._known: dict[_Range, bytes] = {}

    def prove(self, index: int) -> tuple[bytes, ...]:
        """As ``inclusion_proof``."""
        return tuple(map(self._hash, _inclusion_ranges(index, self._size)))

    def _hash(self, subtree: _Range) -> bytes:
        known = self._known.get(subtree)
        if known is None:
            known = self._known[subtree] = _hash_of(subtree, self._nodes)
        return known


def consistency_nodes(old_size: int, new_size: int) -> tuple[NodeId, ...]:
    """The nodes that ``consistency_proof`` needs: at most 125. Arguments and errors are those of it."""
    return _nodes(_consistency_ranges(old_size, new_size))


def consistency_proof(old_size: int, new_size: int, nodes: Mapping[NodeId, bytes]) -> tuple[bytes, ...]:
    """The proof that a tree grew and nothing in it changed: PROOF(old_size, D_new_size). At most 64 hashes.

    It is empty where there is nothing to prove: from the empty tree, and between trees of one size.

    Args:
        old_size: leaves of the earlier state, from 0 on.
        new_size: leaves of the later state, ``old_size`` to 2^63 - 1.
        nodes: at least ``consistency_nodes(old_size, new_size)``.

    Raises:
        MalformedInput: LOG_PLACE_WRONG, LOG_NODE_MISSING.
    """
    return _hashes(_consistency_ranges(old_size, new_size), nodes)


def _inclusion_ranges(index: int, size: int) -> tuple[_Range, ...]:
    """The subtrees beside the way from the root to the leaf, the lowest first."""
    check_index(index, size)
    begin, end = 0, size
    beside: list[_Range] = []
    while end - begin > 1:
        middle = _middle(begin, end)
        if index < middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((begin, middle))
            begin = middle
    return tuple(reversed(beside))


def _consistency_ranges(old_size: int, new_size: int) -> tuple[_Range, ...]:
    """The subtrees beside the way to the last subtree that both trees have, and that one before them."""
    check_growth(old_size, new_size)
    if old_size == 0:
        return ()
    begin, end = 0, new_size
    beside: list[_Range] = []
    while end != old_size:
        middle = _middle(begin, end)
        if old_size <= middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((begin, middle))
            begin = middle
    if begin > 0:  # else it is the whole old tree, whose root is known
        beside.append((begin, end))
    return tuple(reversed(beside))


def _middle(begin: int, end: int) -> int:
    """Where RFC 9162 divides a subtree: behind the largest power of two of leaves that is less than all of them."""
    return begin + (1 << (end - begin - 1).bit_length() - 1)


def _nodes(ranges: tuple[_Range, ...]) -> tuple[NodeId, ...]:
    return tuple(node for begin, end in ranges for node in nodes_of_range(begin, end))


def _hashes(ranges: tuple[_Range, ...], nodes: Mapping[NodeId, bytes]) -> tuple[bytes, ...]:
    return tuple(_hash_of(subtree, nodes) for subtree in ranges)


def _hash_of(subtree: _Range, nodes: Mapping[NodeId, bytes]) -> bytes:
    return fold(pick(nodes_of_range(*subtree), nodes))
