"""Deposits: in the log once, proven, and refused whenever anything of them does not hold."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from fourseal.v1 import evidence_service_pb2 as pb

from contract.certificates import SessionCertificate, SignerCertificate
from contract.evidence_record import EvidenceRecord, check_record
from contract.key_ciphertext import write_key_ciphertext
from contract.log_certificate import read_log_certificate
from contract.log_entry import EntryKind, LogEntry
from contract.oids import DEFAULT_ARC
from contract.statement import Answer, Decision
from server.evidence import deposits
from server.evidence.store.tables import evidence_records
from server.root.application import Server
from server.storage import PageCursor
from tests.server.evidence.messages import (
    deposit,
    deposited,
    fetch,
    get,
    listed,
    parts_of,
    put,
    stub,
    write,
)
from tests.server.harness import database_path, query
from tests.server.sessions.people import HOUR, Session, Signer
from tests.server.storage.outside import execute
from transparency.keys import VerifierKey
from transparency.receipt import Receipt
from wire.status import RemoteError


async def reason_of(awaited: Any) -> str:  # noqa: ANN401  # a coroutine
    """Why a call is refused."""
    with pytest.raises(RemoteError) as refused:
        await awaited
    return refused.value.reason


def count(server: Server, table: str) -> int:
    """Rows."""
    ((found,),) = query(server._home, f"SELECT count(*) FROM {table}")  # noqa: S608
    return int(found)


async def test_a_message_is_kept_and_proven(
    server_key: VerifierKey, alice: Signer, bob: Signer, session: Session
) -> None:
    """The receipt proves the entry, which is the record as it was deposited; both sides get all of it back."""
    message, answer = await deposited(alice, session, bob)
    entry = LogEntry.from_der(answer.entry_der)
    assert entry.kind is EntryKind.EVIDENCE
    assert EvidenceRecord.from_der(entry.body) == message.record
    Receipt.from_bytes(answer.receipt).verify(answer.entry_der, server_key)
    for person in (alice, bob):
        found = await get(person, message.digest)
        Receipt.from_bytes(found.receipt).verify(found.entry_der, server_key)
        check_record(
            EvidenceRecord.from_der(LogEntry.from_der(found.entry_der).body),
            SignerCertificate.from_der(found.author_certificate_der, DEFAULT_ARC),
            SessionCertificate.from_der(found.session_sign_certificate_der, DEFAULT_ARC),
            SessionCertificate.from_der(found.session_encrypt_certificate_der, DEFAULT_ARC),
        )
        authority = x509.load_der_x509_certificate(found.authority_certificate_der)
        assert read_log_certificate(found.log_certificate_der, authority, DEFAULT_ARC, alice.now()) == server_key
        assert await fetch(person, message.digest) == message.sealed
        assert await fetch(person, message.digest, 5) == message.sealed[5:]
        assert [each.statement_digest for each in await listed(person, session.session_id)] == [message.digest]


@pytest.fixture
def server_key(session_server: Server) -> VerifierKey:
    """The log's key."""
    return session_server._rules.evidence.transparency.verifier


async def test_a_repeat_changes_nothing(
    session_server: Server, server_key: VerifierKey, alice: Signer, bob: Signer, session: Session
) -> None:
    """The same record again, also at the same time: one entry, and a receipt for it each time."""
    message = await write(alice, session, bob)
    await put(alice, parts_of(message))
    answers = await asyncio.gather(*(deposit(alice, message) for _ in range(8)))
    answers.append(await deposit(alice, message))
    assert len({answer.log_index for answer in answers}) == 1
    assert len({answer.entry_der for answer in answers}) == 1
    for answer in answers:
        Receipt.from_bytes(answer.receipt).verify(answer.entry_der, server_key)
    assert count(session_server, "evidence_records") == 1
    await put(alice, parts_of(message))  # by who did not hear of the deposit
    assert count(session_server, "evidence_uploads") == 1
    assert (await deposit(alice, message)).log_index == answers[0].log_index
    assert count(session_server, "evidence_uploads") == 0
    assert await fetch(bob, message.digest) == message.sealed
    other = message.with_record(trailer=bytes(len(message.record.trailer)))
    assert await reason_of(deposit(alice, other)) == "EVIDENCE_DIFFERS"
    assert count(session_server, "evidence_records") == 1


