"""One pass over a content: its digest, and the digest of what it becomes when it is sealed again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from contract.bundle.files import BundleFile, malformed
from contract.content_key import StreamKey
from contract.stream import SEGMENT_BYTES, SegmentSealer

Progress = Callable[[int], None]
"""Is told how many bytes of contents have been read since it was told last."""


class Digest(Protocol):
    """A SHA-256 that is being computed, such as ``hashlib.sha256()``."""

    def update(self, data: bytes, /) -> None:
        """The next bytes. They do not change any more."""

    def digest(self) -> bytes:
        """The digest, 32 bytes."""
        ...


NewDigest = Callable[[], Digest]
"""Begins a SHA-256. One that computes in a thread of its own makes the pass faster where a second core is free."""


@dataclass(frozen=True, slots=True)
class MeasuredContent:
    """What the pass found.

    Args:
        length: bytes of the content.
        digest: SHA-256 of it, 32 bytes.
        segments: that it was sealed in.
        sealed_length: bytes of the sealed content.
        sealed_digest: SHA-256 of that, 32 bytes.
    """

    length: int
    digest: bytes
    segments: int
    sealed_length: int
    sealed_digest: bytes


def measure_content(
    file: BundleFile, key: StreamKey, progress: Progress, new_digest: NewDigest = hashlib.sha256
) -> MeasuredContent:
    """Read a content once. Holds one segment, its sealed form and one piece of the file.

    Args:
        file: with the content.
        key: of its envelope.
        progress: called after each piece.
        new_digest: for the digest of the content itself.

    Raises:
        MalformedInput: BUNDLE_MALFORMED: the file is not as long as it says.
    """
    segments = _SealedDigest(key)
    plain, length = new_digest(), 0
    for piece in file.read():
        length += len(piece)
        if length > file.length:
            break
        plain.update(piece)
        segments.update(piece)
        progress(len(piece))
    if length != file.length:
        raise malformed("a content of another length than it says")
    segments.finish()
    return MeasuredContent(length, plain.digest(), segments.count, segments.length, segments.digest())


class _SealedDigest:
    """SHA-256 of what a content becomes when it is sealed. One segment is held, and its sealed form."""

    def __init__(self, key: StreamKey) -> None:
        self._sealer = SegmentSealer(key)
        self._sealed = hashlib.sha256()
        self._segment = memoryview(bytearray(SEGMENT_BYTES))
        self._filled = 0
        self.count = 0
        self.length = 0

    def update(self, piece: bytes) -> None:
        """The next bytes of the content."""
        view = memoryview(piece)
        while view:
            if self._filled == SEGMENT_BYTES:  # kept until now, for it could have been the last
                self._seal(last=False)
            room = self._segment[self._filled : self._filled + len(view)]
            room[:] = view[: len(room)]
            self._filled += len(room)
            view = view[len(room) :]

    def finish(self) -> None:
        """To be called once, at the end of the content."""
        self._seal(last=True)

    def digest(self) -> bytes:
        """After the end."""
        return self._sealed.digest()

    def _seal(self, *, last: bool) -> None:
        data = self._sealer.seal(self._segment[: self._filled], last=last)
        self._sealed.update(data)
        self.count, self.length, self._filled = self.count + 1, self.length + len(data), 0
