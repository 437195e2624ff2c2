"""What parties read: their contracts, drafts, documents, and what the archive has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from contract.drafting.records import ContractRecord
from server.drafting.guard import Own, find_own, read_own
from server.drafting.states import ARCHIVED, state_wrong
from server.drafting.store import archive
from server.drafting.store import contracts as store
from server.drafting.store.archive import DOCX, PDF, Archived, Revision
from server.drafting.store.contracts import Contract, Turn, Version, version_file
from server.identity import IssuedCertificate, Login, find_certificate
from server.journal.log import LogReader
from server.storage import Database, Page, PageCursor
from server.storage.paging import cut_page, page_limit
from wire.catalogue import ServiceError


@dataclass(frozen=True, slots=True)
class Listed:
    """A contract in a list: with its parties' accounts, and its serial number or 0."""

    contract: Contract
    accounts: list[str]
    serial: int


@dataclass(frozen=True, slots=True)
class ContractView:
    """A contract with all that its parties did."""

    own: Own
    certificates: dict[str, IssuedCertificate]
    """By account; of those that have confirmed a version."""
    versions: list[Version]
    last_return: Turn | None
    end: Turn | None
    archived: Archived | None
    revisions: list[Revision]

    @property
    def docx_sha256(self) -> bytes:
        """SHA-256 of the DOCX; empty until it is finished."""
        record = None if self.archived is None else self.archived.record
        return b"" if record is None else ContractRecord.from_der(record).docx_digest


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a finished contract, and where its record stands in the log."""

    content: bytes
    revision: int
    entry_der: bytes
    receipt: bytes


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """What the archive says of a document to whoever has it."""

    archived: Archived
    record: ContractRecord
    revisions: list[Revision]
    entry_der: bytes
    receipt: bytes


class ContractReading:
    """Reads contracts.

    Args:
        database: where they are.
        log: has their records.
    """

    def __init__(self, database: Database, log: LogReader) -> None:
        self._database = database
        self._log = log

    async def get(self, login: Login, contract_id: str) -> ContractView:
        """A contract of the caller's.

        Raises:
            ServiceError: CONTRACT_NOT_FOUND, also for others.
        """
        return await self._database.read(partial(_view, contract_id=contract_id, account=login.account))

    async def list(self, login: Login, page_size: int, page_token: str) -> Page[Listed]:
        """A page of the caller's contracts, newest first.

        Raises:
            ServiceError: FIELD_INVALID, PAGE_TOKEN_INVALID.
        """
        limit, after = page_limit(page_size), PageCursor.from_token(page_token)

        def query(connection: Connection) -> list[Listed]:
            return list_with_parties(connection, store.list_own(connection, login.account, after, limit + 1))

        found = await self._database.read(query)
        return cut_page(found, limit, lambda each: PageCursor(each.contract.create_time, each.contract.contract_id))

    async def version(self, login: Login, contract_id: str, number: int) -> tuple[Version, bytes]:
        """A version with its file; 0: the last one.

        Raises:
            ServiceError: CONTRACT_NOT_FOUND, DRAFT_VERSION_NOT_FOUND.
        """

        def query(connection: Connection) -> tuple[Version, bytes]:
            own = find_own(connection, contract_id, login.account)
            wanted = number or own.contract.last_version
            found = store.find_version(connection, contract_id, wanted)
            content = store.find_file(connection, contract_id, version_file(wanted))
            if found is None or content is None:
                raise ServiceError("DRAFT_VERSION_NOT_FOUND", number=wanted)
            return found, content

        return await self._database.read(query)

    async def pdf(self, login: Login, contract_id: str) -> Document:
        """The last revision of the PDF.

        Raises:
            ServiceError: CONTRACT_NOT_FOUND, CONTRACT_STATE_WRONG: it is not finished.
        """
        return await self._document(login, contract_id, PDF)

    async def docx(self, login: Login, contract_id: str) -> Document:
        """The DOCX. Raises as ``pdf``."""
        return await self._document(login, contract_id, DOCX)

    async def evidence(self, login: Login, contract_id: str) -> Document:
        """The evidence, DER. Raises as ``pdf``."""
        return await self._document(login, contract_id, "")

    async def verify(self, serial: int, text_digest: bytes) -> ArchiveView:
        """What the archive says of a document.

        Serial number and digest stand in its watermark: who names both has the document, and learns nothing more.

        Raises:
            ServiceError: CONTRACT_NOT_FOUND.
        """

        def query(connection: Connection) -> ArchiveView:
            archived = archive.find_by_serial(connection, serial)
            if archived is None or archived.record is None:
                raise ServiceError("CONTRACT_NOT_FOUND")
            record = ContractRecord.from_der(archived.record)
            if record.evidence.text_digest != text_digest:
                raise ServiceError("CONTRACT_NOT_FOUND")
            revisions = archive.list_revisions(connection, archived.contract_id)
            return ArchiveView(archived, record, revisions, *self._proof(connection, archived))

        return await self._database.read(query)

    async def _document(self, login: Login, contract_id: str, name: str) -> Document:
        def query(connection: Connection) -> Document:
            own = find_own(connection, contract_id, login.account)
            archived = archive.find_archived(connection, contract_id)
            if own.contract.state not in ARCHIVED or archived is None:
                raise state_wrong(own.contract.state)
            if name:
                content = store.find_file(connection, contract_id, name) or b""
            else:
                content = ContractRecord.from_der(archived.record or b"").evidence.to_der()
            revision = archive.list_revisions(connection, contract_id)[-1].number if name == PDF else 0
            return Document(content, revision, *self._proof(connection, archived))

        return await self._database.read(query)

    def _proof(self, connection: Connection, archived: Archived) -> tuple[bytes, bytes]:
        assert archived.log_index is not None  # noqa: S101  # there is a record
        entry = self._log.entry(connection, archived.log_index)
        return entry, self._log.receipt(connection, archived.log_index).to_bytes()


def list_with_parties(connection: Connection, found: list[Contract]) -> list[Listed]:
    """Contracts with what a list shows beside."""
    ids = [each.contract_id for each in found]
    parties, serials = store.list_parties(connection, ids), archive.list_serials(connection, ids)
    return [
        Listed(each, [party.account for party in parties[each.contract_id]], serials.get(each.contract_id, 0))
        for each in found
    ]


def list_all(connection: Connection, after: PageCursor | None, limit: int) -> list[Listed]:
    """At most ``limit`` contracts of everybody, oldest first: for the operator."""
    return list_with_parties(connection, store.list_contracts(connection, after, limit))


def show_contract(connection: Connection, contract_id: str) -> ContractView | None:
    """A contract of whomever: for the operator."""
    own = read_own(connection, contract_id)
    return None if own is None else _view_of(connection, own)


def _view(connection: Connection, contract_id: str, account: str) -> ContractView:
    return _view_of(connection, find_own(connection, contract_id, account))


def _view_of(connection: Connection, own: Own) -> ContractView:
    contract_id = own.contract.contract_id
    found = {each.account: find_certificate(connection, each.certificate or b"") for each in own.parties}
    return ContractView(
        own=own,
        certificates={account: each for account, each in found.items() if each is not None},
        versions=store.list_versions(connection, contract_id),
        last_return=store.find_last_turn(connection, contract_id, end=False),
        end=store.find_last_turn(connection, contract_id, end=True),
        archived=archive.find_archived(connection, contract_id),
        revisions=archive.list_revisions(connection, contract_id),
    )
