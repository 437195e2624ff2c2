"""Transactions that go as they should: every variant, every kind of signing key, and what stands in the log then."""

from __future__ import annotations

import pytest
from cryptography import x509
from fourseal.v1 import transaction_service_pb2 as pb

from contract.chain import check_chain
from contract.log_entry import EntryKind, LogEntry
from contract.oids import DEFAULT_ARC
from contract.transactions.binding import CodeVariant, SignedBinding, to_be_signed
from contract.transactions.progress import TransactionState
from contract.transactions.record import TransactionRecord
from server.root.fsck import fsck
from tests.server.harness import query, sign_request, silent_log
from tests.server.transactions.people import BACK_END, KIND, Bank
from tests.server.trusteeship.people import certify, reason_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_back_end_says_what_it_takes(bank: Bank) -> None:
    """Its certificate is its authority's, for that use alone, and names it."""
    response = await bank.terminal.stub.GetBackEnd(pb.GetBackEndRequest())
    assert (response.name, list(response.kinds)) == (BACK_END, [KIND])
    assert list(response.variants) == sorted(CodeVariant)
    certificate = await bank.terminal.back_end()
    assert (certificate.name, certificate.public_key.key_size) == (BACK_END, 3072)
    authority = x509.load_pem_x509_certificate(bank.terminal.client.identity.authority_pem)
    check_chain(certificate.certificate, authority, DEFAULT_ARC.back_end, bank.clock())


@pytest.mark.parametrize("variant", CodeVariant)
async def test_a_transaction_is_executed_and_recorded(bank: Bank, variant: CodeVariant) -> None:
    """Proposed, signed, confirmed, executed: each durable, each in the log, each with what it is about."""
    transaction = bank.terminal.transaction()
    proposed = await bank.terminal.propose(transaction)
    binding, code = bank.alice.bind(transaction, await bank.terminal.back_end(), variant)
    signed = await bank.terminal.sign(proposed.transaction_id, binding)
    assert (proposed.state, signed.state) == (pb.TRANSACTION_STATE_PROPOSED, pb.TRANSACTION_STATE_SIGNED)
    done = await bank.terminal.confirm(proposed.transaction_id, binding, code.lower())
    assert (done.state, done.execution) == (pb.TRANSACTION_STATE_EXECUTED, f"book-{proposed.transaction_id[-8:]}")
    assert bank.executions(proposed.transaction_id) == 1

    records = []
    for step in done.steps:
        (row,) = query(bank.home, "SELECT entry FROM log_entries WHERE log_index = ?", step.log_index)
        entry = LogEntry.from_der(row[0])
        assert entry.kind is EntryKind.TRANSACTION
        records.append(TransactionRecord.from_der(entry.body))
    assert [record.state for record in records] == [
        TransactionState.PROPOSED,
        TransactionState.SIGNED,
        TransactionState.CONFIRMED,
        TransactionState.EXECUTED,
    ]
    assert [record.detail for record in records] == [
        transaction.to_der(),
        binding.to_der(),
        code.replace("-", "").encode(),
        done.execution.encode(),
    ]
    assert {record.transaction for record in records} == {transaction.digest}
    assert fsck(bank.home, silent_log(), (), lambda _: lambda *_: None).findings == []


async def test_a_joint_key_signs(bank: Bank) -> None:
    """By the account's personal certificate, with the server's half."""
    client = bank.alice.person.client
    key = await client.generate()
    certificate = certify(bank.server, "alice", key, bank.clock())
    transaction = bank.terminal.transaction()
    name = (await bank.terminal.propose(transaction)).transaction_id
    unsigned, code = bank.alice.bind(transaction, await bank.terminal.back_end(), signer_certificate=certificate)
    binding = SignedBinding(
        unsigned.core,
        unsigned.sealed_code,
        await client.sign(sign_request(key, to_be_signed(unsigned.core, unsigned.sealed_code))),
    )
    await bank.terminal.sign(name, binding)
    assert (await bank.terminal.confirm(name, binding, code)).state == pb.TRANSACTION_STATE_EXECUTED


async def test_each_step_may_be_repeated(bank: Bank) -> None:
    """It answers as before, and nothing is done twice."""
    transaction = bank.terminal.transaction()
    first = await bank.terminal.propose(transaction)
    assert await bank.terminal.propose(transaction) == first
    binding, code = bank.alice.bind(transaction, await bank.terminal.back_end())
    signed = await bank.terminal.sign(first.transaction_id, binding)
    assert await bank.terminal.sign(first.transaction_id, binding) == signed
    done = await bank.terminal.confirm(first.transaction_id, binding, code)
    assert await bank.terminal.propose(transaction) == done
    assert await bank.terminal.sign(first.transaction_id, binding) == done
    assert await reason_of(bank.terminal.confirm(first.transaction_id, binding, code)) == "CODE_USED"
    assert bank.executions(first.transaction_id) == 1


async def test_terminal_and_signer_refuse(bank: Bank) -> None:
    """Before the code is there; not afterwards."""
    for token in ("", bank.alice.person.token):
        name, binding, code = await bank.signed()
        caller = bank.alice.person.client if token else bank.terminal.client
        terminal = type(bank.terminal)(caller, bank.clock)
        refused = await terminal.refuse(name, token)
        assert (refused.state, refused.cause) == (pb.TRANSACTION_STATE_REJECTED, "REFUSED_BY_USER")
        assert await terminal.refuse(name, token) == refused
        assert await reason_of(bank.terminal.confirm(name, binding, code)) == "TRANSACTION_CLOSED"
    name, binding, code = await bank.signed()
    await bank.terminal.confirm(name, binding, code)
    assert await reason_of(bank.terminal.refuse(name)) == "TRANSACTION_CLOSED"


async def test_lists_are_the_own_ones(bank: Bank) -> None:
    """A terminal's, and with a login those that the account signs; newest first, page by page."""
    names = [(await bank.signed())[0] for _ in range(3)]
    at_phone = type(bank.terminal)(bank.alice.person.client, bank.clock)
    for seen in (
        await bank.terminal.list(page_size=3),
        await at_phone.list(bank.alice.person.token, page_size=3),
    ):
        assert [each.transaction_id for each in seen.transactions] == names[::-1]
    first = await bank.terminal.list(page_size=2)
    second = await bank.terminal.list(page_size=1, page_token=first.next_page_token)
    assert [each.transaction_id for each in (*first.transactions, *second.transactions)] == names[::-1]
    assert list((await at_phone.list()).transactions) == []  # it proposed none
    at_bobs = type(bank.terminal)(bank.bob.person.client, bank.clock)
    assert list((await at_bobs.list(bank.bob.person.token)).transactions) == []
