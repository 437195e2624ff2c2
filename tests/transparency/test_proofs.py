"""Proofs: made from nodes, verified, and refused when anything about them is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from tests.mpc.refusals import malformed
from tests.transparency import trees
from tests.transparency.refusals import not_proven
from tests.transparency.trees import LEAVES, NODES, ROOTS, SMALL, Uniform
from transparency.frontier import Frontier, frontier_from
from transparency.hashing import EMPTY_ROOT, hash_children, hash_leaf
from transparency.nodes import MAX_SIZE
from transparency.proofs import consistency_nodes, consistency_proof, inclusion_nodes, inclusion_proof
from transparency.verification import verify_consistency, verify_inclusion

VECTORS: Final = json.loads((Path(__file__).parent / "vectors/merkle_tree.json").read_text(encoding="utf-8"))
HASHES: Final = [hash_leaf(leaf) for leaf in LEAVES]
WHOLE: Final = Uniform(hash_leaf(b""))


def unhex(hashes: list[str]) -> list[bytes]:
    """A proof of the vectors."""
    return [bytes.fromhex(each) for each in hashes]


def spoiled(proof: tuple[bytes, ...]) -> Iterator[tuple[bytes, ...]]:
    """Every way to change a proof by one hash: a bit of one, one less, one more, one twice, two exchanged."""
    other = bytes(range(32))
    for place, value in enumerate(proof):
        for bit in (0, 100, 255):
            flipped = (int.from_bytes(value) ^ 1 << bit).to_bytes(32)
            yield (*proof[:place], flipped, *proof[place + 1 :])
        yield proof[:place] + proof[place + 1 :]
        yield (*proof[:place], value, *proof[place:])
        if place:
            yield (*proof[: place - 1], value, proof[place - 1], *proof[place + 1 :])
    for place in range(len(proof) + 1):
        yield (*proof[:place], other, *proof[place:])


@pytest.mark.parametrize("size", range(1, SMALL + 1))
def test_inclusion_of_every_leaf(size: int) -> None:
    """Proofs are those of the RFC, need no node but those that were named, and hold for their leaf and place alone."""
    for index in range(size):
        nodes = {node: NODES[node] for node in inclusion_nodes(index, size)}
        proof = inclusion_proof(index, size, nodes)
        assert list(proof) == trees.path(index, LEAVES[:size])
        verify_inclusion(HASHES[index], index, size, proof, ROOTS[size])
        for other in range(-1, size + 2):
            if other != index:
                with not_proven("INCLUSION_NOT_PROVEN"):
                    verify_inclusion(HASHES[index], other, size, proof, ROOTS[size])
        with not_proven("INCLUSION_NOT_PROVEN"):
            verify_inclusion(HASHES[(index + 1) % SMALL], index, size, proof, ROOTS[size])


@pytest.mark.parametrize("new_size", range(SMALL + 1))
def test_consistency_of_all_states(new_size: int) -> None:
    """Proofs are those of the RFC, need no node but those that were named, and hold for their two roots alone."""
    for old_size in range(new_size + 1):
        nodes = {node: NODES[node] for node in consistency_nodes(old_size, new_size)}
        proof = consistency_proof(old_size, new_size, nodes)
        expected = trees.proof(old_size, LEAVES[:new_size]) if 0 < old_size < new_size else []
        assert list(proof) == expected
        old_root, new_root = ROOTS[old_size], ROOTS[new_size]
        verify_consistency(old_size, new_size, old_root, new_root, proof)
        wrong = bytes(32)
        with not_proven("CONSISTENCY_NOT_PROVEN"):
            verify_consistency(old_size, new_size, wrong, new_root, proof)
        if old_size:
            with not_proven("CONSISTENCY_NOT_PROVEN"):
                verify_consistency(old_size, new_size, old_root, wrong, proof)


@pytest.mark.parametrize("size", range(1, 18))
def test_every_change_of_a_proof_is_noticed(size: int) -> None:
    """Flipped, cut, lengthened and reordered proofs prove nothing."""
    for index in range(size):
        for proof in spoiled(inclusion_proof(index, size, NODES)):
            with not_proven("INCLUSION_NOT_PROVEN"):
                verify_inclusion(HASHES[index], index, size, proof, ROOTS[size])
    for old_size in range(size + 1):
        for proof in spoiled(consistency_proof(old_size, size, NODES)):
            with not_proven("CONSISTENCY_NOT_PROVEN"):
                verify_consistency(old_size, size, ROOTS[old_size], ROOTS[size], proof)


@pytest.mark.parametrize("size", range(1, 18))
def test_proof_of_another_place_or_state(size: int) -> None:
    """An inclusion proof for another index or size; a consistency proof between other sizes."""
    for index in range(size):
        proof = inclusion_proof(index, size, NODES)
        for other in range(SMALL + 1):
            if ROOTS[other] != ROOTS[size]:
                with not_proven("INCLUSION_NOT_PROVEN"):
                    verify_inclusion(HASHES[index], index, other, proof, ROOTS[other])
    for old_size in range(1, size):
        proof = consistency_proof(old_size, size, NODES)
        for other in range(1, 34):
            if other != old_size:
                with not_proven("CONSISTENCY_NOT_PROVEN"):
                    verify_consistency(other, size, ROOTS[other], ROOTS[size], proof)
            if other != size:
                with not_proven("CONSISTENCY_NOT_PROVEN"):
                    verify_consistency(old_size, other, ROOTS[old_size], ROOTS[other], proof)


@pytest.mark.parametrize("at", range(8))
def test_log_that_rewrites_a_record(at: int) -> None:
    """Whatever proof it makes, from the old tree's nodes or the new one's, who kept the old root is not deceived."""
    forged = [*HASHES[:at], hash_leaf(b"another"), *HASHES[at + 1 :]]
    rewritten = Frontier().append(forged)
    for nodes in (NODES, rewritten.nodes):
        for size in (8, 9, 33, SMALL):
            with not_proven("CONSISTENCY_NOT_PROVEN"):
                new_root = frontier_from(size, rewritten.nodes).root
                verify_consistency(8, size, ROOTS[8], new_root, consistency_proof(8, size, nodes))


def test_proofs_of_certificate_transparency() -> None:
    """The source is in the file."""
    leaves = [hash_leaf(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
    nodes, roots = Frontier().append(leaves).nodes, unhex(VECTORS["roots"])
    for each in VECTORS["inclusion"]:
        index, size, proof = each["index"], each["size"], unhex(each["proof"])
        assert list(inclusion_proof(index, size, nodes)) == proof
        verify_inclusion(leaves[index], index, size, proof, roots[size])
    for each in VECTORS["consistency"]:
        old_size, new_size, proof = each["old_size"], each["new_size"], unhex(each["proof"])
        assert list(consistency_proof(old_size, new_size, nodes)) == proof
        verify_consistency(old_size, new_size, roots[old_size], roots[new_size], proof)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=300), st.data())
def test_inclusion_as_another_implementation_has_it(leaves: list[bytes], data: st.DataObject) -> None:
    """There leaves are counted from 1, and each proof begins with the leaf's own hash."""
    size = data.draw(st.integers(1, len(leaves)))
    index = data.draw(st.integers(0, size - 1))
    other = InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        other.append_entry(leaf)
    theirs = other.prove_inclusion(index + 1, size).path
    ours = inclusion_proof(index, size, Frontier().append([hash_leaf(leaf) for leaf in leaves]).nodes)
    assert [hash_leaf(leaves[index]), *ours] == theirs
    verify_inclusion(theirs[0], index, size, theirs[1:], other.get_root(size))