async def test_items_of_a_batch_stand_alone(
    session_server: Server, server_key: VerifierKey, alice: Signer, bob: Signer, session: Session
) -> None:
    """What is wrong with some does not touch the others; the same record twice is one entry; sizes are bounded."""
    good, late, without_content = [
        await write(alice, await alice.get(session.session_id), bob, sequence=sequence) for sequence in (1, 2, 3)
    ]
    for message in (good, late):
        await put(alice, parts_of(message))
    foreign = await write(bob, session, alice)
    records = [good, without_content, foreign, good, late]
    items = [pb.DepositEvidenceRequest(record_der=each.record.to_der()) for each in records]
    items.insert(1, pb.DepositEvidenceRequest(record_der=b"garbage"))
    method = stub(alice).BatchDepositEvidence
    answer = await alice.call(method, pb.BatchDepositEvidenceRequest(items=items))
    assert [each.error.reason for each in answer.results] == [
        "",
        "EVIDENCE_RECORD_MALFORMED",
        "EVIDENCE_CONTENT_MISSING",
        "NOT_THE_AUTHOR",
        "",
        "",
    ]
    for number in (0, 4, 5):
        deposited = answer.results[number].deposited
        assert LogEntry.from_der(deposited.entry_der).body == items[number].record_der
        Receipt.from_bytes(deposited.receipt).verify(deposited.entry_der, server_key)
    first, again = answer.results[0].deposited, answer.results[4].deposited  # receipts may be of two heads of the log
    assert (first.log_index, first.entry_der) == (again.log_index, again.entry_der)
    assert count(session_server, "evidence_records") == 2
    for wrong, reason in (([], "BATCH_SIZE_WRONG"), (items[:1] * 257, "BATCH_SIZE_WRONG")):
        assert await reason_of(alice.call(method, pb.BatchDepositEvidenceRequest(items=wrong))) == reason
    large = [pb.DepositEvidenceRequest(record_der=bytes(1 << 20))] * 3
    assert await reason_of(alice.call(method, pb.BatchDepositEvidenceRequest(items=[*large, items[0]]))) == (
        "FIELD_INVALID"
    )


