"""People who negotiate contracts at a server, step by step and with every word theirs to spoil."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from cryptography import x509
from fourseal.v1 import drafting_service_pb2 as pb
from fourseal.v1 import drafting_service_pb2_grpc, signing_service_pb2

from contract.documents.text import text_digest
from contract.drafting.consents import ContractConsent
from contract.drafting.made import field_name
from contract.drafting.marks import make_mark, new_document_key
from contract.drafting.statements import ContractSigner, ContractStatement
from contract.joint_statement import JointStatement
from contract.pades.model import ALGORITHMS
from contract.pades.signing import sign_pdf
from mpc.four_prime_rsa import EncodedMessage, SigningShare, create_partial_signature
from server.root.application import Server
from tests.contract.watermark.contracts import ENGLISH
from tests.server.harness import ENGINE, Client, MovableClock
from tests.server.trusteeship.people import Trustee, World
from wire.convert import signature_algorithm_to_proto
from wire.ids import new_request_id

TEXT: Final = "\n".join(ENGLISH)
"""A contract with room for a watermark."""
ALGORITHM: Final = ALGORITHMS[0]
"""Of PDF signatures."""


def plain(text: str = TEXT) -> pb.Draft:
    """A draft as plain text."""
    return pb.Draft(format=pb.DRAFT_FORMAT_PLAIN, content=text.encode())


@dataclass
class Drafter(Trustee):
    """Somebody who negotiates."""

    @property
    def drafting(self) -> drafting_service_pb2_grpc.DraftingServiceAsyncStub:
        """DraftingService."""
        return drafting_service_pb2_grpc.DraftingServiceStub(self.client.channel)

    async def create(self, *others: str, **changed: Any) -> pb.Contract:  # noqa: ANN401  # fields
        """Make a contract."""
        wanted: dict[str, Any] = {"title": "Lease of a room", "accounts": others, "draft": plain()}
        wanted["request_id"] = new_request_id()
        request = pb.CreateContractRequest(**(wanted | changed))
        return (await self.call(self.drafting.CreateContract, request)).contract

    async def get(self, contract: pb.Contract) -> pb.Contract:
        """A contract as it is now."""
        request = pb.GetContractRequest(contract_id=contract.summary.contract_id)
        return (await self.call(self.drafting.GetContract, request)).contract

    async def edit(self, contract: pb.Contract, text: str, **changed: Any) -> pb.Contract:  # noqa: ANN401  # fields
        """Add a version."""
        wanted: dict[str, Any] = {"based_on": contract.summary.last_version, "draft": plain(text)}
        request = pb.AddVersionRequest(**(self._to(contract) | wanted | changed))
        return (await self.call(self.drafting.AddVersion, request)).contract

    async def give_pen(self, contract: pb.Contract, to: str) -> pb.Contract:
        """Hand the pen over."""
        request = pb.PassPenRequest(**self._to(contract), account=to)
        return (await self.call(self.drafting.PassPen, request)).contract

    async def confirm(self, contract: pb.Contract, **changed: Any) -> pb.Contract:  # noqa: ANN401  # fields
        """Confirm the last version."""
        wanted: dict[str, Any] = {"number": contract.summary.last_version, "certificate_sha256": self.known.certificate}
        request = pb.ConfirmVersionRequest(**(self._to(contract) | wanted | changed))
        return (await self.call(self.drafting.ConfirmVersion, request)).contract

    async def reopen(self, contract: pb.Contract, reason: str = "I forgot the deposit") -> pb.Contract:
        """Go back to editing."""
        request = pb.ReopenContractRequest(**self._to(contract), reason=reason)
        return (await self.call(self.drafting.ReopenContract, request)).contract

    async def refuse(self, contract: pb.Contract, reason: str = "I found another room") -> pb.Contract:
        """End it."""
        request = pb.RefuseContractRequest(**self._to(contract), reason=reason)
        return (await self.call(self.drafting.RefuseContract, request)).contract

    def stating(self, contract: pb.Contract, **changed: Any) -> tuple[ContractStatement, bytes]:  # noqa: ANN401
        """A statement about a locked contract with its mark, to be sent or to be spoilt."""
        key = new_document_key(secrets.token_bytes)
        version = contract.versions[-1]
        signers = tuple(
            ContractSigner(each.account, sha256(each.certificate_der).digest()) for each in contract.parties
        )
        stated = ContractStatement(
            contract_id=contract.summary.contract_id,
            title=contract.summary.title,
            number=version.number,
            draft_digest=version.sha256,
            text_digest=version.text_digest,
            signers=signers,
            signer=self.name,
            document_key=key.public_key().public_bytes_raw(),
            time=self.now(),
        )
        stated = replace(stated, **changed)
        return stated, make_mark(key, stated)

    async def sign(self, contract: pb.Contract, **changed: Any) -> pb.Contract:  # noqa: ANN401  # of the statement
        """Sign a locked contract."""
        return await self.send_statement(*self.stating(contract, **changed))

    async def send_statement(self, stated: ContractStatement, mark: bytes, **changed: Any) -> pb.Contract:  # noqa: ANN401
        """Send a statement, jointly signed."""
        sent = self.send(self.drafting.SignContract, pb.SignContractRequest, stated, mark=mark, **changed)
        return (await sent).contract

    def consenting(self, contract: pb.Contract, **changed: Any) -> ContractConsent:  # noqa: ANN401
        """A consent to a signed contract, to be sent or to be spoilt."""
        return replace(ContractConsent.to_all(statements_of(contract), self.name, self.now()), **changed)

    async def consent(self, contract: pb.Contract, **changed: Any) -> pb.Contract:  # noqa: ANN401  # of the consent
        """Consent to what all have signed."""
        return await self.send_consent(self.consenting(contract, **changed))

    async def send_consent(self, consent: ContractConsent, **changed: Any) -> pb.Contract:  # noqa: ANN401
        """Send a consent, jointly signed."""
        sent = self.send(self.drafting.ConsentContract, pb.ConsentContractRequest, consent, **changed)
        return (await sent).contract

    async def have_made(self, contract: pb.Contract, **changed: Any) -> pb.Contract:  # noqa: ANN401  # fields
        """Have the documents made."""
        request = pb.FinishContractRequest(**(self._to(contract) | changed))
        return (await self.call(self.drafting.FinishContract, request)).contract

    async def document(
        self, contract: pb.Contract, kind: pb.ContractDocument.ValueType = pb.CONTRACT_DOCUMENT_PDF
    ) -> pb.GetDocumentResponse:
        """A document of a finished contract."""
        request = pb.GetDocumentRequest(contract_id=contract.summary.contract_id, document=kind)
        return await self.call(self.drafting.GetDocument, request)

    async def signed_pdf(
        self, contract: pb.Contract, pdf: bytes, as_whom: Drafter | None = None, field_of: Drafter | None = None
    ) -> bytes:
        """A PDF with a signature by this one's key, in the field that waits for it.

        Or with another's certificate, and in that one's field; or only in another's field.
        """
        name = (as_whom or self).name
        chain = [x509.load_der_x509_certificate(party_of(contract, name).certificate_der)]
        field = field_name((field_of or as_whom or self).name)
        return (await sign_pdf(pdf, field, chain, self._sign_digest, self.now())).file

    async def add_pdf(self, contract: pb.Contract, content: bytes, base: int) -> pb.Contract:
        """Hand a signed PDF in."""
        request = pb.AddPdfSignatureRequest(**self._to(contract), base_revision=base, content=content)
        return (await self.call(self.drafting.AddPdfSignature, request)).contract

    async def _sign_digest(self, digest: bytes) -> bytes:
        key = self.known.key
        assert isinstance(key.share, SigningShare)
        salt = secrets.token_bytes(ALGORITHM.salt_length)
        partial = create_partial_signature(
            key.share, EncodedMessage(key.joint_key, ALGORITHM, digest, salt), ENGINE, secrets.token_bytes
        )
        request = signing_service_pb2.SignDigestRequest(
            request_id=new_request_id(),
            key_id=key.key_id,
            algorithm=signature_algorithm_to_proto(ALGORITHM),
            digest=digest,
            salt=salt,
            client_partial=partial.to_bytes(),
        )
        return await self.client.sign(request)

    @staticmethod
    def _to(contract: pb.Contract) -> dict[str, Any]:
        return {"request_id": new_request_id(), "contract_id": contract.summary.contract_id}


def party_of(contract: pb.Contract, account: str) -> pb.ContractParty:
    """A party of a contract."""
    return next(each for each in contract.parties if each.account == account)


def statements_of(contract: pb.Contract) -> list[ContractStatement]:
    """What all have signed."""
    signed = (JointStatement.from_der(each.statement_der) for each in contract.parties)
    return [ContractStatement.from_der(each.statement) for each in signed]


def arrive(world: World, server: Server, clock: MovableClock, name: str) -> Drafter:
    """Somebody's line to a server."""
    known = world.people[name]
    return Drafter(name, Client(server.serving, known.identity), clock, token=known.token, known=known)


async def locked(people: Sequence[Drafter], **changed: Any) -> pb.Contract:  # noqa: ANN401  # fields
    """A contract of these people, that all have confirmed."""
    contract = await people[0].create(*(each.name for each in people[1:]), **changed)
    for person in people:
        contract = await person.confirm(contract)
    return contract


async def signed(people: Sequence[Drafter], **changed: Any) -> pb.Contract:  # noqa: ANN401  # fields
    """A contract that all have signed."""
    contract = await locked(people, **changed)
    await asyncio.gather(*(person.sign(contract) for person in people))
    return await people[0].get(contract)


async def consented(people: Sequence[Drafter], **changed: Any) -> pb.Contract:  # noqa: ANN401  # fields
    """A contract that all have consented to."""
    contract = await signed(people, **changed)
    await asyncio.gather(*(person.consent(contract) for person in people))
    return await people[0].get(contract)


def digest_of(text: str) -> bytes:
    """The digest of a draft as plain text."""
    return text_digest(text)