@given(st.integers(1, MAX_SIZE), st.data())
def test_inclusion_in_an_enormous_tree(size: int, data: st.DataObject) -> None:
    """From a hundred nodes or so."""
    index = data.draw(st.one_of(st.integers(0, size - 1), st.just(size - 1), st.just(0)))
    assert len(inclusion_nodes(index, size)) <= 124
    proof = inclusion_proof(index, size, WHOLE)
    assert len(proof) <= 63
    root = frontier_from(size, WHOLE).root
    verify_inclusion(hash_leaf(b""), index, size, proof, root)
    with not_proven("INCLUSION_NOT_PROVEN"):
        verify_inclusion(hash_leaf(b"x"), index, size, proof, root)
    with not_proven("INCLUSION_NOT_PROVEN"):
        verify_inclusion(hash_leaf(b""), index, size, (*proof, root), root)


@given(st.integers(1, MAX_SIZE), st.data())
def test_consistency_of_an_enormous_tree(new_size: int, data: st.DataObject) -> None:
    """From a hundred nodes or so."""
    powers = st.integers(0, new_size.bit_length() - 1).map(lambda bit: 1 << bit)
    old_size = data.draw(st.one_of(st.integers(0, new_size), st.just(max(new_size - 1, 1)), powers))
    assert len(consistency_nodes(old_size, new_size)) <= 125
    proof = consistency_proof(old_size, new_size, WHOLE)
    assert len(proof) <= 64
    old_root, new_root = frontier_from(old_size, WHOLE).root, frontier_from(new_size, WHOLE).root
    verify_consistency(old_size, new_size, old_root, new_root, proof)
    with not_proven("CONSISTENCY_NOT_PROVEN"):
        verify_consistency(old_size, new_size, old_root, new_root, (*proof, new_root))


