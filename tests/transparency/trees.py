"""Trees to test with: RFC 9162 section 2.1 as it stands there, recursive and slow; a small tree; an enormous one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

from transparency.frontier import Frontier
from transparency.hashing import hash_leaf
from transparency.nodes import MAX_SIZE, NodeId


def mth(data: list[bytes]) -> bytes:
    """MTH (section 2.1.1)."""
    n = len(data)
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = split(n)
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: list[bytes]) -> list[bytes]:
    """PATH (section 2.1.3.1)."""
    n = len(data)
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def proof(m: int, data: list[bytes]) -> list[bytes]:
    """PROOF (section 2.1.4.1), for 0 < m < n."""
    return subproof(m, data, known=True)


def subproof(m: int, data: list[bytes], *, known: bool) -> list[bytes]:
    """SUBPROOF (section 2.1.4.1)."""
    n = len(data)
    if m == n:
        return [] if known else [mth(data)]
    k = split(n)
    if m <= k:
        return [*subproof(m, data[:k], known=known), mth(data[k:])]
    return [*subproof(m - k, data[k:], known=False), mth(data[:k])]


def split(n: int) -> int:
    """The largest power of two less than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


SMALL: Final = 64
LEAVES: Final = [b"leaf %d" % number for number in range(SMALL)]
NODES: Final = Frontier().append([hash_leaf(leaf) for leaf in LEAVES]).nodes
ROOTS: Final = [mth(LEAVES[:size]) for size in range(SMALL + 1)]


class Uniform(Mapping[NodeId, bytes]):
    """The nodes of a tree of 2^63 - 1 equal leaves: every node of a level is the same."""

    def __init__(self, leaf_hash: bytes) -> None:
        self._levels = [leaf_hash]
        for _ in range(62):
            below = self._levels[-1]
            self._levels.append(hashlib.sha256(b"\x01" + below + below).digest())

    def __getitem__(self, node: NodeId) -> bytes:
        assert node.position + 1 << node.level <= MAX_SIZE
        return self._levels[node.level]

    def __iter__(self) -> Iterator[NodeId]:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError
