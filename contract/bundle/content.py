"""One pass over a content: its digest, and the digest of what it becomes when it is sealed again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from contract.bundle.files import BundleFile, malformed
from contract.content_key import StreamKey
from contract.stream import SEGMENT_BYTES, SegmentSealer

Progress = Callable[[int], None]
"""Is told how many bytes of contents have been read since it was told last."""


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


def measure_content(file: BundleFile, key: StreamKey, progress: Progress) -> MeasuredContent:
    """Read a content once. Holds one segment, its sealed form and one piece of the file.

    Args:
        file: with the content.
        key: of its envelope.
        progress: called after each piece.

    Raises:
        MalformedInput: BUNDLE_MALFORMED: the file is not as long as it says.
    """
    sealer = SegmentSealer(key)
    plain, sealed, waiting = hashlib.sha256(), hashlib.sha256(), bytearray()
    length = segments = sealed_length = 0

    def seal(segment: bytes, *, last: bool) -> None:
        nonlocal segments, sealed_length
        data = sealer.seal(segment, last=last)
        sealed.update(data)
        segments, sealed_length = segments + 1, sealed_length + len(data)

    for piece in file.read():
        length += len(piece)
        if length > file.length:
            break
        plain.update(piece)
        waiting += piece
        while len(waiting) > SEGMENT_BYTES:  # one that is just full may be the last
            seal(bytes(waiting[:SEGMENT_BYTES]), last=False)
            del waiting[:SEGMENT_BYTES]
        progress(len(piece))
    if length != file.length:
        raise malformed("a content of another length than it says")
    seal(bytes(waiting), last=True)
    return MeasuredContent(length, plain.digest(), segments, sealed_length, sealed.digest())
