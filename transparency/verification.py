"""Verifies proofs: RFC 9162 sections 2.1.3.2 and 2.1.4.2, step by step. What does not hold raises.

Sizes and root hashes are for the caller to trust: they come from checkpoints whose signature it verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from transparency.errors import require_shown, require_that
from transparency.hashing import EMPTY_ROOT, HASH_BYTES, hash_children
from transparency.nodes import check_size

_PROOF_REASON: Final = "LOG_PROOF_MALFORMED"
_INCLUSION_REASON: Final = "INCLUSION_NOT_PROVEN"
_CONSISTENCY_REASON: Final = "CONSISTENCY_NOT_PROVEN"


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is in a tree, at that place.

    Danger: ``leaf_hash`` must be computed with ``hash_leaf`` from the leaf itself. One that somebody names could be the
    hash of an inner node of another, shorter way.

    Args:
        leaf_hash: 32 bytes.
        index: where the leaf is said to be, from 0 on.
        size: leaves of the tree, 0 to 2^63 - 1.
        proof: hashes, from the leaf's sibling up.
        root: root hash of the tree.

    Raises:
        MalformedInput: LOG_PLACE_WRONG: no tree has that size; LOG_PROOF_MALFORMED: a hash has not 32 bytes.
        NotProven: INCLUSION_NOT_PROVEN.
    """
    check_size(size)
    _require_hashes(leaf_hash, root, *proof)
    # 1
    require_shown(0 <= index < size, f"a tree of {size} leaves has none at {index}", reason=_INCLUSION_REASON)
    # 2, 3
    fn, sn = index, size - 1
    r = leaf_hash
    # 4
    for p in proof:
        require_shown(sn != 0, "the proof is too long", reason=_INCLUSION_REASON)
        if fn & 1 or fn == sn:
            r = hash_children(p, r)
            fn, sn = _skip(fn, sn)
        else:
            r = hash_children(r, p)
        fn, sn = fn >> 1, sn >> 1
    # 5
    require_shown(sn == 0, "the proof is too short", reason=_INCLUSION_REASON)
    require_shown(r == root, "the proof leads to another root", reason=_INCLUSION_REASON)


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that a tree grew from an earlier state, and nothing that was in it changed.

    RFC 9162 takes 0 < old_size < new_size for granted. Trees of one size must have one root, and the empty tree its
    own, and the proof is then empty, for there is nothing that it could say.

    Args:
        old_size: leaves of the earlier state, 0 to 2^63 - 1.
        new_size: leaves of the later state, 0 to 2^63 - 1.
        old_root: root hash of the earlier state.
        new_root: root hash of the later state.
        proof: hashes, in the order of RFC 9162.

    Raises:
        MalformedInput: LOG_PLACE_WRONG: no tree has that size; LOG_PROOF_MALFORMED: a hash has not 32 bytes.
        NotProven: CONSISTENCY_NOT_PROVEN.
    """
    for size, root in ((old_size, old_root), (new_size, new_root)):
        _require_hashes(root)
        empty = check_size(size) > 0 or root == EMPTY_ROOT
        require_shown(empty, "the empty tree has another root", reason=_CONSISTENCY_REASON)
    _require_hashes(*proof)
    require_shown(old_size <= new_size, "the tree shrank", reason=_CONSISTENCY_REASON)
    if old_size in {0, new_size}:
        require_shown(not proof, "the proof is too long", reason=_CONSISTENCY_REASON)
        same = old_size == 0 or old_root == new_root
        require_shown(same, "trees of one size have different roots", reason=_CONSISTENCY_REASON)
        return
    _verify_growth(old_size, new_size, old_root, new_root, list(proof))


def _verify_growth(first: int, second: int, first_hash: bytes, second_hash: bytes, path: list[bytes]) -> None:
    # 1
    require_shown(path, "the proof is too short", reason=_CONSISTENCY_REASON)
    # 2
    if first.bit_count() == 1:
        path = [first_hash, *path]
    # 3, 4
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    # 5
    fr = sr = path[0]
    # 6
    for c in path[1:]:
        require_shown(sn != 0, "the proof is too long", reason=_CONSISTENCY_REASON)
        if fn & 1 or fn == sn:
            fr, sr = hash_children(c, fr), hash_children(c, sr)
            fn, sn = _skip(fn, sn)
        else:
            sr = hash_children(sr, c)
        fn, sn = fn >> 1, sn >> 1
    # 7
    require_shown(sn == 0, "the proof is too short", reason=_CONSISTENCY_REASON)
    require_shown(fr == first_hash, "the proof leads to another earlier root", reason=_CONSISTENCY_REASON)
    require_shown(sr == second_hash, "the proof leads to another root", reason=_CONSISTENCY_REASON)


def _skip(fn: int, sn: int) -> tuple[int, int]:
    """Shift both until the lowest bit of ``fn`` is set or it is 0: levels at which the right edge has no sibling."""
    while fn and not fn & 1:
        fn, sn = fn >> 1, sn >> 1
    return fn, sn


def _require_hashes(*hashes: bytes) -> None:
    fits = all(len(each) == HASH_BYTES for each in hashes)
    require_that(fits, f"a hash has not {HASH_BYTES} bytes", reason=_PROOF_REASON)
