"""``Documents``: what a finished contract was made into, checked here before anybody relies on it or signs it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import certificate_service_pb2
from fourseal.v1 import drafting_service_pb2 as pb

from contract.certificate_parts import load_certificate
from contract.documents.fonts import Fonts
from contract.drafting.evidence import ContractEvidence
from contract.drafting.made import field_name
from contract.drafting.records import ContractRecord
from contract.log_entry import EntryKind, LogEntry
from contract.pades.model import ALGORITHMS, RevocationData, SignedPdf, Timestamper
from mpc.four_prime_rsa import SignatureAlgorithm
from signer_agent.client.agent import LocalAgent
from signer_agent.contracts.login import LoginLine
from signer_agent.contracts.revocations import read_revocations
from signer_agent.contracts.statements import StatementSigner
from signer_agent.drafting.agreement import refused
from signer_agent.drafting.model import Archived, Contract, ContractState, Draft, DraftFile
from signer_agent.drafting.reading import wrong
from transparency.receipt import Receipt
from wire.catalogue import ServiceError
from wire.client.blame import answered_time, blaming_server
from wire.ids import new_request_id
from wire.status import RemoteError

_STALE: Final = "CONTRACT_REVISION_STALE"
_MAX_TRIES: Final = 20  # more than there are signers


@dataclass(frozen=True, slots=True)
class _Checked:
    """A document, its revision, what it was before anybody signed it, and what that was made of."""

    content: bytes = field(repr=False)
    revision: int
    unsigned: bytes = field(repr=False)
    draft: DraftFile
    record: ContractRecord


class Documents:
    """The documents of contracts that all consented to. Belongs to the event loop that it was made on.

    Every method raises as those of ``Drafting``.

    Args:
        agent: has the joint keys.
        line: with the login.
        signer: of the account.
        authority: that issued the parties' certificates.
        draft: fetches a version of a contract: ``Drafting.draft``.
        fonts: finds the faces that contracts are set in; raises FONT_MISSING.
    """

    def __init__(
        self,
        agent: LocalAgent,
        line: LoginLine,
        signer: StatementSigner,
        authority: x509.Certificate,
        draft: Callable[[str, int], Awaitable[Draft]],
        fonts: Callable[[], Fonts],
    ) -> None:
        self._agent = agent
        self._line = line
        self._rpc = line.line.drafting
        self._signer = signer
        self._authority = authority
        self._draft = draft
        self._fonts = fonts

    async def pdf(self, contract: Contract) -> bytes:
        """The PDF as it is now, checked by this agent but for what its pages show. Raises as ``check_document``."""
        return (await self._checked(contract, pb.CONTRACT_DOCUMENT_PDF)).content

    async def docx(self, contract: Contract, *, pages_seen: bool = False) -> bytes:
        """The DOCX, checked by this agent. Raises as ``check_document``, and as ``sign_pdf`` if not ``pages_seen``."""
        found = await self._checked(contract, pb.CONTRACT_DOCUMENT_DOCX)
        if not pages_seen:
            await self._check_look(found)
        return found.content

    async def sign_pdf(
        self,
        contract: Contract,
        *,
        algorithm: SignatureAlgorithm = ALGORITHMS[0],
        timestamper: Timestamper | None = None,
        revocation: RevocationData | None = None,
        pages_seen: bool = False,
    ) -> SignedPdf:
        """Check the PDF, sign it, and hand the signed one in; again, if another party was first.

        Args:
            contract: finished.
            algorithm: of the signature.
            timestamper: asked for a time stamp; None: no time stamp.
            revocation: put in beside the signature; None: nothing.
            pages_seen: whether who signs has looked at all pages; if not, they are set again here, and compared.

        Raises:
            ServiceError: CONTRACT_PAGES_DIFFER, CONTRACT_PAGES_UNCOMPARED: nothing was signed.
            PeerMisbehaved: CONTRACT_DOCUMENT_WRONG and others, as ``check_document``: nothing was signed.
            RemoteError: PDF_SIGNED_BEFORE, PDF_REVISION_WRONG, CONTRACT_STATE_WRONG.
        """
        from contract.pades.signing import sign_pdf  # noqa: PLC0415  # long to import

        key = await self._signer.key()
        chain = [load_certificate(key.certificate_der), self._authority]

        async def sign(digest: bytes) -> bytes:
            return await self._agent.sign_digest(key.key_id, digest, algorithm)

        for _ in range(_MAX_TRIES):
            found = await self._checked(contract, pb.CONTRACT_DOCUMENT_PDF)
            if not pages_seen:
                await self._check_look(found)
            signed = await sign_pdf(
                found.content,
                field_name(key.account),
                chain,
                sign,
                datetime.now(UTC).replace(microsecond=0),
                algorithm=algorithm,
                timestamper=timestamper,
                revocation=revocation,
            )
            request = pb.AddPdfSignatureRequest(
                request_id=new_request_id(),
                contract_id=contract.contract_id,
                base_revision=found.revision,
                content=signed.file,
            )
            try:
                await self._line.call(self._rpc.AddPdfSignature, request)
            except RemoteError as error:
                if error.reason != _STALE:
                    raise
                continue
            return signed
        raise wrong("there is a later revision of the PDF each time that it was signed")

    async def revocation_data(self) -> RevocationData:
        """The authority's certificate and its list of revoked ones, for ``sign_pdf``: B-LT, with a time stamp.

        Raises:
            PeerMisbehaved: REVOCATION_LIST_...: it is not the authority's, or not of now; the culprit is the server.
        """
        request = certificate_service_pb2.GetRevocationListRequest(fresh=True)
        answer = await self._line.line.call(self._line.line.certificates.GetRevocationList, request)
        read_revocations(answer.revocation_list_der, self._authority, datetime.now(UTC))
        return RevocationData((self._authority.public_bytes(Encoding.DER),), (answer.revocation_list_der,))

    async def archived(self, serial: int, digest: bytes) -> Archived:
        """What the archive has of a contract.

        Args:
            serial: as the watermark says.
            digest: SHA-256 of the text, as the watermark says.

        Raises:
            RemoteError: CONTRACT_NOT_FOUND.
            PeerMisbehaved: CONTRACT_ANSWER_WRONG; the culprit is the server.
        """
        request = pb.VerifyArchivedRequest(serial=serial, text_digest=digest)
        answer = await self._line.call(self._rpc.VerifyArchived, request)
        if (answer.serial, answer.text_digest) != (serial, digest):
            raise wrong("the archive shows another contract than was asked for")
        return Archived(
            contract_id=answer.contract_id,
            serial=answer.serial,
            finish_time=answered_time(answer.finish_time),
            text_digest=answer.text_digest,
            evidence_sha256=answer.evidence_sha256,
            pdf_sha256=tuple(each.sha256 for each in answer.revisions),
            docx_sha256=answer.docx_sha256,
        )

    async def evidence(self, contract_id: str) -> ContractEvidence:
        """What is attached to the documents. Raises CONTRACT_STATE_WRONG."""
        request = pb.GetDocumentRequest(contract_id=contract_id, document=pb.CONTRACT_DOCUMENT_EVIDENCE)
        answer = await self._line.call(self._rpc.GetDocument, request)
        with blaming_server():
            return ContractEvidence.from_der(answer.content)

    async def _checked(self, contract: Contract, document: pb.ContractDocument.ValueType) -> _Checked:
        """A document that holds, and that the log has a record of: so no other can be made of the contract later."""
        from signer_agent.drafting.checking import check_document  # noqa: PLC0415  # reads PDFs: long to import
        from signer_agent.drafting.pages import check_base  # noqa: PLC0415

        if contract.state not in {ContractState.FINISHED, ContractState.COMPLETE}:
            raise ServiceError("CONTRACT_STATE_WRONG", state=contract.state)
        draft = await self._draft(contract.contract_id, contract.agreed_version)
        request = pb.GetDocumentRequest(contract_id=contract.contract_id, document=document)
        answer = await self._line.call(self._rpc.GetDocument, request)
        report = await asyncio.to_thread(
            check_document, answer.content, contract, draft.file.content, draft.file.form, self._authority
        )
        log_key = await (await self._agent.log_watch()).key()
        with blaming_server():
            entry = LogEntry.from_der(answer.entry_der)
            if entry.kind is not EntryKind.CONTRACT:
                raise wrong("the archive's record is of something else")
            record = ContractRecord.from_der(entry.body)
            if record.evidence != report.evidence:
                raise wrong("the archive's record is of something else")
            Receipt.from_bytes(answer.receipt).verify(answer.entry_der, log_key)
        unsigned = answer.content
        if document == pb.CONTRACT_DOCUMENT_PDF:
            unsigned = await asyncio.to_thread(check_base, answer.content, contract.pdf_bytes, record)
        elif hashlib.sha256(answer.content).digest() != record.docx_digest:
            raise refused("record", "the document", "it is not the one that the archive has a record of")
        return _Checked(answer.content, answer.revision, unsigned, draft.file, record)

    async def _check_look(self, found: _Checked) -> None:
        from signer_agent.drafting.pages import check_look  # noqa: PLC0415  # sets PDFs: long to import

        await asyncio.to_thread(check_look, found.unsigned, found.draft, found.record, self._authority, self._fonts)
