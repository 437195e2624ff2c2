"""``Drafting``: contract documents of the account that is logged in, for asyncio.

::

    drafting = (await agent.contracts()).drafting(agent)
    contract = await drafting.create("Lease", ["bob"], DraftFile(Path("lease.md").read_bytes(), DraftFormat.MARKDOWN))
    ...                                                   # both: await drafting.confirm(contract)
    contract = await drafting.sign(contract, draft)       # then consent, finish
    await drafting.documents.sign_pdf(contract)

Every method raises FoursealError, with a reason of the catalogue (docs/errors.md), and nothing else; if what the server
shows does not hold it is a PeerMisbehaved whose culprit is "server".
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fourseal.v1 import drafting_service_pb2 as pb

from contract.certificate_parts import fingerprint
from contract.documents.fonts import Fonts
from contract.documents.text import text_digest
from contract.drafting.consents import ContractConsent
from contract.drafting.marks import make_mark, new_document_key
from contract.drafting.statements import ContractSigner, ContractStatement
from contract.names import check_account_name, check_title
from signer_agent.client.agent import LocalAgent
from signer_agent.contracts.login import LoginLine
from signer_agent.contracts.personal_certificates import PersonalCertificates
from signer_agent.contracts.statements import PersonalKey, StatementSigner
from signer_agent.drafting.agreement import check_agreement, check_signed_alike
from signer_agent.drafting.documents import Documents
from signer_agent.drafting.model import (
    Contract,
    ContractSummary,
    Draft,
    DraftFile,
)
from signer_agent.drafting.reading import FORMATS_BACK, read_contract, read_summary, read_version, wrong
from wire.catalogue import ServiceError
from wire.client.blame import blaming_server
from wire.client.paging import all_pages
from wire.fonts import find_fonts
from wire.ids import new_request_id
from wire.limits import MAX_PAGE_SIZE

_FINISH_SECONDS: Final = 60.0


class Drafting:
    """See the module. Belongs to the event loop that it was made on.

    Args:
        agent: has the joint keys.
        line: with the login.
        key: label or id of the joint key that signs; empty: the only one with a personal certificate.
        fonts: finds the faces that contracts are set in; raises FONT_MISSING.
    """

    def __init__(
        self, agent: LocalAgent, line: LoginLine, key: str = "", fonts: Callable[[], Fonts] = find_fonts
    ) -> None:
        self._line = line
        self._rpc = line.line.drafting
        self._authority = x509.load_pem_x509_certificate(line.line.identity.authority_pem)
        self._signer = StatementSigner(agent, line, PersonalCertificates(line, agent), key)
        self.documents = Documents(agent, line, self._signer, self._authority, self.draft, fonts)

    async def create(self, title: str, accounts: Sequence[str], draft: DraftFile) -> Contract:
        """Make a contract with its first version; the pen is ours.

        Args:
            title: 1 to 200 characters.
            accounts: of the other parties, 1 to 9.
            draft: the first version.

        Raises:
            MalformedInput: DRAFT_MALFORMED and DOCUMENT_*: it is no draft, and was not sent; TITLE_MALFORMED,
                ACCOUNT_NAME_MALFORMED.
            RemoteError: ACCOUNT_UNKNOWN, CONTRACT_PARTIES_WRONG, DRAFT_TOO_LARGE, TOO_MANY_CONTRACTS.
        """
        request = pb.CreateContractRequest(
            request_id=new_request_id(),
            title=check_title(title),
            accounts=list(map(check_account_name, accounts)),
            draft=await _message(draft),
        )
        return self._read((await self._line.call(self._rpc.CreateContract, request)).contract)

    async def contracts(self) -> list[ContractSummary]:
        """Those that the account is party of, newest first."""

        async def page(token: str) -> tuple[list[ContractSummary], str]:
            request = pb.ListContractsRequest(page_size=MAX_PAGE_SIZE, page_token=token)
            answer = await self._line.call(self._rpc.ListContracts, request)
            return list(map(read_summary, answer.contracts)), answer.next_page_token

        return await all_pages(page)

    async def contract(self, contract_id: str) -> Contract:
        """One of them; every signature in it was checked. Raises CONTRACT_NOT_FOUND."""
        request = pb.GetContractRequest(contract_id=contract_id)
        return self._read((await self._line.call(self._rpc.GetContract, request)).contract, contract_id)

    async def draft(self, contract_id: str, number: int = 0) -> Draft:
        """A version with its file; 0: the last one.

        Raises:
            RemoteError: CONTRACT_NOT_FOUND, DRAFT_VERSION_NOT_FOUND.
            PeerMisbehaved: CONTRACT_ANSWER_WRONG: the file is another one than the server says it is.
        """
        from contract.documents.reading import read_draft  # noqa: PLC0415  # long to import

        request = pb.GetVersionRequest(contract_id=contract_id, number=number)
        answer = await self._line.call(self._rpc.GetVersion, request)
        version = read_version(answer.version)
        if number not in {0, version.number} or hashlib.sha256(answer.content).digest() != version.sha256:
            raise wrong("a version has another number or file than it says")
        with blaming_server():
            text = (await asyncio.to_thread(read_draft, answer.content, version.form)).text
        if text_digest(text) != version.text_digest:
            raise wrong(f"version {version.number} has another text than the server says")
        return Draft(version, DraftFile(answer.content, version.form), text)

    async def edit(self, contract_id: str, based_on: int, draft: DraftFile) -> Contract:
        """Add a version, with the pen in hand. All confirmations are gone then.

        Args:
            contract_id: which contract.
            based_on: the version that was edited: the last one.
            draft: the new one.

        Raises:
            RemoteError: PEN_NOT_HELD, DRAFT_VERSION_STALE, CONTRACT_STATE_WRONG; as ``create``.
        """
        request = pb.AddVersionRequest(
            request_id=new_request_id(), contract_id=contract_id, based_on=based_on, draft=await _message(draft)
        )
        return self._read((await self._line.call(self._rpc.AddVersion, request)).contract, contract_id)

    async def pass_pen(self, contract_id: str, account: str) -> Contract:
        """Hand the pen to another party. Raises PEN_NOT_HELD, CONTRACT_PARTIES_WRONG."""
        request = pb.PassPenRequest(
            request_id=new_request_id(), contract_id=contract_id, account=check_account_name(account)
        )
        return self._read((await self._line.call(self._rpc.PassPen, request)).contract, contract_id)

    async def confirm(self, contract_id: str, number: int) -> Contract:
        """Confirm a version, and the certificate that will sign it.

        Args:
            contract_id: which contract.
            number: of the version that was read: it must be the last one.

        Raises:
            ServiceError: PERSONAL_CERTIFICATE_WRONG: there is none to sign with.
            RemoteError: DRAFT_VERSION_STALE, CONTRACT_STATE_WRONG, DOCUMENT_TOO_SHORT.
        """
        request = pb.ConfirmVersionRequest(
            request_id=new_request_id(),
            contract_id=contract_id,
            number=number,
            certificate_sha256=(await self._signer.key()).certificate,
        )
        return self._read((await self._signer.send(self._rpc.ConfirmVersion, request)).contract, contract_id)

    async def reopen(self, contract_id: str, reason: str) -> Contract:
        """Go back to editing; what was confirmed and signed is void. Raises CONTRACT_STATE_WRONG, WHY_MALFORMED."""
        request = pb.ReopenContractRequest(request_id=new_request_id(), contract_id=contract_id, reason=reason)
        return self._read((await self._line.call(self._rpc.ReopenContract, request)).contract, contract_id)

    async def refuse(self, contract_id: str, reason: str) -> Contract:
        """End a contract for good. Raises CONTRACT_STATE_WRONG, WHY_MALFORMED."""
        request = pb.RefuseContractRequest(request_id=new_request_id(), contract_id=contract_id, reason=reason)
        return self._read((await self._line.call(self._rpc.RefuseContract, request)).contract, contract_id)

    async def sign(self, contract: Contract, draft: Draft) -> Contract:
        """Sign a locked contract: a statement, jointly, and a mark over it by a key that is forgotten right after.

        What is signed is the digest of exactly the bytes that were shown, and of their text, computed here.

        Args:
            contract: as it was shown to who signs.
            draft: the agreed version, from ``draft``.

        Raises:
            ServiceError: CONTRACT_STATE_WRONG: it is not the version that all confirmed; PERSONAL_CERTIFICATE_WRONG.
            PeerMisbehaved: CONTRACT_ANSWER_WRONG: another party signed something else; the culprit is the server.
            RemoteError: CONTRACT_TEXT_DIFFERS, CONTRACT_STATEMENT_WRONG, CONTRACT_STATE_WRONG.
        """
        key = await self._signer.key()
        if contract.agreed_version != draft.version.number:
            raise ServiceError("CONTRACT_STATE_WRONG", state=contract.state)
        document_key = new_document_key(secrets.token_bytes)
        statement = ContractStatement(
            contract_id=contract.contract_id,
            title=contract.summary.title,
            number=draft.version.number,
            draft_digest=hashlib.sha256(draft.file.content).digest(),
            text_digest=text_digest(draft.text),
            signers=_signers(contract, key),
            signer=key.account,
            document_key=document_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
            time=_now(),
        )
        check_signed_alike(contract, statement)
        request_id = new_request_id()
        ours = await self._signer.sign(statement, request_id)
        mark = make_mark(document_key, statement)
        del document_key  # nobody, this agent neither, can make another mark for this statement
        request = pb.SignContractRequest(
            request_id=request_id, statement_der=ours.der, signature=ours.signature, mark=mark
        )
        after = self._read((await self._signer.send(self._rpc.SignContract, request)).contract, contract.contract_id)
        party = after.party(key.account)
        if party is None or (party.statement, party.mark) != (statement, mark):
            raise wrong("it does not show what was signed")
        return after

    async def consent(self, contract: Contract) -> Contract:
        """Consent to a contract that all have signed, and to its watermark.

        Args:
            contract: as it was shown to who consents: with its parties' certificates.

        Raises:
            PeerMisbehaved: CONTRACT_ANSWER_WRONG: parties signed different things; the culprit is the server.
            RemoteError: CONTRACT_CERTIFICATE_ENDED, CONTRACT_STATE_WRONG.
        """
        check_agreement(contract)
        key = await self._signer.key()
        statements = [each.statement for each in contract.parties if each.statement is not None]
        consent = ContractConsent.to_all(statements, key.account, _now())
        request_id = new_request_id()
        ours = await self._signer.sign(consent, request_id)
        request = pb.ConsentContractRequest(request_id=request_id, statement_der=ours.der, signature=ours.signature)
        after = self._read((await self._signer.send(self._rpc.ConsentContract, request)).contract, contract.contract_id)
        party = after.party(key.account)
        if party is None or party.consent != consent:
            raise wrong("it does not show the consent that was given")
        return after

    async def finish(self, contract_id: str) -> Contract:
        """Have the documents made. Raises CONTRACT_STATE_WRONG, DOCUMENT_TOO_SHORT, FONT_MISSING."""
        request = pb.FinishContractRequest(request_id=new_request_id(), contract_id=contract_id)
        answer = await self._line.call(self._rpc.FinishContract, request, seconds=_FINISH_SECONDS)
        return self._read(answer.contract, contract_id)

    async def account(self) -> str:
        """The account that is logged in. Raises LOGIN_REQUIRED."""
        return (await self._line.login()).account

    def _read(self, shown: pb.Contract, contract_id: str = "") -> Contract:
        return read_contract(shown, self._authority, contract_id)


async def _message(draft: DraftFile) -> pb.Draft:
    """For the server, after it was read here: what is no draft is not sent."""
    from contract.documents.reading import read_draft  # noqa: PLC0415  # long to import

    await asyncio.to_thread(read_draft, draft.content, draft.form)
    return pb.Draft(format=FORMATS_BACK[draft.form], content=draft.content)


def _signers(contract: Contract, key: PersonalKey) -> tuple[ContractSigner, ...]:
    signers = []
    for each in contract.parties:
        if each.certificate is None:
            raise ServiceError("CONTRACT_STATE_WRONG", state=contract.state)
        signers.append(ContractSigner(each.account, fingerprint(each.certificate.certificate)))
    if ContractSigner(key.account, key.certificate) not in signers:
        raise ServiceError("PERSONAL_CERTIFICATE_WRONG", problem="the contract was confirmed with another certificate")
    return tuple(signers)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
