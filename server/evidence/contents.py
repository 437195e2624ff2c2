"""Sealed contents: uploaded before the record that names them, kept with it, handed out in pieces.

* A row stands for an upload from its start on, and counts against its account's quota. A record that names the content
  takes the row's place.
* A content is on the disk before its row says that it is finished; who is answered has it.
* Giving a file its name, and taking files away, are done one after the other (``_moving``), by whatever process:
  nobody takes a file away that a row has just begun to name.
* Whoever lets an upload grow, or drops it, has its part file open, and so alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Final, TypeVar, TypeVarTuple

from sqlalchemy import Connection

from contract.key_ciphertext import TAG_BYTES
from contract.stream import SEALED_SEGMENT_BYTES
from server.clock import Clock
from server.evidence.store import contents, uploads
from server.evidence.store.uploads import ContentUpload
from server.evidence.terms import EvidenceTerms
from server.identity import Login, Logins
from server.journal.places import Places
from server.journal.senders import Senders
from server.sessions import require_joined_once
from server.storage import Database, Threads
from server.storage.blobs import BlobPart, Blobs, PartBusy
from wire.catalogue import ServiceError

MAX_UPLOADS: Final = 64
"""Uploads of an account that no record names yet."""
PIECE_BYTES: Final = 1 << 20
"""Bytes of a piece that is handed out."""
_TRANSFERS: Final = 64
_TRANSFERS_OF_ACCOUNT: Final = 16
_AT_A_TIME: Final = 100
_LOCK_SECONDS: Final = 0.005  # from one try to take the folder's lock to the next

A = TypeVarTuple("A")
T = TypeVar("T")

Part = bytes
"""Pieces; the digest at the end comes as ``Finish``."""


class Finish(bytes):
    """SHA-256 of the whole content: the last part of an upload."""

    __slots__ = ()


class Contents:
    """Takes, keeps and hands out contents. Belongs to the event loop that it was made on.

    Args:
        database: rows.
        blobs: files.
        files: threads for them.
        logins: says what a login has proved.
        terms: quota and lifetimes.
        clock: the time.
    """

    def __init__(
        self, database: Database, blobs: Blobs, files: Threads, logins: Logins, terms: EvidenceTerms, clock: Clock
    ) -> None:
        self.senders = Senders()
        self._database = database
        self._blobs = blobs
        self._files = files
        self._logins = logins
        self._terms = terms
        self._clock = clock
        self._places = Places(capacity=_TRANSFERS, capacity_of_account=_TRANSFERS_OF_ACCOUNT)

    async def put(
        self, login: Login, session_id: str, envelope_id: str, length: int, first: int, parts: AsyncIterator[Part]
    ) -> datetime:
        """Take a content, or the rest of one.

        Args:
            login: whose it is.
            session_id: in which session.
            envelope_id: of the message.
            length: bytes of the whole.
            first: place of the first byte that comes.
            parts: pieces, then a ``Finish``.

        Returns:
            Until when the record must come; also when it was finished before.

        Raises:
            ServiceError: LOGIN_REQUIRED, PROOF_REQUIRED, SESSION_NOT_FOUND, NOT_A_MEMBER; FIELD_INVALID;
                CONTENT_CHANGED: the upload is another's, or was begun with another length; EVIDENCE_QUOTA_EXCEEDED,
                TOO_MANY_CONTENT_UPLOADS, OVERLOADED; CONTENT_UPLOAD_BUSY, CONTENT_UPLOAD_ELSEWHERE,
                CONTENT_UPLOAD_INCOMPLETE, CONTENT_DIGEST_WRONG, EVIDENCE_UNWRITABLE, STORAGE_UNAVAILABLE,
                SHUTTING_DOWN.
        """
        if length < TAG_BYTES:
            raise ServiceError("FIELD_INVALID", field="content_length", problem=f"below {TAG_BYTES}")
        with self._places.take(login.account):
            upload = await self._database.write(
                partial(self._begin, login=login, session_id=session_id, envelope_id=envelope_id, length=length)
            )
            if upload.content_digest is not None:
                return upload.expire_time
            part = await self._open_part(upload)
            try:
                return await self._take(upload, part, first, parts)
            finally:
                part.close()

    async def state(self, login: Login, envelope_id: str) -> tuple[int, bool]:
        """Bytes of an upload that are on the disk, and whether it was finished.

        Raises:
            ServiceError: PROOF_REQUIRED, EVIDENCE_UNWRITABLE, STORAGE_UNAVAILABLE.
        """
        _require_proof(self._logins, login)
        upload = await self._database.read(lambda connection: uploads.find_upload(connection, envelope_id))
        if upload is None or upload.account != login.account:
            return 0, False
        if upload.content_digest is not None:
            return upload.content_length, True
        return min(await self._on_disk(self._blobs.part_length, _part_name(upload)), upload.content_length), False

    async def pieces(self, login: Login, digest: bytes, length: int, first: int) -> AsyncGenerator[bytes, None]:
        """A content from a byte on, for somebody who may have it.

        Raises:
            ServiceError: FIELD_INVALID: there is no such byte; EVIDENCE_CONTENT_LOST, OVERLOADED.
        """
        if not 0 <= first <= length:
            raise ServiceError("FIELD_INVALID", field="first_byte", problem=f"not in 0 to {length}")
        with self._places.take(login.account):
            while first < length:
                try:
                    piece = await self._files.run(self._blobs.read, digest, first, min(PIECE_BYTES, length - first))
                except OSError:
                    piece = b""
                if not piece:
                    raise ServiceError("EVIDENCE_CONTENT_LOST")
                yield piece
                first += len(piece)

    async def expire(self) -> int:
        """Delete uploads that no record named in time, but those that grow. Returns how many."""
        count = 0
        while True:
            dropped = await self._expire_some()
            count += dropped
            if dropped < _AT_A_TIME:
                return count

    async def remove_unneeded(self, digest: bytes) -> None:
        """Delete a content unless a row names it."""
        async with self._moving():
            if not await self._database.read(lambda connection: contents.is_content_needed(connection, digest)):
                await self._on_disk(self._blobs.remove, digest)

    def _begin(
        self, connection: Connection, login: Login, session_id: str, envelope_id: str, length: int
    ) -> ContentUpload:
        self._logins.require_proven(connection, login)
        require_joined_once(connection, session_id, login.account)
        found = uploads.find_upload(connection, envelope_id)
        if found is not None:
            if (found.session_id, found.account, found.content_length) != (session_id, login.account, length):
                raise ServiceError("CONTENT_CHANGED", envelope_id=envelope_id)
            return found
        if uploads.count_uploads(connection, login.account) >= MAX_UPLOADS:
            raise ServiceError("TOO_MANY_CONTENT_UPLOADS", limit=MAX_UPLOADS)
        if contents.used_bytes(connection, login.account) + length > self._terms.quota_bytes:
            raise ServiceError("EVIDENCE_QUOTA_EXCEEDED", limit=self._terms.quota_bytes)
        end = self._clock() + self._terms.upload_lifetime
        upload = ContentUpload(envelope_id, session_id, login.account, length, None, end)
        uploads.add_upload(connection, upload)
        return upload

    async def _take(self, upload: ContentUpload, part: BlobPart, first: int, parts: AsyncIterator[Part]) -> datetime:
        if not 0 <= first <= part.length:
            raise ServiceError("CONTENT_UPLOAD_ELSEWHERE", expected=part.length, found=first)
        await self._on_disk(part.go_on, first)
        digest = await self._grow(part, upload, parts)
        if await self._on_disk(part.seal) != digest:
            await self._on_disk(self._blobs.drop_part, _part_name(upload))
            raise ServiceError("CONTENT_DIGEST_WRONG")
        end = self._clock() + self._terms.upload_lifetime
        async with self._moving():
            await self._on_disk(self._blobs.finish, _part_name(upload), digest)
            finish = partial(uploads.finish_upload, envelope_id=upload.envelope_id, digest=digest, expire_time=end)
            if not await self._database.write(finish):  # its time was over meanwhile
                if not await self._database.read(lambda connection: contents.is_content_needed(connection, digest)):
                    await self._on_disk(self._blobs.remove, digest)
                raise ServiceError("CONTENT_UPLOAD_INCOMPLETE", envelope_id=upload.envelope_id)
        return end

    async def _grow(self, part: BlobPart, upload: ContentUpload, parts: AsyncIterator[Part]) -> bytes:
        incomplete = ServiceError("CONTENT_UPLOAD_INCOMPLETE", envelope_id=upload.envelope_id)
        while True:
            piece = await self.senders.next_in_time(parts, incomplete)
            if piece is None:
                raise incomplete
            if isinstance(piece, Finish):
                if part.length != upload.content_length:
                    raise ServiceError("CONTENT_UPLOAD_ELSEWHERE", expected=upload.content_length, found=part.length)
                return piece
            if not 1 <= len(piece) <= SEALED_SEGMENT_BYTES or part.length + len(piece) > upload.content_length:
                raise ServiceError("FIELD_INVALID", field="piece", problem="empty, or too long")
            await self._on_disk(part.append, piece)

    async def _expire_some(self) -> int:
        now = self._clock()
        query = partial(uploads.list_expired_uploads, now=now, limit=_AT_A_TIME)
        async with self._moving():
            with ExitStack() as parts:
                idle = dict[str, ContentUpload]()
                for upload in await self._database.read(query):
                    try:
                        parts.callback((await self._open_part(upload)).close)
                    except ServiceError as error:
                        if error.reason != "CONTENT_UPLOAD_BUSY":
                            raise
                    else:
                        idle[upload.envelope_id] = upload
                unneeded = await self._database.write(partial(_drop_expired, envelope_ids=idle, now=now))
                for upload in idle.values():
                    await self._on_disk(self._blobs.drop_part, _part_name(upload))
                for digest in unneeded:
                    await self._on_disk(self._blobs.remove, digest)
        return len(idle)

    async def _open_part(self, upload: ContentUpload) -> BlobPart:
        try:
            return await self._on_disk(self._blobs.open_part, _part_name(upload))
        except PartBusy:
            raise ServiceError("CONTENT_UPLOAD_BUSY", envelope_id=upload.envelope_id) from None

    @asynccontextmanager
    async def _moving(self) -> AsyncGenerator[None, None]:
        with await self._on_disk(self._blobs.lock) as lock:
            while not lock.take():  # noqa: ASYNC110  # another process gives it back; a thread's waiting has no end
                await asyncio.sleep(_LOCK_SECONDS)
            yield

    async def _on_disk(self, work: Callable[[*A], T], *arguments: *A) -> T:
        try:
            return await self._files.run(work, *arguments)
        except OSError as error:
            raise ServiceError("EVIDENCE_UNWRITABLE", problem=error.strerror or "it failed") from None


def _drop_expired(connection: Connection, envelope_ids: Collection[str], now: datetime) -> set[bytes]:
    """Forget those of some uploads whose time is over; which contents nothing needs any more."""
    expired = [each for each in uploads.find_uploads(connection, envelope_ids).values() if each.expire_time <= now]
    uploads.drop_uploads(connection, [upload.envelope_id for upload in expired])
    digests = {upload.content_digest for upload in expired if upload.content_digest is not None}
    return {digest for digest in digests if not contents.is_content_needed(connection, digest)}


def _require_proof(logins: Logins, login: Login) -> None:
    if not logins.is_proven(login):
        raise ServiceError("PROOF_REQUIRED")


def _part_name(upload: ContentUpload) -> str:
    return sha256(upload.envelope_id.encode()).hexdigest()
