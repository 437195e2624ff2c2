"""Finishing: what all have consented to becomes documents with a watermark, once, and is archived.

1. In the transaction of the intent: the serial number is allotted and the time fixed, unless that was done before.
2. In a worker: the documents are made. A crash from here on leaves a contract with its number and without documents;
   whoever asks next goes on from here.
3. In the transaction of the result: files, record and the log's entry. Whoever comes second changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from sqlalchemy import Connection

from contract.drafting.evidence import ContractEvidence, SignerEvidence
from contract.drafting.made import MadeDocuments
from contract.drafting.records import ContractRecord
from contract.joint_statement import JointStatement
from contract.log_entry import EntryKind
from server.drafting.deeds import ContractDeeds
from server.drafting.documents import ContractDocuments
from server.drafting.guard import Own, find_certificates, find_locked, find_own, require_certificates
from server.drafting.states import ContractAction, ContractState, require_possible
from server.drafting.store import archive
from server.drafting.store import contracts as store
from server.drafting.store.archive import DOCX, PDF, Archived, Revision
from server.drafting.store.contracts import version_file
from server.identity import IssuedCertificate, Login
from server.journal import Request, Result
from server.journal.log import stage


class Finishing:
    """Makes the documents of contracts.

    Args:
        deeds: run it.
        documents: made by this.
    """

    def __init__(self, deeds: ContractDeeds, documents: ContractDocuments) -> None:
        self._deeds = deeds
        self._documents = documents
        self._making = _OneAtATime()

    async def finish(self, request: Request, login: Login, contract_id: str) -> None:
        """Make the documents of a contract, unless that was done.

        Raises:
            MalformedInput: DOCUMENT_TOO_SHORT, WATERMARK_PRESENT.
            ServiceError: CONTRACT_NOT_FOUND, CONTRACT_STATE_WRONG, CONTRACT_CERTIFICATE_ENDED, FONT_MISSING.
        """
        deed = _Finish(self._deeds, self._documents, self._making, login.account)
        await self._deeds.run(request, login, contract_id, deed)


class _OneAtATime:
    """Lets one thread at a time work at a contract."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def at(self, contract_id: str) -> Iterator[None]:
        """Wait until nobody else works at it."""
        with self._lock:
            lock, count = self._held.get(contract_id, (threading.Lock(), 0))
            self._held[contract_id] = lock, count + 1
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, count = self._held.pop(contract_id)
                if count > 1:
                    self._held[contract_id] = lock, count - 1


@dataclass(frozen=True, slots=True)
class _Work:
    """What documents are made from."""

    own: Own
    certificates: list[IssuedCertificate]
    archived: Archived
    format: str
    draft: bytes


@dataclass(frozen=True, slots=True)
class _Finish:
    """See ``deeds.ContractDeed``."""

    deeds: ContractDeeds
    documents: ContractDocuments
    making: _OneAtATime
    account: str

    @property
    def digest(self) -> bytes:
        return b""

    def admit(self, connection: Connection, contract_id: str, account: str) -> None:
        """Allot the serial number, and fix the time."""
        own, now = find_own(connection, contract_id, account), self.deeds.clock()
        require_possible(own.contract.state, ContractAction.FINISH)
        if archive.find_archived(connection, contract_id) is None:
            require_certificates(connection, own, now)
            archive.allot(connection, contract_id, now.replace(microsecond=0))

    def act(self, contract_id: str) -> Result:
        """Make the documents; whoever waited for another one to do that finds them made."""
        with self.making.at(contract_id):
            work = self.deeds.database.read_now(partial(self._find, contract_id=contract_id))
            if work.own.contract.state is not ContractState.CONSENTED:
                return Result()
            evidence = ContractEvidence(
                work.archived.serial, work.archived.time, _signers(work), self.documents.authority_der
            )
            made = self.documents.finish(work.format, work.draft, evidence)
            keep = partial(self._keep, contract_id, evidence, made)
            self.deeds.database.write_now(keep)  # here, so that who waits finds it
            return Result()

    def _find(self, connection: Connection, contract_id: str) -> _Work:
        own = find_own(connection, contract_id, self.account)
        version, archived = find_locked(connection, own), archive.find_archived(connection, contract_id)
        assert archived is not None  # noqa: S101  # it was allotted
        draft = store.find_file(connection, contract_id, version_file(version.number))
        return _Work(own, find_certificates(connection, own), archived, version.format, draft or b"")

    def _keep(self, contract_id: str, evidence: ContractEvidence, made: MadeDocuments, connection: Connection) -> None:
        contract, now = store.find_contract(connection, contract_id), self.deeds.clock()
        if contract is None or contract.state is not ContractState.CONSENTED:
            return  # another process was faster
        digest = sha256(made.pdf).digest()
        record = ContractRecord(evidence, digest, sha256(made.docx).digest()).to_der()
        entry = stage(connection, EntryKind.CONTRACT, record, now)
        archive.put_record(connection, evidence.serial, record, entry.index)
        archive.add_revision(connection, Revision(contract_id, 0, "", len(made.pdf), digest, now))
        store.add_file(connection, contract_id, PDF, made.pdf)
        store.add_file(connection, contract_id, DOCX, made.docx)
        store.put_contract(connection, contract_id, now, state=ContractState.FINISHED.value)


def _signers(work: _Work) -> tuple[SignerEvidence, ...]:
    return tuple(
        SignerEvidence(
            JointStatement.from_der(party.statement or b""),
            party.mark or b"",
            JointStatement.from_der(party.consent or b""),
            issued.certificate,
        )
        for party, issued in zip(work.own.parties, work.certificates, strict=True)
    )
