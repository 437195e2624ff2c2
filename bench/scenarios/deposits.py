"""Deposits of evidence: one after the other, and 64 at a time, which share their calls and their commits.

What is deposited was sealed, signed and uploaded before: measured is the agent's ``DepositLine`` alone, from the record
to the receipt. Every receipt is verified afterwards.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING

import grpc
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fourseal.v1 import evidence_service_pb2 as pb
from fourseal.v1 import transparency_service_pb2
from fourseal.v1.evidence_service_pb2_grpc import EvidenceServiceStub
from fourseal.v1.transparency_service_pb2_grpc import TransparencyServiceStub

from bench.context import Bench
from bench.harness.results import Aim, Outcome, Ratio, Result
from bench.rig.company import Person, arrived, meet
from bench.rig.session import meeting
from contract.content_key import ContentKey
from contract.description import ContentDescription
from contract.envelope import EnvelopeCore, EnvelopeHeader, RecipientKey
from contract.evidence_record import EvidenceRecord
from contract.key_sealing import seal_key
from contract.names import new_envelope_id
from contract.statement import Recipient, Statement
from contract.stream import SegmentSealer
from contract.trailer import SignedStatement, seal_trailer
from signer_agent.client.server_line import ServerLine
from signer_agent.home import Home
from transparency.keys import VerifierKey
from transparency.receipt import Receipt
from wire.limits import channel_options
from wire.tls import channel_credentials

if TYPE_CHECKING:
    from fourseal.v1.evidence_service_pb2_grpc import EvidenceServiceAsyncStub
    from fourseal.v1.transparency_service_pb2_grpc import TransparencyServiceAsyncStub

GROUP = "Deposits of evidence over gRPC"
AIM = Aim(5.0)
_HALF_BITS = 2048
_CONTENT = b"The contract, in full.\n" * 40
_ALONE = 32
_TOGETHER = 64


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message whose content was uploaded, ready to be deposited."""

    record_der: bytes


def run(bench: Bench) -> Outcome:
    """Measure so many rounds as the plan says."""
    rounds = bench.plan.deposit_rounds
    if not rounds:
        return Outcome()
    bench.progress.begin("deposits of evidence", 2 + rounds)
    with meeting(bench, "deposits", ["alice", "bob"], _HALF_BITS) as place:
        alone, together = asyncio.run(_measure(bench, place.homes, rounds))
    results = (
        Result("deposits_1", "1 in flight", GROUP, "1/s", tuple(alone)),
        Result(f"deposits_{_TOGETHER}", f"{_TOGETHER} in flight", GROUP, "1/s", tuple(together)),
    )
    ratio = Ratio(
        f"deposits_{_TOGETHER}_over_1",
        f"Deposits: {_TOGETHER} in flight over 1",
        tuple(many / one for many, one in zip(together, alone, strict=True)),
        AIM,
    )
    return Outcome(results, (ratio,), ())


async def _measure(bench: Bench, homes: Sequence[Home], rounds: int) -> tuple[list[float], list[float]]:
    alone, together = list[float](), list[float]()
    async with AsyncExitStack() as stack:
        alice, bob = [await stack.enter_async_context(arrived(home)) for home in homes]
        depositor = await stack.enter_async_context(_depositor(alice, await meet([alice, bob])))
        await depositor.deposit_all(await depositor.prepare(_TOGETHER))  # warm-up
        for _ in range(rounds):
            prepared = await depositor.prepare(_ALONE)
            start = perf_counter()
            answers = [await depositor.deposit(each) for each in prepared]
            alone.append(_ALONE / (perf_counter() - start))
            prepared = await depositor.prepare(_TOGETHER)
            start = perf_counter()
            answers += await depositor.deposit_all(prepared)
            together.append(_TOGETHER / (perf_counter() - start))
            depositor.verify(answers)
            bench.progress.step()
    return alone, together


