"""Sealed content in the making and in the opening: segments, hashed and sealed on worker threads in one pass.

The content key is good for one content. To seal two different segments in one place under it would undo AES-GCM, and
that is what sending on after a break could do if the source changed meanwhile. So the tag of every sealed segment is
noted, durably, before the segment leaves: one that is sealed again must have the same tag.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from contract.key_ciphertext import TAG_BYTES
from contract.stream import SEALED_SEGMENT_BYTES, SEGMENT_BYTES, Buffer, SegmentOpener, SegmentSealer
from signer_agent.contracts.sources import Source
from wire.block_records import RecordWriter, in_blocks
from wire.catalogue import ServiceError
from wire.client.named_files import translated
from wire.segments import Segment

BATCH_SEGMENTS: Final = 4
"""Segments that one visit to a worker thread deals with: 8 MiB."""
_STRIDE_BYTES: Final = in_blocks(SEALED_SEGMENT_BYTES)


class SegmentTags:
    """The tags of the segments sealed so far.

    Args:
        path: where they are kept for a later process; None: in memory alone.
    """

    def __init__(self, path: Path | None) -> None:
        self._tags = bytearray()
        self._file: int | None = None
        if path is not None:
            with translated(path):
                self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                while piece := os.read(self._file, 1 << 20):
                    self._tags += piece
            del self._tags[len(self._tags) // TAG_BYTES * TAG_BYTES :]  # half of one: its segment never left
        self._path = path

    def note(self, first: int, sealed: list[Segment]) -> None:
        """Note the tags of segments before they leave.

        Args:
            first: number of the first of them, from 0.
            sealed: the segments.

        Raises:
            ServiceError: SOURCE_CHANGED: another segment was sealed in that place before. FILE_UNUSABLE.
        """
        tags = b"".join(segment.data[-TAG_BYTES:] for segment in sealed)
        begin = first * TAG_BYTES
        known = bytes(self._tags[begin : begin + len(tags)])
        if not tags.startswith(known):
            raise ServiceError("SOURCE_CHANGED", source="")
        new = tags[len(known) :]
        if self._file is not None and new:
            with translated(self._path or Path()):
                os.pwrite(self._file, new, len(self._tags))
                os.fdatasync(self._file)
        self._tags += new

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class ContentSealing:
    """Seals a source. Blocks; for one worker thread at a time.

    Args:
        source: what is sent.
        sealer: of this envelope, at its first segment.
        tags: of this envelope.
        hashed: whether what is sealed is hashed too.
    """

    def __init__(self, source: Source, sealer: SegmentSealer, tags: SegmentTags, *, hashed: bool = False) -> None:
        self._source = source
        self._reading = source.open()
        self._sealer = sealer
        self._tags = tags
        self._hash = hashlib.sha256()
        self._sealed_hash = hashlib.sha256() if hashed else None
        self._ahead: bytes | None = None
        self.segments = 0
        """Segments sealed so far."""
        self.length = 0
        """Bytes read so far."""
        self.ended = False
        """Whether the last segment was sealed."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of what was read so far, 32 bytes."""
        return self._hash.digest()

    @property
    def sealed_digest(self) -> bytes:
        """SHA-256 of what was sealed so far, if that is hashed, 32 bytes."""
        if self._sealed_hash is None:
            raise AssertionError("it is not hashed")
        return self._sealed_hash.digest()

    def next_batch(self) -> list[Segment]:
        """Seal the next segments; none at the end.

        Raises:
            ServiceError: FILE_UNUSABLE, SOURCE_CHANGED.
        """
        sealed: list[Segment] = []
        first = self.segments
        while not self.ended and len(sealed) < BATCH_SEGMENTS:
            sealed.append(self._next_segment())
        if self.ended and sealed:
            self._reading.finish()
            if self._source.held not in {None, self.digest}:
                raise ServiceError("SOURCE_CHANGED", source=self._source.name)
        self._note(first, sealed)
        if self._sealed_hash is not None:
            for segment in sealed:
                self._sealed_hash.update(segment.data)
        return sealed

    def close(self) -> None:
        """Let go of the source."""
        self._reading.close()

    def _next_segment(self) -> Segment:
        segment = self._reading.read(SEGMENT_BYTES) if self._ahead is None else self._ahead
        self._ahead = self._reading.read(SEGMENT_BYTES) if len(segment) == SEGMENT_BYTES else b""
        self.ended = not self._ahead
        self._hash.update(segment)
        self.length += len(segment)
        self.segments += 1
        return Segment.of(self._sealer.seal(segment, last=self.ended))

    def _note(self, first: int, sealed: list[Segment]) -> None:
        try:
            self._tags.note(first, sealed)
        except ServiceError as error:
            if error.reason == "SOURCE_CHANGED":
                raise ServiceError("SOURCE_CHANGED", source=self._source.name) from None
            raise


class ContentOpening:
    """Opens sealed content, to know its length and digest or to write it out. Blocks; for one worker thread at a time.

    Args:
        opener: of this envelope, at its first segment.
        write: takes the plaintext, piece by piece.
    """

    def __init__(self, opener: SegmentOpener, write: Callable[[bytes], object] | None = None) -> None:
        self._opener = opener
        self._write = write
        self._hash = hashlib.sha256()
        self.length = 0
        """Bytes opened so far."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of what was opened so far, 32 bytes."""
        return self._hash.digest()

    def open(self, segment: Buffer, *, last: bool) -> None:
        """Open the next segment.

        Raises:
            ContentDamaged: it does not open.
            OSError: of ``write``.
        """
        plaintext = self._opener.open(segment, last=last)
        self._hash.update(plaintext)
        self.length += len(plaintext)
        if self._write is not None:
            self._write(bytes(plaintext))  # a piece that it may keep


class SegmentFile:
    """Sealed segments in a file (``wire.block_records``). Blocks; for one worker thread at a time.

    Args:
        path: where; made if it is not there, unless it is only to be read.
        writable: whether it can be written.
    """

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        flags = os.O_RDWR | os.O_CREAT if writable else os.O_RDONLY
        self._file = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._writer = RecordWriter(self._file, SEALED_SEGMENT_BYTES)

    def segments(self) -> int:
        """How many are there, with one that may be shorter than the others or a part of one."""
        return -(-self._size() // _STRIDE_BYTES)

    def whole_segments(self) -> int:
        """Segments of full size that are there; a part of another is cut off."""
        count = self._size() // _STRIDE_BYTES
        self.truncate(count)
        return count

    def truncate(self, segments: int) -> None:
        """Keep that many. Raises OSError."""
        os.ftruncate(self._file, segments * _STRIDE_BYTES)

    def append(self, segments: list[Segment]) -> None:
        """Write segments at the end. Raises OSError."""
        self._writer.write(self.segments(), ((segment.data,) for segment in segments))

    def read(self, number: int) -> bytes:
        """The segment of that number, from 0; empty beyond the end. Raises OSError."""
        return os.pread(self._file, SEALED_SEGMENT_BYTES, number * _STRIDE_BYTES)

    def digest(self) -> bytes:
        """SHA-256 of all segments, one after the other, 32 bytes. Raises OSError."""
        found = hashlib.sha256()
        for number in range(self.segments()):
            found.update(self.read(number))
        return found.digest()

    def sync(self) -> None:
        """Make it durable. Raises OSError."""
        os.fsync(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        os.close(self._file)

    def _size(self) -> int:
        return os.fstat(self._file).st_size


def write_fully(file: int, data: Buffer) -> None:
    """Write all of it. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