async def test_batches_of_one_account_do_not_crowd_others_out(
    alice: Signer, bob: Signer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is more than an account may have under way is refused alone; there is room again as soon as it is done."""
    monkeypatch.setattr(deposits, "UNDER_WAY_OF_ACCOUNT", 2)
    message = await write(alice, session, bob)
    await put(alice, parts_of(message))
    batch = pb.BatchDepositEvidenceRequest(items=[pb.DepositEvidenceRequest(record_der=message.record.to_der())] * 4)
    for _ in range(2):
        answer = await alice.call(stub(alice).BatchDepositEvidence, batch)
        assert [each.error.reason for each in answer.results] == ["", "", "OVERLOADED", "OVERLOADED"]


async def test_after_the_close(alice: Signer, bob: Signer, session: Session, server_key: VerifierKey) -> None:
    """Evidence may come late, and is opened late: the decryption share is still there."""
    message = await write(alice, session, bob)
    await alice.close(session.session_id)
    await put(alice, parts_of(message))
    answer = await deposit(alice, message)
    Receipt.from_bytes(answer.receipt).verify(answer.entry_der, server_key)
    assert (await get(bob, message.digest)).summary.log_index == answer.log_index
    ciphertext = message.record.key_for("bob")
    assert await bob.decrypt(session.session_id, write_key_ciphertext(ciphertext))


async def test_strangers(
    alice: Signer, bob: Signer, carol: Signer, mallory: Signer, session: Session, session_server: Server
) -> None:
    """Nobody deposits another's message, not even its recipient; nobody uploads where it never joined."""
    message = await write(alice, session, bob)
    await put(alice, parts_of(message))
    before = count(session_server, "log_entries")
    for person in (bob, carol, mallory):
        assert await reason_of(deposit(person, message)) == "NOT_THE_AUTHOR"
    assert await reason_of(put(mallory, parts_of(message))) == "SESSION_NOT_FOUND"
    assert await reason_of(put(carol, parts_of(message))) == "NOT_A_MEMBER"
    assert await reason_of(put(bob, parts_of(message))) == "CONTENT_CHANGED"
    for person in (carol, mallory):
        assert await reason_of(get(person, message.digest)) == "EVIDENCE_NOT_FOUND"
    assert count(session_server, "log_entries") == before
    assert count(session_server, "evidence_records") == 0


async def test_non_members_cannot_tell_what_is_there(
    alice: Signer, bob: Signer, carol: Signer, mallory: Signer, session: Session
) -> None:
    """What does not concern somebody is answered like what does not exist, byte for byte."""
    message, _ = await deposited(alice, session, bob)
    await carol.join(session.session_id)  # a member, and no recipient
    for person in (carol, mallory):
        answers = set()
        for digest in (message.digest, bytes(32)):
            for method in (get, fetch):
                with pytest.raises(RemoteError) as refused:
                    await method(person, digest)
                answers.add((refused.value.reason, str(refused.value), str(refused.value.metadata)))
        assert len(answers) == 1
        assert {reason for reason, *_ in answers} == {"EVIDENCE_NOT_FOUND"}
        assert await listed(person, session.session_id) == []


async def test_without_proof(alice: Signer, bob: Signer, session: Session, clock: Any) -> None:  # noqa: ANN401
    """A stolen password is not enough, and a login that has ended neither."""
    message, _ = await deposited(alice, session, bob)
    clock.move(20 * HOUR)
    assert await reason_of(get(alice, message.digest)) == "LOGIN_REQUIRED"
    assert await reason_of(deposit(alice, message)) == "LOGIN_REQUIRED"


async def test_parts_that_do_not_belong_together(
    session_server: Server, alice: Signer, bob: Signer, session: Session
) -> None:
    """Each record has one thing wrong; nothing of any of them stays."""
    one = await write(alice, session, bob)
    session = await alice.get(session.session_id)
    two = await write(alice, session, bob, sequence=2)
    other_session = await alice.create("bob")
    await bob.join(other_session.session_id)
    elsewhere = await write(alice, await alice.get(other_session.session_id), bob)
    await put(alice, parts_of(one))
    before = count(session_server, "log_entries")
    wrong = {
        "SIGNATURE_INVALID": one.with_record(signature=two.record.signature),
        "SESSION_WRONG": one.with_record(header=elsewhere.record.header),
        "ENVELOPE_CERTIFICATE_WRONG": one.with_record(
            header=replace(one.record.header, session_certificate=session_sign(session))
        ),
        "EVIDENCE_CONTENT_MISSING": two,
    }
    for reason, message in wrong.items():
        assert await reason_of(deposit(alice, message)) == reason
    longer = one.with_record(content_length=one.record.content_length + 1)
    digest = one.with_record(content_digest=sha256(b"other").digest())
    for message in (longer, digest):
        assert await reason_of(deposit(alice, message)) == "EVIDENCE_CONTENT_MISSING"
    assert count(session_server, "evidence_records") == 0
    assert count(session_server, "log_entries") == before
    assert (await deposit(alice, one)).log_index == before


def session_sign(session: Session) -> bytes:
    """Fingerprint of the wrong one of the session's certificates."""
    return sha256(session.sign_certificate_der).digest()


async def test_a_statement_that_was_never_signed_here(
    session_server: Server, alice: Signer, bob: Signer, session: Session
) -> None:
    """If the server does not know that it signed, it takes no record, whatever the signature says."""
    message = await write(alice, session, bob)
    await put(alice, parts_of(message))
    execute(database_path(session_server._home), "DELETE FROM session_statements")
    assert await reason_of(deposit(alice, message)) == "STATEMENT_NOT_SIGNED_HERE"


@pytest.mark.parametrize("garbage", [b"", b"\x30\x00", b"\xff" * 100, bytes(2 << 20)])
async def test_garbage(alice: Signer, garbage: bytes) -> None:
    """What is no record is said not to be one."""
    request = pb.DepositEvidenceRequest(record_der=garbage)
    assert await reason_of(alice.call(stub(alice).DepositEvidence, request)) == "EVIDENCE_RECORD_MALFORMED"


@pytest.mark.parametrize("size", [0, 1, (1 << 20), (3 << 20) + 7])
async def test_contents_of_every_size(alice: Signer, bob: Signer, session: Session, size: int) -> None:
    """From nothing to several segments."""
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    message, _ = await deposited(alice, session, bob, content=content)
    assert await fetch(bob, message.digest) == message.sealed


async def test_answers_are_named(alice: Signer, bob: Signer, session: Session) -> None:
    """Who gets a message's evidence learns which answers to it were deposited."""
    message, _ = await deposited(alice, session, bob)
    session = await bob.get(session.session_id)
    answer = Answer(Decision.ACCEPT, message.record.statement)
    reply, _ = await deposited(bob, session, alice, answer=answer)
    assert list((await get(alice, message.digest)).answer_digests) == [reply.digest]
    assert (await get(alice, reply.digest)).summary.answered_digest == message.digest


async def test_pages(alice: Signer, bob: Signer, session: Session) -> None:
    """A list is cut into pages that miss and repeat nothing; a forged token is refused."""
    written = []
    for sequence in range(1, 6):
        session = await alice.get(session.session_id)
        message, _ = await deposited(alice, session, bob, sequence=sequence)
        written.append(message.digest)
    for size in (0, 1, 2, 5):
        assert [each.statement_digest for each in await listed(bob, session.session_id, size)] == written
    forged = PageCursor(bob.now(), "x").to_token()
    for token in ("?", forged):
        request = pb.ListEvidenceRequest(session_id=session.session_id, page_token=token)
        assert await reason_of(bob.call(stub(bob).ListEvidence, request)) == "PAGE_TOKEN_INVALID"


def test_nothing_of_a_record_is_kept_twice() -> None:
    """The record's DER stands in the log alone: what could differ cannot be compared."""
    assert "record" not in evidence_records.c