def test_bounds_are_reached() -> None:
    """What the docstrings promise is no more than what is needed."""
    assert len(inclusion_nodes(0, MAX_SIZE)) == 124
    assert len(inclusion_proof(0, MAX_SIZE, WHOLE)) == 63
    assert len(consistency_nodes(3, MAX_SIZE)) == 125
    assert len(consistency_proof(3, MAX_SIZE, WHOLE)) == 64


def test_empty_tree() -> None:
    """It has no leaf, and is consistent with every later state, without proof."""
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, ())
    verify_consistency(0, 5, EMPTY_ROOT, ROOTS[5], ())
    for old_root, new_size, new_root, proof in (
        (bytes(32), 5, ROOTS[5], ()),
        (EMPTY_ROOT, 5, ROOTS[5], (bytes(32),)),
        (EMPTY_ROOT, 0, bytes(32), ()),
        (EMPTY_ROOT, 0, EMPTY_ROOT, (bytes(32),)),
    ):
        with not_proven("CONSISTENCY_NOT_PROVEN"):
            verify_consistency(0, new_size, old_root, new_root, proof)
    with not_proven("INCLUSION_NOT_PROVEN"):
        verify_inclusion(EMPTY_ROOT, 0, 0, (), EMPTY_ROOT)


def test_tree_that_shrank() -> None:
    """No proof shows that it grew, not even between roots that a log chose to be the same."""
    for proof in ((), consistency_proof(3, 7, NODES), (ROOTS[7],)):
        with not_proven("CONSISTENCY_NOT_PROVEN"):
            verify_consistency(7, 3, ROOTS[7], ROOTS[3], proof)
    with not_proven("CONSISTENCY_NOT_PROVEN"):
        verify_consistency(3, 1, ROOTS[3], ROOTS[3], (ROOTS[3],))


