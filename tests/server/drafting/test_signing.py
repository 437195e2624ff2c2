"""Statements and consents: what they must say, by whom, and what becomes of a text that somebody reads otherwise."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from fourseal.v1 import drafting_service_pb2 as pb
from fourseal.v1.statement_pb2 import StatementSignature

from contract.drafting.consents import ContractConsent
from contract.drafting.marks import check_mark, make_mark, new_document_key
from contract.drafting.statements import ContractSigner, ContractStatement
from contract.joint_statement import JointStatement
from tests.server.drafting.conftest import Table, revoke
from tests.server.drafting.people import TEXT, Drafter, consented, locked, party_of, signed
from tests.server.harness import query
from tests.server.trusteeship.people import certify, reason_of
from wire.ids import new_request_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG, STATE, MALFORMED = "CONTRACT_STATEMENT_WRONG", "CONTRACT_STATE_WRONG", "CONTRACT_STATEMENT_MALFORMED"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def contract(table: Table) -> AsyncIterator[pb.Contract]:
    """A locked one, that nobody signs."""
    yield await locked((table.alice, table.bob))


async def test_three_sign_and_consent(table: Table) -> None:
    """Each statement and consent is jointly signed, each mark holds, and repeats are answered alike."""
    people = (table.alice, table.bob, table.carol)
    contract = await locked(people)
    stated, mark = table.alice.stating(contract)
    repeated = {"request_id": new_request_id(), "signature": table.alice.signature(stated.to_der())}
    first = await table.alice.send_statement(stated, mark, **repeated)
    assert await table.alice.send_statement(stated, mark, **repeated) == first
    assert first.summary.state == pb.CONTRACT_STATE_LOCKED
    assert (party_of(first, "alice").mark, party_of(first, "bob").mark) == (mark, b"")
    await asyncio.gather(*(person.sign(contract) for person in people[1:]))
    contract = await table.bob.get(contract)
    assert contract.summary.state == pb.CONTRACT_STATE_SIGNED
    for person, party in zip(people, contract.parties, strict=True):
        kept = JointStatement.from_der(party.statement_der)
        kept.check(person.known.key.joint_key.to_cryptography())
        check_mark(ContractStatement.from_der(kept.statement), party.mark)
    for person in people:
        contract = await person.consent(contract)
        kept = JointStatement.from_der(party_of(contract, person.name).consent_der)
        kept.check(person.known.key.joint_key.to_cryptography())
    assert contract.summary.state == pb.CONTRACT_STATE_CONSENTED
    for attempt in (table.alice.sign(contract), table.alice.consent(contract), table.alice.reopen(contract)):
        assert await reason_of(attempt) == STATE
    assert await reason_of(table.bob.refuse(contract)) == STATE


async def test_one_half_alone_makes_no_statement(table: Table, contract: pb.Contract) -> None:
    """Without the client's half of this very statement, or with another key's, nothing is signed or kept."""
    alice, bob = table.alice, table.bob
    stated, mark = alice.stating(contract)
    good = alice.signature(stated.to_der())
    spoilt, unsigned = StatementSignature(), StatementSignature(key_id=good.key_id, salt=good.salt)
    spoilt.CopyFrom(good)
    spoilt.client_partial = bytes([good.client_partial[0] & 1]) + good.client_partial[1:-1] + b"\0"
    other = replace(stated, time=stated.time - timedelta(seconds=1))
    attempts = {
        "PARTIAL_SIGNATURE_INVALID": [spoilt, alice.signature(other.to_der())],
        "PARTIAL_MALFORMED": [unsigned],
        "KEY_NOT_FOUND": [bob.signature(stated.to_der())],
    }
    for reason, signatures in attempts.items():
        for signature in signatures:
            assert await reason_of(alice.send_statement(stated, mark, signature=signature)) == reason
    assert await reason_of(bob.send_statement(stated, mark, signature=good)) == "PERSONAL_CERTIFICATE_WRONG"
    own = await alice.client.generate()
    theirs = await asyncio.to_thread(certify, table.server, "bob", own, table.clock())  # Bob's, at Alice's agent
    signers = tuple(replace(each, certificate=theirs) if each.account == "bob" else each for each in stated.signers)
    forged = replace(stated, signers=signers, signer="bob")
    signature = alice.signature(forged.to_der(), own)
    assert await reason_of(alice.send_statement(forged, mark, signature=signature)) == "CONTRACT_MARK_INVALID"
    assert await reason_of(alice.send_statement(*remarked(forged), signature=signature)) != "CONTRACT_MARK_INVALID"
    assert not any(each.statement_der for each in (await alice.get(contract)).parties)


def remarked(stated: ContractStatement) -> tuple[ContractStatement, bytes]:
    """The same statement, with a key of whoever does this."""
    key = new_document_key(secrets.token_bytes)
    changed = replace(stated, document_key=key.public_key().public_bytes_raw())
    return changed, make_mark(key, changed)


async def test_statements_that_do_not_fit(table: Table, contract: pb.Contract) -> None:
    """Of another contract, version, file, title or party; another time; and marks by another key."""
    alice, bob = table.alice, table.bob
    other = await locked((alice, bob), title="Another")
    stated, mark = alice.stating(contract)
    bobs, _ = bob.stating(contract)
    signers = stated.signers
    another = (ContractSigner("alice", stated.signer_certificate), ContractSigner("carol", signers[1].certificate))
    cases: dict[str, list[tuple[ContractStatement, bytes]]] = {
        WRONG: [
            alice.stating(contract, **changed)
            for changed in (
                {"contract_id": other.summary.contract_id},  # replayed for another contract: its title gives it away
                {"number": 2},
                {"title": "Lease of a house"},
                {"draft_digest": bytes(32)},
                {"draft_digest": bytes(32), "text_digest": bytes(32)},
                {"signers": another},
                {"signers": (signers[0], replace(signers[1], certificate=bytes(32)))},
            )
        ],
        "CONTRACT_NOT_FOUND": [alice.stating(contract, contract_id="contract-" + "a" * 26)],
        "STATEMENT_TIME_OFF": [alice.stating(contract, time=alice.now() + timedelta(hours=1))],
        "PERSONAL_CERTIFICATE_WRONG": [alice.stating(contract, signer="bob")],
        "CONTRACT_MARK_INVALID": [
            (stated, bytes(64)),
            (stated, mark[:-1]),
            (stated, alice.stating(contract)[1]),  # by another key than it names
            (replace(stated, document_key=bobs.document_key), mark),
        ],
    }
    for reason, attempts in cases.items():
        for said, marked in attempts:
            assert await reason_of(alice.send_statement(said, marked)) == reason, said
    malformed = alice.send_statement(stated, mark, statement_der=stated.to_der()[:-1])
    assert await reason_of(malformed) == MALFORMED
    consent = ContractConsent.to_all([stated, bobs], "alice", alice.now())
    assert await reason_of(alice.send_statement(stated, mark, statement_der=consent.to_der())) == MALFORMED
    assert await reason_of(alice.send_consent(consent)) == STATE  # nobody has signed


async def test_nobody_signs_twice(table: Table) -> None:
    """Also not the same statement, by another request."""
    contract = await locked((table.alice, table.bob))
    stated, mark = table.alice.stating(contract)
    await table.alice.send_statement(stated, mark)
    for attempt in (table.alice.send_statement(stated, mark), table.alice.sign(contract)):
        assert await reason_of(attempt) == WRONG


async def test_an_older_version_cannot_be_signed(table: Table) -> None:
    """Neither can what was signed before the contract was reopened be used for what it says then."""
    alice, bob = table.alice, table.bob
    contract = await locked((alice, bob))
    older, mark = alice.stating(contract)
    contract = await bob.reopen(contract)
    assert await reason_of(alice.send_statement(older, mark)) == STATE
    contract = await alice.edit(contract, TEXT + "\nA new clause.")
    for person in (alice, bob):
        contract = await person.confirm(contract)
    assert await reason_of(alice.send_statement(older, mark)) == WRONG
    assert (await alice.sign(contract)).summary.state == pb.CONTRACT_STATE_LOCKED


async def test_another_text_is_named(table: Table) -> None:
    """Who has read another text is told, everybody sees it, and all begin again; a repeat hears the same."""
    alice, bob = table.alice, table.bob
    contract = await locked((alice, bob))
    await alice.sign(contract)
    stated, mark = bob.stating(contract, text_digest=bytes(32))
    repeated = {"request_id": new_request_id(), "signature": bob.signature(stated.to_der())}
    for _ in range(2):
        assert await reason_of(bob.send_statement(stated, mark, **repeated)) == "CONTRACT_TEXT_DIFFERS"
    contract = await alice.get(contract)
    turn = contract.last_return
    assert (turn.account, turn.cause) == ("bob", pb.RETURN_CAUSE_TEXT_DIFFERS)
    assert contract.summary.state == pb.CONTRACT_STATE_DRAFTING
    assert not any(each.statement_der or each.mark or each.confirmed_version for each in contract.parties)
    assert (
        len(query(table.home, "SELECT 1 FROM contract_turns WHERE contract_id = ?", contract.summary.contract_id)) == 1
    )
    for person in (alice, bob):
        contract = await person.confirm(contract)
    assert (await bob.sign(contract)).summary.state == pb.CONTRACT_STATE_LOCKED


async def test_consents_that_do_not_fit(table: Table) -> None:
    """Another certificate, statement, text or contract; by somebody else; twice."""
    alice, bob = table.alice, table.bob
    contract = await signed((alice, bob))
    good = alice.consenting(contract)
    first, second = good.signers
    cases: dict[str, list[ContractConsent]] = {
        WRONG: [
            replace(good, **changed)
            for changed in (
                {"number": 2},
                {"text_digest": bytes(32)},
                {"signers": (first, replace(second, certificate=bytes(32)))},
                {"signers": (first, replace(second, statement=bytes(32)))},
                {"signers": (first, replace(second, account="carol"))},
                {"signers": (first, second, replace(second, account="carol"))},
            )
        ],
        "CONTRACT_NOT_FOUND": [replace(good, contract_id="contract-" + "a" * 26)],
        "STATEMENT_TIME_OFF": [replace(good, time=good.time - timedelta(hours=1))],
        "PERSONAL_CERTIFICATE_WRONG": [
            replace(good, signer="bob"),
            replace(good, signers=(replace(first, certificate=bytes(32)), second)),
        ],
    }
    for reason, consents in cases.items():
        for said in consents:
            assert await reason_of(alice.send_consent(said)) == reason, said
    other = await signed((alice, bob))
    replayed = replace(good, contract_id=other.summary.contract_id)
    assert await reason_of(alice.send_consent(replayed)) == WRONG
    assert not any(each.consent_der for each in (await alice.get(contract)).parties)
    await alice.send_consent(good)
    assert await reason_of(alice.send_consent(good)) == WRONG
    assert (await bob.consent(contract)).summary.state == pb.CONTRACT_STATE_CONSENTED


async def test_a_certificate_that_ends_between_the_steps(table: Table) -> None:
    """Nobody signs, consents or finishes with it; it is named, and the contract can be reopened."""
    alice, bob = table.alice, table.bob
    for reached in (locked, signed, consented):
        bobs = await _with_another_certificate(table, bob)
        contract = await reached((alice, bobs))
        revoke(table, bobs.known.certificate)
        if reached is locked:
            assert await reason_of(bobs.sign(contract)) == "PERSONAL_CERTIFICATE_WRONG"
            await alice.sign(contract)
        elif reached is signed:
            assert await reason_of(bobs.consent(contract)) == "PERSONAL_CERTIFICATE_WRONG"
            assert await reason_of(alice.consent(contract)) == "CONTRACT_CERTIFICATE_ENDED"
        else:
            assert await reason_of(alice.have_made(contract)) == "CONTRACT_CERTIFICATE_ENDED"
        assert (await bob.get(contract)).parties[1].HasField("revoke_time")
        assert (await alice.reopen(contract)).summary.state == pb.CONTRACT_STATE_DRAFTING


async def _with_another_certificate(table: Table, person: Drafter) -> Drafter:
    key = await person.client.generate()
    made = await asyncio.to_thread(certify, table.server, person.name, key, table.clock())
    return replace(person, known=replace(person.known, key=key, certificate=made))
