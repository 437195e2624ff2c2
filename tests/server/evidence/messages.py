"""Messages that are deposited: sealed, signed jointly by a real server, recorded; and each step, to be spoilt."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from fourseal.v1 import evidence_service_pb2 as pb
from fourseal.v1 import evidence_service_pb2_grpc

from contract.content_key import ContentKey
from contract.description import ContentDescription
from contract.envelope import EnvelopeCore, EnvelopeHeader, RecipientKey
from contract.evidence_record import EvidenceRecord
from contract.key_sealing import seal_key
from contract.names import new_envelope_id
from contract.permission import PermissionCore, SignedPermission
from contract.signatures import JointSignature
from contract.stream import SEALED_SEGMENT_BYTES
from contract.trailer import SignedStatement, seal_trailer
from tests.contract.evidence import seal_content
from tests.server.harness import call
from tests.server.sessions.people import HOUR, Session, Signer, encrypt_certificate_of
from wire.ids import new_request_id
from wire.peer import LOGIN_KEY

CONTENT: Final = b"The contract, in full.\n" * 20


@dataclass(frozen=True)
class Message:
    """What an author has of a message, ready to be deposited."""

    content_key: ContentKey
    sealed: bytes
    record: EvidenceRecord

    @property
    def digest(self) -> bytes:
        """The message's name at the evidence server."""
        return self.record.statement.digest

    @property
    def envelope_id(self) -> str:
        """Of its envelope."""
        return self.record.header.envelope_id

    def with_record(self, **changed: Any) -> Message:  # noqa: ANN401  # its fields
        """Another record."""
        return replace(self, record=replace(self.record, **changed))


def stub(person: Signer) -> Any:  # noqa: ANN401  # grpc gives its stubs no types
    """EvidenceService, as somebody's agent calls it."""
    return evidence_service_pb2_grpc.EvidenceServiceStub(person.client.channel)


async def write(
    author: Signer,
    session: Session,
    *recipients: Signer,
    content: bytes = CONTENT,
    sequence: int = 1,
    **changed: object,
) -> Message:
    """Seal, have signed, and record a message.

    Args:
        author: of it.
        session: as it is now.
        recipients: in any order.
        content: in the clear.
        sequence: of the author's statements.
        changed: fields of the statement.
    """
    key = ContentKey.new(secrets.token_bytes)
    description = ContentDescription(
        secrets.token_bytes(32), "text/plain", "contract.txt", len(content), sha256(content).digest()
    )
    said = author.statement(
        session, *recipients, sequence=sequence, **({"description": description.commitment} | changed)
    )
    signature = JointSignature(await author.sign(session, said))
    encrypting = encrypt_certificate_of(session)
    names = tuple(each.name for each in said.recipients)
    core = EnvelopeCore(
        new_envelope_id(secrets.token_bytes), session.session_id, author.name, encrypting.fingerprint, names
    )
    people = {person.name: person for person in (author, *recipients)}

    def sealed_for(name: str) -> RecipientKey:
        certificate = people[name].encrypt_certificate
        return RecipientKey(name, seal_key(key, core.label(name), certificate, encrypting, secrets.token_bytes))

    header = EnvelopeHeader(
        core.envelope_id, core.session_id, core.author, core.session_certificate, tuple(map(sealed_for, names))
    )
    sealed, segments = seal_content(content, key, core)
    record = EvidenceRecord(
        header=header,
        sender_key=sealed_for(author.name).ciphertext,
        statement=said,
        signature=signature,
        segments=segments,
        content_length=len(sealed),
        content_digest=sha256(sealed).digest(),
        trailer=seal_trailer(key.trailer_key(core), SignedStatement(said, description, signature)),
    )
    return Message(key, sealed, record)


