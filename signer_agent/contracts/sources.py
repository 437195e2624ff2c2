"""Where the content of a message comes from: a file, bytes, or a stream. Read once, from its beginning."""

from __future__ import annotations

import asyncio
import hashlib
import io
import mimetypes
import os
import stat
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Final

from wire.catalogue import ServiceError
from wire.client.named_files import translated

TEXT_TYPE: Final = "text/plain; charset=utf-8"
"""Content type of what was typed."""
UNKNOWN_TYPE: Final = "application/octet-stream"
"""Content type of what is not known."""

_PIECE_BYTES: Final = 1 << 20


class Reading(ABC):
    """One reading of a source, from its beginning. Blocks; for worker threads."""

    @abstractmethod
    def read(self, size: int) -> bytes:
        """The next ``size`` bytes; fewer only at the end.

        Raises:
            ServiceError: FILE_UNUSABLE.
        """

    @abstractmethod
    def finish(self) -> None:
        """To be called at the end. Raises ServiceError (SOURCE_CHANGED): it changed while it was read."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""


class Source(ABC):
    """Content.

    Args:
        name: file name without a path, or empty.
        content_type: media type.
    """

    def __init__(self, name: str, content_type: str) -> None:
        self.name = name
        self.content_type = content_type
        self.held: bytes | None = None
        """SHA-256 that it is held to, 32 bytes; None: to none."""

    def hold(self) -> bytes:
        """Read all of a repeatable source, and hold it to that: whatever else is read later is not signed. Blocks.

        Returns:
            SHA-256 of the content, 32 bytes: to be shown to whoever decides whether to sign.

        Raises:
            ServiceError: FILE_UNUSABLE, SOURCE_CHANGED.
        """
        digest = hashlib.sha256()
        with closing(self.open()) as reading:
            while piece := reading.read(_PIECE_BYTES):
                digest.update(piece)
            reading.finish()
        self.held = digest.digest()
        return self.held

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Bytes, where they are known before."""

    @property
    @abstractmethod
    def repeatable(self) -> bool:
        """Whether it can be opened more than once."""

    @property
    def origin(self) -> str:
        """What a later process finds it again by: a path; empty if it cannot."""
        return ""

    @abstractmethod
    def open(self) -> Reading:
        """Begin to read. Blocks. Raises ServiceError (FILE_UNUSABLE)."""


class FileSource(Source):
    """A file.

    Args:
        path: where. A pipe is read as a stream.
        content_type: media type; by default what the file's name says.
        name: what the recipients are told; the file's own name by default.

    Raises:
        ServiceError: FILE_UNUSABLE: there is no such file, or a folder.
    """

    def __init__(self, path: Path, content_type: str = "", name: str = "") -> None:
        own_name = name or unicodedata.normalize("NFC", path.name)
        super().__init__(own_name, content_type or mimetypes.guess_type(own_name)[0] or UNKNOWN_TYPE)
        self.path = path
        with translated(path):
            found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise ServiceError("FILE_UNUSABLE", file=str(path), problem="it is a folder")
        self._regular = stat.S_ISREG(found.st_mode)
        self._size = found.st_size

    @property
    def size(self) -> int | None:
        """See ``Source``."""
        return self._size if self._regular else None

    @property
    def repeatable(self) -> bool:
        """See ``Source``."""
        return self._regular

    @property
    def origin(self) -> str:
        """See ``Source``."""
        return str(self.path.absolute()) if self._regular else ""

    def open(self) -> Reading:
        """See ``Source``."""
        with translated(self.path):
            return _FileReading(self.path, io.FileIO(self.path))


class BytesSource(Source):
    """Content that is in memory already: a text, a picture that a program made."""

    def __init__(self, content: bytes, content_type: str = UNKNOWN_TYPE, name: str = "") -> None:
        super().__init__(name, content_type)
        self._content = content

    @property
    def size(self) -> int | None:
        """See ``Source``."""
        return len(self._content)

    @property
    def repeatable(self) -> bool:
        """See ``Source``."""
        return True

    def open(self) -> Reading:
        """See ``Source``."""
        return _BytesReading(io.BytesIO(self._content))


class StreamSource(Source):
    """What an asynchronous iterator yields, in pieces of any size. Of an event loop that runs."""

    def __init__(
        self, stream: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop, content_type: str, name: str = ""
    ) -> None:
        super().__init__(name, content_type)
        self._stream = stream
        self._loop = loop

    @property
    def size(self) -> int | None:
        """See ``Source``."""
        return None

    @property
    def repeatable(self) -> bool:
        """See ``Source``."""
        return False

    def open(self) -> Reading:
        """See ``Source``."""
        return _StreamReading(self._stream, self._loop)


class _FileReading(Reading):
    def __init__(self, path: Path, file: io.FileIO) -> None:
        self._path = path
        self._file = file
        self._before = self._looks()

    def read(self, size: int) -> bytes:
        with translated(self._path):
            return _read_fully(self._file, size)

    def finish(self) -> None:
        if self._looks() != self._before:
            raise ServiceError("SOURCE_CHANGED", source=self._path.name)

    def close(self) -> None:
        self._file.close()

    def _looks(self) -> tuple[int, int] | None:
        found = os.fstat(self._file.fileno())
        return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


class _BytesReading(Reading):
    def __init__(self, content: io.BytesIO) -> None:
        self._content = content

    def read(self, size: int) -> bytes:
        return self._content.read(size)

    def finish(self) -> None:
        pass  # bytes do not change

    def close(self) -> None:
        pass  # nothing is held


class _StreamReading(Reading):
    def __init__(self, stream: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> None:
        self._stream = stream
        self._loop = loop
        self._left = bytearray()
        self._ended = False

    def read(self, size: int) -> bytes:
        while len(self._left) < size and not self._ended:
            piece = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            if piece is None:
                self._ended = True
            else:
                self._left += piece
        taken = bytes(self._left[:size])
        del self._left[:size]
        return taken

    def finish(self) -> None:
        pass  # what was yielded was read

    def close(self) -> None:
        pass  # whoever made it ends it

    async def _next(self) -> bytes | None:
        return await anext(self._stream, None)


def _read_fully(file: io.FileIO, size: int) -> bytes:
    """Read until there are ``size`` bytes: a pipe gives what is there."""
    first = file.read(size) or b""
    if len(first) in {0, size}:
        return first
    pieces, have = [first], len(first)
    while have < size and (piece := file.read(size - have)):
        pieces.append(piece)
        have += len(piece)
    return b"".join(pieces)
