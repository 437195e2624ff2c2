"""A stream that must be read twice, put down for as long as that takes.

It lies sealed, under a key that this process alone has, in a file without a name: whatever ends the process, the system
takes the file away, and nobody reads what was on the disk.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signer_agent.contracts.sources import Reading, Source
from wire.catalogue import ServiceError
from wire.client.private_folder import translated

MAX_SPOOLED_BYTES: Final = 16 << 30
"""Longest stream that is put down."""

_PIECE_BYTES: Final = 1 << 20
_SEALED_BYTES: Final = _PIECE_BYTES + 16
_NONCE_BYTES: Final = 12


class SpooledSource(Source):
    """Use ``of``, and ``close`` it. See ``Source``.

    Args:
        folder: the agent's own, private.
        content_type: media type.
        name: file name, or empty.
    """

    def __init__(self, folder: Path, content_type: str, name: str) -> None:
        super().__init__(name, content_type)
        self._folder = folder
        self._size = 0
        self._cipher = AESGCM(AESGCM.generate_key(256))  # of this content alone: its pieces' numbers are nonces
        with translated(folder):
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  # closed by ``close``

    @classmethod
    async def of(cls, pieces: AsyncIterator[bytes], folder: Path, content_type: str, name: str) -> Self:
        """Put a stream down.

        Raises:
            ServiceError: CONTENT_TOO_LONG: it is longer than ``MAX_SPOOLED_BYTES``; STORE_UNUSABLE: no space is left,
                for example. Nothing stays of it; nor does anything if ``pieces`` raises.
        """
        source = await asyncio.to_thread(cls, folder, content_type, name)
        try:
            left = bytearray()
            async for piece in pieces:
                left += piece
                while len(left) >= _PIECE_BYTES:
                    await asyncio.to_thread(source.add, bytes(left[:_PIECE_BYTES]))
                    del left[:_PIECE_BYTES]
            if left:
                await asyncio.to_thread(source.add, bytes(left))
        except BaseException:
            source.close()
            raise
        return source

    @property
    def size(self) -> int:
        """See ``Source``."""
        return self._size

    @property
    def repeatable(self) -> bool:
        """See ``Source``."""
        return True

    def open(self) -> Reading:
        """See ``Source``."""
        return _SpoolReading(self)

    def close(self) -> None:
        """Take it away."""
        self._file.close()

    def piece(self, number: int) -> bytes:
        """One of its pieces, from 0, of ``_PIECE_BYTES`` but for the last; empty beyond the end. Blocks."""
        with translated(self._folder):
            sealed = os.pread(self._file.fileno(), _SEALED_BYTES, number * _SEALED_BYTES)
        if not sealed:
            return b""
        try:
            return self._cipher.decrypt(_nonce(number), sealed, None)
        except InvalidTag:
            raise ServiceError("SOURCE_CHANGED", source=self.name) from None

    def add(self, piece: bytes) -> None:
        """Put the next piece down: of ``_PIECE_BYTES``, but for the last. Blocks. Raises as ``of``."""
        number = self._size // _PIECE_BYTES
        self._size += len(piece)
        if self._size > MAX_SPOOLED_BYTES:
            raise ServiceError("CONTENT_TOO_LONG", maximum=MAX_SPOOLED_BYTES)
        with translated(self._folder):
            view = memoryview(self._cipher.encrypt(_nonce(number), piece, None))
            while view:
                view = view[self._file.write(view) :]


class _SpoolReading(Reading):
    def __init__(self, source: SpooledSource) -> None:
        self._source = source
        self._number = 0
        self._left = bytearray()

    def read(self, size: int) -> bytes:
        while len(self._left) < size and (piece := self._source.piece(self._number)):
            self._left += piece
            self._number += 1
        taken = bytes(self._left[:size])
        del self._left[:size]
        return taken

    def finish(self) -> None:
        pass  # its pieces are authenticated

    def close(self) -> None:
        pass  # whoever made the source takes it away


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_BYTES, "big")