class Depositor:
    """Alice, who writes to Bob and deposits what she wrote."""

    def __init__(self, person: Person, session_id: str, stub: EvidenceServiceAsyncStub, log_key: VerifierKey) -> None:
        self._person = person
        self._session_id = session_id
        self._stub = stub
        self._log_key = log_key

    async def prepare(self, count: int) -> list[Prepared]:
        """Seal, have signed and upload messages."""
        return [await self._prepare_one() for _ in range(count)]

    async def deposit(self, prepared: Prepared) -> pb.DepositEvidenceResponse:
        """Deposit one."""
        return await self._person.signer.deposits.deposit(prepared.record_der)

    async def deposit_all(self, prepared: Sequence[Prepared]) -> list[pb.DepositEvidenceResponse]:
        """Deposit all at a time."""
        return await asyncio.gather(*map(self.deposit, prepared))

    def verify(self, answers: Sequence[pb.DepositEvidenceResponse]) -> None:
        """Verify every receipt."""
        for answer in answers:
            Receipt.from_bytes(answer.receipt).verify(answer.entry_der, self._log_key)

    async def _prepare_one(self) -> Prepared:
        signer = self._person.signer
        session = await signer.session(self._session_id, refresh=True)
        (other,) = set(session.members) - {signer.name}
        recipient = session.member(other).encrypt_certificate
        description = ContentDescription(
            secrets.token_bytes(32), "text/plain", "", len(_CONTENT), sha256(_CONTENT).digest()
        )
        statement = Statement(
            session_id=session.session_id,
            session_certificate=session.sign_certificate.fingerprint,
            author=signer.name,
            author_certificate=signer.sign_certificate.fingerprint,
            time=datetime.now(UTC).replace(microsecond=0),
            sequence=session.counters.last_sequence + 1,
            recipients=(Recipient(other, recipient.fingerprint, session.counters.number_to(other) + 1),),
            description=description.commitment,
        )
        signature = await signer.sign_statement(statement)
        key = ContentKey.new(secrets.token_bytes)
        encrypting = session.encrypt_certificate
        core = EnvelopeCore(
            new_envelope_id(secrets.token_bytes), session.session_id, signer.name, encrypting.fingerprint, (other,)
        )
        sealed_keys = [
            seal_key(key, core.label(name), certificate, encrypting, secrets.token_bytes)
            for name, certificate in ((signer.name, signer.encrypt_certificate), (other, recipient))
        ]
        header = EnvelopeHeader(
            core.envelope_id,
            core.session_id,
            core.author,
            core.session_certificate,
            (RecipientKey(other, sealed_keys[1]),),
        )
        sealed = bytes(SegmentSealer(key.stream_key(core)).seal(_CONTENT, last=True))
        digest = sha256(sealed).digest()
        trailer = seal_trailer(key.trailer_key(core), SignedStatement(statement, description, signature))
        await self._upload(header, sealed, digest)
        record = EvidenceRecord(header, sealed_keys[0], statement, signature, 1, len(sealed), digest, trailer)
        return Prepared(record.to_der())

    async def _upload(self, header: EnvelopeHeader, sealed: bytes, digest: bytes) -> None:
        async def parts() -> AsyncIterator[pb.PutContentRequest]:
            start = pb.ContentStart(
                session_id=header.session_id, envelope_id=header.envelope_id, content_length=len(sealed)
            )
            yield pb.PutContentRequest(start=start)
            yield pb.PutContentRequest(piece=sealed)
            yield pb.PutContentRequest(finish=pb.ContentFinish(content_digest=digest))

        await self._person.signer.call(self._stub.PutContent, parts())


@asynccontextmanager
async def _depositor(person: Person, session_id: str) -> AsyncIterator[Depositor]:
    line: ServerLine = person.signer.line
    identity = line.identity
    key_pem = identity.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    credentials = channel_credentials(identity.authority_pem, key_pem, identity.certificate_pem)
    async with grpc.aio.secure_channel(identity.server_address, credentials, channel_options()) as channel:
        stub: EvidenceServiceAsyncStub = EvidenceServiceStub(channel)
        log: TransparencyServiceAsyncStub = TransparencyServiceStub(channel)
        key = await log.GetLogKey(transparency_service_pb2.GetLogKeyRequest())
        yield Depositor(person, session_id, stub, VerifierKey.from_text(key.verifier_key))
