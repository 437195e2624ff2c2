"""Signatures of the PDF: each makes a new revision, that begins with the one before and changes nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from sqlalchemy import Connection

from server.drafting.deeds import ContractDeeds
from server.drafting.documents import ContractDocuments, pdf_wrong
from server.drafting.guard import Own, find_own
from server.drafting.states import ContractAction, ContractState, require_possible
from server.drafting.store import archive
from server.drafting.store import contracts as store
from server.drafting.store.archive import PDF, Revision
from server.drafting.terms import MAX_FILE_BYTES
from server.identity import IssuedCertificate, Login, find_certificate
from server.journal import Request, Result
from wire.catalogue import ServiceError


class Revisions:
    """Takes signed PDFs.

    Args:
        deeds: run it.
        documents: checks them.
    """

    def __init__(self, deeds: ContractDeeds, documents: ContractDocuments) -> None:
        self._deeds = deeds
        self._documents = documents

    async def add(self, request: Request, login: Login, contract_id: str, base: int, content: bytes) -> None:
        """Take a revision with the caller's signature.

        Args:
            request: the call.
            login: whose.
            contract_id: which contract.
            base: number of the revision that was signed.
            content: the whole PDF.

        Raises:
            MalformedInput: PDF_REVISION_WRONG.
            ServiceError: CONTRACT_NOT_FOUND, CONTRACT_STATE_WRONG, PDF_SIGNED_BEFORE, CONTRACT_REVISION_STALE,
                CONTRACT_CERTIFICATE_ENDED.
        """
        if len(content) > MAX_FILE_BYTES:
            raise pdf_wrong(f"it has more than {MAX_FILE_BYTES} bytes")
        deed = _Revision(self._deeds, self._documents, login.account, base, content)
        await self._deeds.run(request, login, contract_id, deed)


@dataclass(frozen=True, slots=True)
class _Judged:
    own: Own
    revisions: list[Revision]
    certificate: IssuedCertificate


@dataclass(frozen=True, slots=True)
class _Revision:
    """See ``deeds.ContractDeed``."""

    deeds: ContractDeeds
    documents: ContractDocuments
    account: str
    base: int
    content: bytes = field(repr=False)

    @property
    def digest(self) -> bytes:
        return sha256(self.content).digest()

    def admit(self, connection: Connection, contract_id: str, account: str) -> None:
        self._judge(connection, contract_id, account)

    def act(self, contract_id: str) -> Result:
        base, certificate = self.deeds.database.read_now(partial(self._find, contract_id=contract_id))
        self.documents.check_revision(base, self.content, certificate)
        return Result(apply=partial(self._keep, contract_id))

    def _find(self, connection: Connection, contract_id: str) -> tuple[bytes, bytes]:
        judged = self._judge(connection, contract_id, self.account)
        return store.find_file(connection, contract_id, PDF) or b"", judged.certificate.certificate

    def _judge(self, connection: Connection, contract_id: str, account: str) -> _Judged:
        own, revisions = find_own(connection, contract_id, account), archive.list_revisions(connection, contract_id)
        require_possible(own.contract.state, ContractAction.SIGN_PDF)
        if any(each.account == account for each in revisions):
            raise ServiceError("PDF_SIGNED_BEFORE")
        if self.base != revisions[-1].number:
            raise ServiceError("CONTRACT_REVISION_STALE", last=revisions[-1].number)
        certificate = find_certificate(connection, own.party(account).certificate or b"")
        if certificate is None or not certificate.holds(self.deeds.clock()):
            raise ServiceError("CONTRACT_CERTIFICATE_ENDED", account=account)
        return _Judged(own, revisions, certificate)

    def _keep(self, contract_id: str, connection: Connection) -> None:
        judged, now = self._judge(connection, contract_id, self.account), self.deeds.clock()
        made = Revision(contract_id, self.base + 1, self.account, len(self.content), self.digest, now)
        archive.add_revision(connection, made)
        store.put_file(connection, contract_id, PDF, self.content)
        complete = made.number == len(judged.own.parties)
        state = ContractState.COMPLETE if complete else ContractState.FINISHED
        store.put_contract(connection, contract_id, now, state=state.value)