def parts_of(
    message: Message,
    *,
    first: int = 0,
    pieces: Sequence[bytes] | None = None,
    finish: bytes | None = b"",
    **start: Any,  # noqa: ANN401
) -> Iterator[pb.PutContentRequest]:
    """An upload, to be spoilt: ``finish`` empty: the right digest; None: none."""
    wanted: dict[str, Any] = {
        "session_id": message.record.header.session_id,
        "envelope_id": message.envelope_id,
        "content_length": len(message.sealed),
        "first_byte": first,
    }
    yield pb.PutContentRequest(start=pb.ContentStart(**(wanted | start)))
    if pieces is None:
        size = SEALED_SEGMENT_BYTES
        pieces = [message.sealed[at : at + size] for at in range(first, len(message.sealed), size)]
    for piece in pieces:
        yield pb.PutContentRequest(piece=piece)
    if finish is not None:
        digest = finish or sha256(message.sealed).digest()
        yield pb.PutContentRequest(finish=pb.ContentFinish(content_digest=digest))


async def put(person: Signer, parts: Iterator[pb.PutContentRequest]) -> pb.PutContentResponse:
    """Upload."""

    async def stream() -> AsyncIterator[pb.PutContentRequest]:
        for part in parts:
            yield part

    async def method(request: Any, timeout: float) -> pb.PutContentResponse:  # noqa: ANN401, ASYNC109
        metadata = ((LOGIN_KEY, person.token),)
        answer: pb.PutContentResponse = await stub(person).PutContent(request, timeout=timeout, metadata=metadata)
        return answer

    return await call(method, stream())  # type: ignore[arg-type]  # a stream of messages


async def deposit(person: Signer, message: Message) -> pb.DepositEvidenceResponse:
    """Deposit the record alone."""
    request = pb.DepositEvidenceRequest(record_der=message.record.to_der())
    answer: pb.DepositEvidenceResponse = await person.call(stub(person).DepositEvidence, request)
    return answer


async def deposited(
    author: Signer,
    session: Session,
    *recipients: Signer,
    **changed: Any,  # noqa: ANN401
) -> tuple[Message, pb.DepositEvidenceResponse]:
    """Both, of a new message."""
    message = await write(author, session, *recipients, **changed)
    await put(author, parts_of(message))
    return message, await deposit(author, message)


async def get(person: Signer, digest: bytes) -> pb.GetEvidenceResponse:
    """All about a message."""
    request = pb.GetEvidenceRequest(statement_digest=digest)
    answer: pb.GetEvidenceResponse = await person.call(stub(person).GetEvidence, request)
    return answer


async def fetch(person: Signer, digest: bytes, first: int = 0) -> bytes:
    """The sealed content."""

    async def method(request: Any, timeout: float) -> bytes:  # noqa: ANN401, ASYNC109
        answers = stub(person).GetEvidenceContent(request, timeout=timeout, metadata=((LOGIN_KEY, person.token),))
        return b"".join([answer.piece async for answer in answers])

    return await call(method, pb.GetEvidenceContentRequest(statement_digest=digest, first_byte=first))


async def listed(person: Signer, session_id: str, size: int = 0) -> list[pb.EvidenceSummary]:
    """All pages."""
    found: list[pb.EvidenceSummary] = []
    token = ""
    while True:
        request = pb.ListEvidenceRequest(session_id=session_id, page_size=size, page_token=token)
        page = await person.call(stub(person).ListEvidence, request)
        found += page.evidence
        token = page.next_page_token
        if not token:
            return found


def permission(
    signer: Signer,
    grantee: Signer,
    message: Message,
    leaf_hash: bytes,
    **changed: Any,  # noqa: ANN401  # its fields
) -> SignedPermission:
    """A permission for an hour, signed by the grantor; ``changed``: fields of its core."""
    now = signer.now()
    wanted: dict[str, Any] = {
        "statement": message.digest,
        "entry": leaf_hash,
        "grantor": signer.name,
        "grantor_certificate": signer.sign_certificate.fingerprint,
        "grantee": grantee.name,
        "grantee_certificate": grantee.encrypt_certificate.fingerprint,
        "begin": now,
        "end": now + HOUR,
    }
    core = PermissionCore(**(wanted | changed))
    return SignedPermission.grant(core, message.content_key, grantee.encrypt_certificate, signer.known.keys.sign)


async def grant(person: Signer, given: SignedPermission, **changed: Any) -> pb.Permission:  # noqa: ANN401
    """Have it kept."""
    wanted = {"request_id": new_request_id(), "permission_der": given.to_der()}
    request = pb.GrantPermissionRequest(**(wanted | changed))
    answer: pb.Permission = (await person.call(stub(person).GrantPermission, request)).permission
    return answer
