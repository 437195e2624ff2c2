"""What lies in the agent's folder while a stream is read twice."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from signer_agent.daemon import spool
from signer_agent.daemon.spool import SpooledSource
from tests.signer_agent.refusals import refused

MEBIBYTE = 1 << 20


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    """A stream."""
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return [each.name for each in folder.iterdir()]


@pytest.mark.parametrize("length", [0, 1, MEBIBYTE, 2 * MEBIBYTE + 5])
async def test_it_is_read_twice_and_nobody_else_reads_it(tmp_path: Path, length: int) -> None:
    """It has no name, so that it ends with its process, and nothing of it is there in the clear."""
    content = secrets.token_bytes(length)
    source = await SpooledSource.of(pieces(content, 700_000), tmp_path, "video/mp4", "film.mp4")
    with closing(source):
        assert (source.size, source.repeatable, source.origin) == (length, True, "")
        for size in (MEBIBYTE, 99_991):
            with closing(source.open()) as reading:
                read = list(iter(lambda reading=reading, size=size: reading.read(size), b""))  # type: ignore[misc]
                assert (b"".join(read), {len(each) for each in read[:-1]} <= {size}) == (content, True)
        assert names(tmp_path) == []
        file = source._file.fileno()
        lying = os.pread(file, 4 * MEBIBYTE, 0)
        assert len(lying) >= length
        assert not any(content[begin : begin + 16] in lying for begin in range(0, length - 16, 65_536))
        if length:
            os.pwrite(file, bytes([lying[-1] ^ 1]), len(lying) - 1)
            with refused("SOURCE_CHANGED"), closing(source.open()) as reading:
                reading.read(length)


async def test_it_is_bounded_and_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that is too long, nor of one that breaks."""
    monkeypatch.setattr(spool, "MAX_SPOOLED_BYTES", MEBIBYTE)
    (await SpooledSource.of(pieces(bytes(MEBIBYTE), 1000), tmp_path, "video/mp4", "")).close()
    open_before = len(names(Path("/proc/self/fd")))
    with refused("CONTENT_TOO_LONG", maximum=str(MEBIBYTE)):
        await SpooledSource.of(pieces(bytes(MEBIBYTE + 1), 1000), tmp_path, "video/mp4", "")
    assert (len(names(Path("/proc/self/fd"))), names(tmp_path)) == (open_before, [])
    with refused("STORE_UNUSABLE"):
        await SpooledSource.of(pieces(b"x", 1), tmp_path / "nowhere", "video/mp4", "")
