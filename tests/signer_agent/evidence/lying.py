"""A real server whose answers to one agent are changed on their way: what a server that cheats could answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import evidence_service_pb2 as pb

from contract.evidence_record import EvidenceRecord
from contract.log_entry import EntryKind, LogEntry
from contract.signatures import JointSignature
from mpc.four_prime_rsa import Role
from signer_agent.client.server_line import Metadata
from signer_agent.contracts.entries import Drawers
from signer_agent.contracts.login import LoginLine
from tests.contract.world import Issuer, half_person
from tests.mpc.parties import decryption_share, signing_share
from tests.signer_agent.contracts.company import Company, Person
from transparency.checkpoint import Checkpoint
from transparency.receipt import Receipt

Answer = Any
"""A protobuf message of any kind, whose fields are set by name."""
Lie = Callable[[Answer], None]
"""Changes an answer in place."""


@contextmanager
def lying(person: Person, method: str, lie: Lie, service: str = "evidence") -> Iterator[None]:
    """Change what a service answers to somebody."""
    stub = getattr(person.line, service)
    honest = getattr(stub, method)

    async def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        answer = await honest(*arguments, **named)
        lie(answer)
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stub, method, call)
        yield


def wrong_proof(answer: Answer) -> None:
    """The receipt is for another place."""
    receipt = Receipt.from_bytes(answer.receipt)
    answer.receipt = Receipt(receipt.index ^ 1, receipt.proof, receipt.checkpoint).to_bytes()


def forged_checkpoint(answer: Answer) -> None:
    """The checkpoint says that the log is longer, and nobody signed that."""
    receipt = Receipt.from_bytes(answer.receipt).to_bytes().split(b"\n")
    place = next(number for number, line in enumerate(receipt) if not line) + 2
    receipt[place] = str(int(receipt[place]) + 1).encode()
    answer.receipt = b"\n".join(receipt)


def other_entry(answer: Answer) -> None:
    """The entry has another nonce than the leaf in the log."""
    entry = LogEntry.from_der(answer.entry_der)
    answer.entry_der = LogEntry(entry.kind, entry.time, bytes(32), entry.body).to_der()


def other_kind(answer: Answer) -> None:
    """The entry is no evidence."""
    entry = LogEntry.from_der(answer.entry_der)
    answer.entry_der = LogEntry(EntryKind.OPERATION, entry.time, entry.nonce, entry.body).to_der()


def other_record(answer: Answer) -> None:
    """The record names another content."""
    entry = LogEntry.from_der(answer.entry_der)
    record = EvidenceRecord.from_der(entry.body)
    changed = entry.body.replace(record.content_digest, bytes(32))
    answer.entry_der = LogEntry(entry.kind, entry.time, entry.nonce, changed).to_der()


def other_signature(answer: Answer) -> None:
    """The record has a signature that nobody made."""
    entry = LogEntry.from_der(answer.entry_der)
    record = EvidenceRecord.from_der(entry.body)
    assert isinstance(record.signature, JointSignature)
    spoilt = replace(record, signature=JointSignature(record.signature.data[::-1]))
    answer.entry_der = LogEntry(entry.kind, entry.time, entry.nonce, spoilt.to_der()).to_der()


def other_author(answer: Answer) -> None:
    """The author's certificate is of another authority."""
    other = half_person(Issuer(), "alice", signing_share(Role.CLIENT), decryption_share(Role.CLIENT))
    answer.author_certificate_der = other.sign.certificate.public_bytes(Encoding.DER)


def nothing(answer: Answer) -> None:
    """An empty answer."""
    answer.Clear()


@contextmanager
def having_seen(company: Company, person: Person, size: int, root: bytes) -> Iterator[None]:
    """As if the server, by its own key, had shown somebody another log before."""
    key = company.server._ground.log_key
    kept = person.signer.log._kept
    known = kept.state()
    assert known is not None
    seen = Checkpoint(key.verifier.name, size, root).sign(key.private_key)
    kept.advance(known, replace(known, proven=seen))
    try:
        yield
    finally:
        kept._states.put("watch", known)


async def token(person: Person) -> Metadata:
    """The metadata of somebody's login."""
    login = await LoginLine(person.line, Drawers(person.store)).login()
    return await person.line.metadata(login.token)


def get_evidence(digest: bytes) -> pb.GetEvidenceRequest:
    """A request."""
    return pb.GetEvidenceRequest(statement_digest=digest)
