"""``Evidence``: messages that were deposited, opened and verified, for asyncio.

::

    evidence = await contracts.evidence()
    for each in await evidence.list(session_id):
        opened = await evidence.open(each.digest)
        print(opened.report.outcome, opened.bundle.message.statement.author)

Every method raises FoursealError, with a reason of the catalogue (docs/errors.md), and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from fourseal.v1 import evidence_service_pb2 as pb

from contract.bundle.parts import DisclosedMessage
from contract.names import check_session_id
from contract.report import Outcome
from signer_agent.contracts.contacts import Contacts
from signer_agent.contracts.entries import Drawers
from signer_agent.contracts.signer import Signer
from signer_agent.evidence.content import SealedContents
from signer_agent.evidence.model import EvidenceSummary, OpenedEvidence
from signer_agent.evidence.opening import Gathered, Opener
from signer_agent.evidence.permissions import Permission, Permissions
from signer_agent.evidence.reading import EvidenceReader
from signer_agent.keystore.store import KeyStore
from signer_agent.requests import checked_page_size
from wire.catalogue import ServiceError
from wire.client.blame import answer_malformed
from wire.client.paging import all_pages

_DIGEST_BYTES: Final = 32


class Evidence:
    """The evidence that concerns one account. Use ``of``. Belongs to the event loop that it was made on.

    Args:
        signer: the account, logged in.
        store: the opened key store.
    """

    def __init__(self, signer: Signer, store: KeyStore) -> None:
        self.account = signer.name
        """Whose it is."""
        self._signer = signer
        self._reader = EvidenceReader(signer)
        self.permissions = Permissions(signer, Contacts(Drawers(store)))
        """That we gave and were given."""
        self._opener = Opener(signer, self._reader, SealedContents(signer, store))

    @classmethod
    async def of(cls, signer: Signer, store: KeyStore) -> Evidence:
        """The evidence of an account. Raises ServiceError (STORE_PERMISSIONS, STORE_UNUSABLE)."""
        return await asyncio.to_thread(cls, signer, store)

    async def list(self, session_id: str) -> list[EvidenceSummary]:
        """What there is of a session's messages, oldest first: ours, those to us, and what we may see.

        Raises:
            RemoteError: SESSION_NOT_FOUND: there is nothing that concerns us, and no such session; what else the server
                refuses.
        """
        return await all_pages(lambda token: self.list_page(session_id, page_token=token))

    async def list_page(
        self, session_id: str, page_size: int = 0, page_token: str = ""
    ) -> tuple[Sequence[EvidenceSummary], str]:
        """A page of what ``list`` has, and the token of the next page, empty at the end. Raises as that."""
        request = pb.ListEvidenceRequest(
            session_id=check_session_id(session_id), page_size=checked_page_size(page_size), page_token=page_token
        )
        answer = await self._signer.call(self._signer.line.evidence.ListEvidence, request)
        if not page_token and not answer.evidence:
            await self._signer.session(session_id)  # else a wrong id would look like a session without evidence
        return tuple(map(_summary, answer.evidence)), answer.next_page_token

    async def permit(self, digest: bytes, grantee: str, end: datetime, begin: datetime | None = None) -> Permission:
        """Let another account see a message of ours or to us, without the answers to it, for a time.

        Once it was used it cannot be taken back: the grantee has the content key.

        Args:
            digest: SHA-256 of its statement, 32 bytes.
            grantee: account.
            end: until when; UTC, whole seconds.
            begin: from when on; now if None.

        Raises:
            RemoteError: EVIDENCE_NOT_FOUND; what the server refuses.
            ServiceError: PERMISSION_WRONG: its time is over or none, or the grantee needs none; ACCOUNT_UNKNOWN: there
                is none with certificates; CONTACT_CHANGED: it has other ones than we accepted.
            MalformedInput: ACCOUNT_NAME_MALFORMED.
        """
        logged = await self._reader.get(digest)
        key = await self._opener.content_key(logged)
        first = begin or datetime.now(UTC).replace(microsecond=0)
        return await self.permissions.grant(logged, key, grantee, first, end)

    async def describe(self, digest: bytes) -> DisclosedMessage:
        """A message as its author described it, without its content; nothing of it is verified. Raises as ``opening``.

        Args:
            digest: SHA-256 of its statement, or of an answer's, 32 bytes.
        """
        return await self._opener.describe(digest)

    @asynccontextmanager
    async def opening(self, digest: bytes, time_stamps: Sequence[x509.Certificate] = ()) -> AsyncIterator[Opening]:
        """A message and the answers to it, opened and verified, with their contents while the context lasts.

        Args:
            digest: SHA-256 of its statement, or of an answer's, 32 bytes.
            time_stamps: certificates of authorities for time stamps that we trust. Without them a time stamp that the
                server shows leaves that check indeterminate.

        Raises:
            RemoteError: EVIDENCE_NOT_FOUND: there is none, or it does not concern us; EVIDENCE_CONTENT_DELETED,
                EVIDENCE_CONTENT_LOST.
            PeerMisbehaved, LogAlarm: what the server shows does not hold; the culprit is the server.
            VerificationFailed, ContentDamaged, MalformedInput: what the author deposited does not open.
        """
        async with self._opener.gathered(digest, time_stamps) as gathered:
            report = await asyncio.to_thread(gathered.verify)
            yield Opening(gathered, OpenedEvidence(gathered.bundle, report, await asyncio.to_thread(gathered.texts)))

    async def open(
        self,
        digest: bytes,
        write: Callable[[bytes], object] | None = None,
        time_stamps: Sequence[x509.Certificate] = (),
    ) -> OpenedEvidence:
        """Open a message and the answers to it, and verify all of it.

        Args:
            digest: see ``opening``.
            write: takes the content piece by piece, on a worker thread.
            time_stamps: see ``opening``.

        Raises:
            FoursealError: as ``opening``; EVIDENCE_DOES_NOT_HOLD if there is ``write``.
            OSError: of ``write``.
        """
        async with self.opening(digest, time_stamps) as opening:
            if write is not None:
                await opening.write_content(write)
            return opening.opened

    async def disclose(self, digest: bytes, path: Path) -> OpenedEvidence:
        """Write a message and the answers to it into a disclosure bundle. Who has the file reads and proves all of it.

        Args:
            digest: see ``opening``.
            path: of the zip file; replaced if it exists.

        Raises:
            FoursealError: as ``opening`` and ``Opening.disclose``.
        """
        async with self.opening(digest) as opening:
            await opening.disclose(path)
            return opening.opened


class Opening:
    """Evidence while it is open. From ``Evidence.opening``.

    Args:
        gathered: all of it.
        opened: what was found.
    """

    def __init__(self, gathered: Gathered, opened: OpenedEvidence) -> None:
        self._gathered = gathered
        self.opened = opened
        """What was found."""

    async def write_content(self, write: Callable[[bytes], object]) -> None:
        """Write the message's content: ``write`` takes it piece by piece, on a worker thread.

        Raises:
            ServiceError: EVIDENCE_DOES_NOT_HOLD.
            OSError: of ``write``.
        """
        self._require_sound()
        await asyncio.to_thread(self._gathered.write_content, write)

    async def disclose(self, path: Path) -> None:
        """Write a disclosure bundle: whole, or not at all; replaces a file that is there.

        An answer that does not hold is left out: what its author deposited must not close the message to others.

        Raises:
            ServiceError: EVIDENCE_DOES_NOT_HOLD; FILE_UNUSABLE.
        """
        self._require_sound()
        failed = {each.name for each in self.opened.report.answers if each.report.outcome is Outcome.FAILED}
        await asyncio.to_thread(self._gathered.write_archive, path, failed)

    def _require_sound(self) -> None:
        """Nobody gets what does not hold. An answer that does not says nothing against the message."""
        for check in self.opened.report.message.checks:
            if check.outcome is Outcome.FAILED:
                raise ServiceError("EVIDENCE_DOES_NOT_HOLD", check=check.name, problem=check.reason)


def _summary(answer: pb.EvidenceSummary) -> EvidenceSummary:
    lengths = {len(answer.statement_digest), len(answer.answered_digest) or _DIGEST_BYTES}
    if lengths != {_DIGEST_BYTES}:
        raise answer_malformed("a digest of it is none")
    try:
        deposit_time = answer.deposit_time.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise answer_malformed("a time of it is none") from error
    return EvidenceSummary(
        answer.statement_digest,
        answer.session_id,
        answer.author,
        answer.log_index,
        deposit_time,
        answer.content_length,
        answer.content_kept,
        answer.answered_digest,
    )
