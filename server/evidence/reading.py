"""Reading evidence: for whom it concerns, and for nobody else, who cannot even tell that it is there.

A message's evidence concerns its author, its recipients, and whom one of these permitted to see it, as long as that
permission holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from contract.evidence_record import EvidenceRecord
from contract.log_entry import LogEntry
from server.clock import Clock
from server.evidence.store import permissions, records
from server.evidence.store.permissions import PermissionRow
from server.evidence.store.records import RecordRow
from server.identity import Authority, Login, Logins
from server.journal.log import LogReader
from server.sessions import MessageCertificates, MessageCertificatesFinder
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Evidence:
    """All about one message but its content; everything is DER, but for the receipt."""

    row: RecordRow
    entry: bytes
    receipt: bytes
    time_stamp: bytes | None
    author_certificate: bytes
    session_sign_certificate: bytes
    session_encrypt_certificate: bytes
    authority_certificate: bytes
    answers: list[bytes]
    permission: bytes | None


class EvidenceReading:
    """Gives evidence out.

    Args:
        database: where it is.
        log: proves that it is there.
        logins: says what a login has proved.
        authority: that issued the certificates.
        messages: finds the certificates of authors and sessions.
        clock: the time.
    """

    def __init__(
        self,
        database: Database,
        log: LogReader,
        logins: Logins,
        authority: Authority,
        messages: MessageCertificatesFinder,
        clock: Clock,
    ) -> None:
        self._database = database
        self._log = log
        self._logins = logins
        self._authority = authority
        self._messages = messages
        self._clock = clock

    async def list(self, login: Login, session_id: str, page_size: int, page_token: str) -> Page[RecordRow]:
        """A page of a session's evidence that concerns the caller, oldest first. Empty also where nothing does.

        Raises:
            ServiceError: PROOF_REQUIRED, FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        self._require_proof(login)
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)
        query = partial(
            records.list_records,
            session_id=session_id,
            name=login.account,
            now=self._clock(),
            after=after,
            limit=limit + 1,
        )
        rows = await self._database.read(query)
        return cut_page(rows, limit, lambda row: PageCursor(row.deposit_time, str(row.log_index)))

    async def find(self, login: Login, statement_digest: bytes) -> RecordRow:
        """What is kept of a message.

        Raises:
            ServiceError: PROOF_REQUIRED; EVIDENCE_NOT_FOUND: there is none, or it does not concern the caller.
        """
        self._require_proof(login)
        row, _ = await self._database.read(partial(self._require_concerned, login=login, digest=statement_digest))
        return row

    async def get(self, login: Login, statement_digest: bytes) -> Evidence:
        """All about one message but its content. Raises as ``find``."""
        self._require_proof(login)
        return await self._database.read(partial(self._load, login=login, digest=statement_digest))

    def _require_concerned(
        self, connection: Connection, login: Login, digest: bytes
    ) -> tuple[RecordRow, PermissionRow | None]:
        """As ``find``, in a transaction, with the permission of who is no party; the proof is for the caller to check.

        Both are looked for in any case: what is there and does not concern the caller takes no other time.
        """
        name = login.account
        is_party = records.is_party(connection, digest, name)
        permission = permissions.find_permitting(connection, digest, name, self._clock())
        row = records.find_records(connection, [digest]).get(digest)
        if row is None or not (is_party or permission):
            raise ServiceError("EVIDENCE_NOT_FOUND")
        return row, None if is_party else permission

    def _load(self, connection: Connection, login: Login, digest: bytes) -> Evidence:
        row, permission = self._require_concerned(connection, login, digest)
        entry = self._log.entry(connection, row.log_index)
        record = EvidenceRecord.from_der(LogEntry.from_der(entry).body)

        def read(query: Callable[[Connection], MessageCertificates]) -> MessageCertificates:
            return query(connection)

        found = self._messages.find(read, record.statement, record.header)
        receipt, time_stamp = self._log.stamped_receipt(connection, row.log_index)
        return Evidence(
            row,
            entry,
            receipt.to_bytes(),
            time_stamp,
            found.author.certificate.public_bytes(Encoding.DER),
            found.signing.certificate.public_bytes(Encoding.DER),
            found.encrypting.certificate.public_bytes(Encoding.DER),
            self._authority.certificate_der,
            records.list_answers(connection, digest),
            None if permission is None else permission.permission,
        )

    def _require_proof(self, login: Login) -> None:
        if not self._logins.is_proven(login):
            raise ServiceError("PROOF_REQUIRED")
