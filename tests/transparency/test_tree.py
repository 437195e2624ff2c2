"""The tree: its hashes, its nodes, and how it grows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from tests.mpc.refusals import malformed
from tests.transparency.trees import LEAVES, NODES, ROOTS, SMALL, Uniform, mth
from transparency.frontier import Frontier, frontier_from
from transparency.hashing import EMPTY_ROOT, hash_children, hash_leaf
from transparency.nodes import MAX_SIZE, NodeId, nodes_of_root

VECTORS: Final = json.loads((Path(__file__).parent / "vectors/merkle_tree.json").read_text(encoding="utf-8"))
SIZES: Final = st.integers(0, MAX_SIZE)


def test_roots_of_certificate_transparency() -> None:
    """The source is in the file."""
    leaves = [hash_leaf(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
    roots = [Frontier().append(leaves[:size]).frontier.root.hex() for size in range(len(leaves) + 1)]
    assert roots == VECTORS["roots"]
    assert EMPTY_ROOT.hex() == VECTORS["roots"][0]


@given(st.lists(st.lists(st.binary(max_size=40), max_size=20), max_size=10))
def test_root_is_that_of_other_implementations(batches: list[list[bytes]]) -> None:
    """However the leaves are divided into batches: of the RFC's text, and of pymerkle."""
    frontier, nodes, other = Frontier(), dict[NodeId, bytes](), InmemoryTree(algorithm="sha256")
    for batch in batches:
        growth = frontier.append([hash_leaf(leaf) for leaf in batch])
        assert nodes.keys().isdisjoint(growth.nodes)
        nodes |= growth.nodes
        frontier = growth.frontier
        for leaf in batch:
            other.append_entry(leaf)
    leaves = [leaf for batch in batches for leaf in batch]
    assert frontier.root == mth(leaves)
    if leaves:
        assert frontier.root == other.get_root()
    assert frontier == frontier_from(len(leaves), nodes)
    assert nodes == Frontier().append([hash_leaf(leaf) for leaf in leaves]).nodes


def test_nodes_are_the_complete_subtrees() -> None:
    """All of them, each the hash of its leaves, and nothing else."""
    expected = {
        NodeId(level, position): mth(LEAVES[position << level : position + 1 << level])
        for level in range(7)
        for position in range(SMALL >> level)
    }
    assert expected == NODES


@pytest.mark.parametrize("size", range(SMALL + 1))
def test_every_earlier_state_can_be_read(size: int) -> None:
    """Its frontier comes from nodes that were stored since, and grows on to the same tree."""
    frontier = frontier_from(size, NODES)
    assert frontier.root == ROOTS[size]
    assert frontier.append([hash_leaf(leaf) for leaf in LEAVES[size:]]).frontier == frontier_from(SMALL, NODES)


@given(SIZES)
def test_frontier_of_any_size_is_short(size: int) -> None:
    """One node for each bit of the size, together all leaves, from left to right."""
    nodes = nodes_of_root(size)
    assert len(nodes) == size.bit_count()
    begin = 0
    for node in nodes:
        assert node.position << node.level == begin
        begin += 1 << node.level
    assert begin == size


@given(st.integers(0, MAX_SIZE - 3), st.integers(0, 3))
def test_enormous_tree_grows(size: int, more: int) -> None:
    """By few nodes, none of which was there before."""
    leaf = hash_leaf(b"")
    whole = Uniform(leaf)
    growth = frontier_from(size, whole).append([leaf] * more)
    assert len(growth.nodes) < 2 * more + 64
    assert all(whole[node] == value for node, value in growth.nodes.items())
    assert all(node.position + 1 << node.level > size for node in growth.nodes)
    assert growth.frontier == frontier_from(size + more, whole)


def test_tree_of_the_largest_size_is_full() -> None:
    """2^63 - 1 leaves, and not one more; what was refused changed nothing."""
    leaf = hash_leaf(b"")
    full = frontier_from(MAX_SIZE, Uniform(leaf))
    assert full.append([]).frontier == full
    with malformed("LOG_PLACE_WRONG"):
        full.append([leaf])


@pytest.mark.parametrize("size", [-1, MAX_SIZE + 1])
def test_sizes_that_no_tree_has(size: int) -> None:
    """Everywhere."""
    with malformed("LOG_PLACE_WRONG"):
        nodes_of_root(size)
    with malformed("LOG_PLACE_WRONG"):
        Frontier(size, ())


@pytest.mark.parametrize("hashes", [(), (bytes(32),), (bytes(32),) * 3, (bytes(32), bytes(31)), (bytes(33), b"")])
def test_frontier_of_another_tree(hashes: tuple[bytes, ...]) -> None:
    """A size of 3 has two hashes, of 32 bytes."""
    with malformed("LOG_FRONTIER_MALFORMED"):
        Frontier(3, hashes)


@pytest.mark.parametrize("leaf_hash", [b"", bytes(31), bytes(33)])
def test_leaf_that_was_not_hashed(leaf_hash: bytes) -> None:
    """Content in the place of its hash is noticed, unless it has 32 bytes."""
    with malformed("LOG_FRONTIER_MALFORMED"):
        Frontier().append([bytes(32), leaf_hash])


@pytest.mark.parametrize("damaged", [None, b"", bytes(31)])
def test_store_that_lost_a_node(damaged: bytes | None) -> None:
    """It is named."""
    nodes = {node: value for node, value in NODES.items() if node != NodeId(1, 2)}
    if damaged is not None:
        nodes[NodeId(1, 2)] = damaged
    with malformed("LOG_NODE_MISSING"):
        frontier_from(6, nodes)


def test_leaf_is_no_inner_node() -> None:
    """A leaf that consists of two hashes has another hash than their parent."""
    left, right = hash_leaf(b"left"), hash_leaf(b"right")
    assert hash_leaf(left + right) != hash_children(left, right)
