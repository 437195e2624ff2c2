"""Contents of any size are read once, in little memory, and no further than they say that they are long."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from contract.bundle.content import measure_content
from contract.bundle.files import BundleFile
from contract.bundle.verification import verify_bundle
from contract.report import Outcome
from contract.statement import Decision
from contract.stream import SEGMENT_BYTES
from tests.contract.disclosure import REASON, answered_case, simple_case
from tests.contract.evidence import CONTENT_KEY, deposit, seal_content
from tests.contract.world import CONTENT, World
from tests.mpc.refusals import malformed


def stream(length: int, piece: int) -> Callable[[], Iterator[bytes]]:
    """Zeros, made as they are read."""
    return lambda: (bytes(min(piece, length - at)) for at in range(0, length, piece))


@pytest.mark.parametrize("piece", [1000, 1 << 16, 5 << 20])
def test_pieces_of_any_size(joint: World, piece: int) -> None:
    """The same is found, however the file is read."""
    length = 2 * SEGMENT_BYTES + 5000
    core = deposit(joint).record.header.core
    sealed, segments = seal_content(bytes(length), CONTENT_KEY, core)
    told: list[int] = []
    file = BundleFile("content", length, stream(length, piece))
    found = measure_content(file, CONTENT_KEY.stream_key(core), told.append)
    assert (found.length, found.digest) == (length, hashlib.sha256(bytes(length)).digest())
    assert (found.segments, found.sealed_length) == (segments, len(sealed))
    assert found.sealed_digest == hashlib.sha256(sealed).digest()
    assert sum(told) == length
    assert len(told) == -(-length // piece)


def test_memory_does_not_grow_with_content(joint: World) -> None:
    """A few segments, for sixty of them."""
    length = 60 * SEGMENT_BYTES
    file = BundleFile("content", length, stream(length, 1 << 18))
    key = CONTENT_KEY.stream_key(deposit(joint).record.header.core)
    tracemalloc.start()
    try:
        assert measure_content(file, key, lambda _: None).segments == 60
        assert tracemalloc.get_traced_memory()[1] < 8 * SEGMENT_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("change", [-1, 1, 1 << 20])
def test_content_of_another_length_than_its_file_says(joint: World, change: int) -> None:
    """An archive may lie: reading ends there."""
    case = simple_case(joint)
    lying = BundleFile("content", len(CONTENT), stream(len(CONTENT) + change, 1 << 16))
    read = case.read()
    with malformed("BUNDLE_MALFORMED"):
        verify_bundle(replace(read, contents={"content": lying}), case.trust)


def test_endless_content_is_not_read_to_the_end(joint: World) -> None:
    """Reading stops where the length that it says is passed."""
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(1000)

    key = CONTENT_KEY.stream_key(deposit(joint).record.header.core)
    with malformed("BUNDLE_MALFORMED"):
        measure_content(BundleFile("content", 10_000, endless), key, lambda _: None)
    assert taken == 11


def test_progress_tells_every_byte(joint: World) -> None:
    """Of the answers' contents too."""
    case = answered_case(joint, ("bob", Decision.ACCEPT))
    told: list[int] = []
    report = verify_bundle(case.read(), case.trust, told.append)
    assert report.outcome is Outcome.PASSED
    assert sum(told) == len(CONTENT) + len(REASON)