def test_roots_that_fit_a_proof_of_another_length() -> None:
    """A log chooses roots after the proof: one that is too long or too short for its sizes is refused anyway."""
    more = bytes(range(32))
    proof = inclusion_proof(2, 3, NODES)
    with not_proven("INCLUSION_NOT_PROVEN"):
        verify_inclusion(HASHES[2], 2, 3, (*proof, more), hash_children(more, ROOTS[3]))
    with not_proven("INCLUSION_NOT_PROVEN"):
        verify_inclusion(HASHES[2], 2, 5, proof, ROOTS[3])
    growth = consistency_proof(3, 4, NODES)
    old_root, new_root = hash_children(more, ROOTS[3]), hash_children(more, ROOTS[4])
    with not_proven("CONSISTENCY_NOT_PROVEN"):
        verify_consistency(3, 4, old_root, new_root, (*growth, more))
    with not_proven("CONSISTENCY_NOT_PROVEN"):
        verify_consistency(3, 8, ROOTS[3], ROOTS[4], growth)


def test_growth_without_a_proof() -> None:
    """Nothing is taken for granted between two sizes."""
    for new_size in range(2, 18):
        for old_size in range(1, new_size):
            with not_proven("CONSISTENCY_NOT_PROVEN"):
                verify_consistency(old_size, new_size, ROOTS[old_size], ROOTS[new_size], ())


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (6, 5), (0, 0), (0, -1), (0, MAX_SIZE + 1)])
def test_leaf_that_is_not_there(index: int, size: int) -> None:
    """No proof of it can be asked for."""
    with malformed("LOG_PLACE_WRONG"):
        inclusion_nodes(index, size)
    with malformed("LOG_PLACE_WRONG"):
        inclusion_proof(index, size, NODES)


@pytest.mark.parametrize(("old_size", "new_size"), [(-1, 5), (6, 5), (0, -1), (-2, -1), (1, MAX_SIZE + 1)])
def test_growth_that_no_tree_has(old_size: int, new_size: int) -> None:
    """No proof of it can be asked for."""
    with malformed("LOG_PLACE_WRONG"):
        consistency_nodes(old_size, new_size)
    with malformed("LOG_PLACE_WRONG"):
        consistency_proof(old_size, new_size, NODES)


@pytest.mark.parametrize("size", [-1, MAX_SIZE + 1])
def test_sizes_that_no_tree_has(size: int) -> None:
    """Nothing is verified for them."""
    with malformed("LOG_PLACE_WRONG"):
        verify_inclusion(HASHES[0], 0, size, (), ROOTS[1])
    with malformed("LOG_PLACE_WRONG"):
        verify_consistency(size, 5, ROOTS[1], ROOTS[5], ())
    with malformed("LOG_PLACE_WRONG"):
        verify_consistency(1, size, ROOTS[1], ROOTS[5], ())


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33)])
def test_hashes_of_another_length(wrong: bytes) -> None:
    """Wherever one stands."""
    proof = (*inclusion_proof(2, 5, NODES)[:-1], wrong)
    growth = (*consistency_proof(3, 5, NODES)[:-1], wrong)
    for leaf_hash, path, root in (
        (wrong, proof, ROOTS[5]),
        (HASHES[2], proof, ROOTS[5]),
        (HASHES[2], proof[:-1], wrong),
    ):
        with malformed("LOG_PROOF_MALFORMED"):
            verify_inclusion(leaf_hash, 2, 5, path, root)
    for old_root, new_root, path in (
        (wrong, ROOTS[5], growth[:-1]),
        (ROOTS[3], wrong, growth[:-1]),
        (ROOTS[3], ROOTS[5], growth),
    ):
        with malformed("LOG_PROOF_MALFORMED"):
            verify_consistency(3, 5, old_root, new_root, path)


def test_proof_from_a_store_that_lost_a_node() -> None:
    """It is not made."""
    for lost in inclusion_nodes(2, 7):
        with malformed("LOG_NODE_MISSING"):
            inclusion_proof(2, 7, {node: value for node, value in NODES.items() if node != lost})
    for lost in consistency_nodes(3, 7):
        with malformed("LOG_NODE_MISSING"):
            consistency_proof(3, 7, {node: value for node, value in NODES.items() if node != lost})
