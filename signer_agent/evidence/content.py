"""Sealed contents from the evidence server, kept as ciphertext while they are looked at, and opened piece by piece.

::

    evidence/<account>/<statement digest>.sealed   what is being looked at, or was when a crash came

A download that broke goes on where it stopped, also after a crash. What is here whole is what was deposited: length and
SHA-256 are those of the record in the log.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

from fourseal.v1 import evidence_service_pb2 as pb

from contract.bundle.files import BundleFile
from contract.content_key import StreamKey
from contract.evidence_record import EvidenceRecord
from contract.names import check_account_name
from contract.stream import SEALED_SEGMENT_BYTES, SegmentOpener
from mpc.errors import FoursealError
from signer_agent.contracts.envelopes import write_fully
from signer_agent.contracts.signer import Signer
from signer_agent.keystore.store import KeyStore
from wire.client.blame import server_lied
from wire.client.private_folder import PrivateFolder, translated
from wire.streams import is_break

_MAX_FRUITLESS: Final = 5
_TURN: Final = "contents.lock"


class SealedContents:
    """Those of one account. Belongs to the event loop that it was made on.

    Args:
        signer: the account, logged in.
        store: its key store, whose folder has room for them.
    """

    def __init__(self, signer: Signer, store: KeyStore) -> None:
        self._signer = signer
        self._folder = PrivateFolder.create(store.home.folder / "evidence" / check_account_name(signer.name))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Be the only one who fetches contents of this account, on this device; waits."""
        waiting = self._folder.lock(_TURN)
        await asyncio.to_thread(waiting.__enter__)
        try:
            yield
        finally:
            waiting.__exit__(None, None, None)

    @asynccontextmanager
    async def fetched(self, record: EvidenceRecord) -> AsyncIterator[Path]:
        """The sealed content of a message, while the context lasts. Only in a turn.

        Raises:
            RemoteError: EVIDENCE_NOT_FOUND, EVIDENCE_CONTENT_DELETED, EVIDENCE_CONTENT_LOST.
            PeerMisbehaved: EVIDENCE_OF_OTHER_MESSAGE: it is not what was deposited; the culprit is the server.
            ServiceError: STORE_UNUSABLE: no space is left, for example.
        """
        path = self._folder.path / f"{record.statement.digest.hex()}.sealed"
        try:
            await self._fetch(path, record)
            yield path
        except FoursealError as error:
            if not is_break(error):
                _remove(path)
            raise
        else:
            _remove(path)

    async def _fetch(self, path: Path, record: EvidenceRecord) -> None:
        with translated(path):
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fruitless = 0
            while (there := os.fstat(file).st_size) < record.content_length:
                try:
                    await self._stream(file, path, record, there)
                except FoursealError as error:
                    fruitless = 0 if os.fstat(file).st_size > there else fruitless + 1
                    if not is_break(error) or fruitless > _MAX_FRUITLESS:
                        raise
            found = await asyncio.to_thread(_digest_of, path)
        finally:
            os.close(file)
        if found != record.content_digest:
            raise server_lied("EVIDENCE_OF_OTHER_MESSAGE", "its content is not what was deposited")

    async def _stream(self, file: int, path: Path, record: EvidenceRecord, first: int) -> None:
        request = pb.GetEvidenceContentRequest(statement_digest=record.statement.digest, first_byte=first)
        async with self._signer.stream(self._signer.line.evidence.GetEvidenceContent, request) as call:
            async for part in call:
                first += len(part.piece)
                if not part.piece or first > record.content_length:
                    raise server_lied("EVIDENCE_OF_OTHER_MESSAGE", "its content has another length than was deposited")
                with translated(path):
                    await asyncio.to_thread(write_fully, file, part.piece)
        if first < record.content_length:
            raise server_lied("EVIDENCE_OF_OTHER_MESSAGE", "its content is shorter than what was deposited")


def opened_content(name: str, path: Path, record: EvidenceRecord, key: StreamKey) -> BundleFile:
    """A fetched content, in the clear, as a file of a bundle; while it is fetched.

    Reading raises ContentDamaged if it does not open: what its author deposited never did.
    """

    def read() -> Iterator[bytes]:
        opener, left = SegmentOpener(key), record.segments
        with closing(path.open("rb")) as file:
            while left:
                left -= 1
                yield bytes(opener.open(file.read(SEALED_SEGMENT_BYTES), last=not left))

    return BundleFile(name, record.plain_length, read)


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _remove(path: Path) -> None:
    with translated(path):
        path.unlink(missing_ok=True)
