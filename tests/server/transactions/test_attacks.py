"""What a terminal that is up to something tries, and where it is caught."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from fourseal.v1 import transaction_service_pb2 as pb

from contract.transactions.binding import CodeVariant, Opener, SignedBinding
from contract.transactions.code import ConfirmationCode
from contract.transactions.money import Amount
from contract.transactions.transaction import Transaction, Transfer
from contract.transactions.verification import is_right_code
from server.identity import RevocationReason, disable_account, enable_account, revoke_certificates
from server.transactions import confirmations
from tests.server.harness import query
from tests.server.transactions.conftest import make_bank_home, open_bank
from tests.server.transactions.people import Bank, Terminal, wrong_code
from tests.server.trusteeship.people import reason_of
from wire.ids import new_request_id
from wire.status import RemoteError

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLERS = 100
MINUTE = timedelta(minutes=1)


async def answer_of(call: Awaitable[pb.TransactionStatus]) -> str:
    """What a caller hears: the state, or why it is refused."""
    try:
        return pb.TransactionState.Name((await call).state)
    except RemoteError as error:
        return error.reason


def dearer(transaction: Transaction) -> Transaction:
    """The same for a tenfold amount."""
    (transfer,) = transaction.transfers
    amount = Amount(transfer.amount.currency, 10 * transfer.amount.units)
    return replace(transaction, transfers=(Transfer(transfer.payer, "mallory", amount),))


async def test_of_many_with_the_right_code_one_confirms(bank: Bank) -> None:
    """And it is executed once; the others hear that the code was used."""
    name, binding, code = await bank.signed()
    terminals = [bank.terminal, bank.mallory]
    answers = await asyncio.gather(
        *(answer_of(terminals[turn % 2].confirm(name, binding, code)) for turn in range(CALLERS))
    )
    assert Counter(answers) == {"TRANSACTION_STATE_EXECUTED": 1, "CODE_USED": CALLERS - 1}
    assert bank.executions(name) == 1


async def test_guesses_in_parallel_are_three(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three are compared, whatever the parallelism; then the right code is of no use."""
    compared = list[ConfirmationCode]()

    def counting(binding: SignedBinding, typed: ConfirmationCode, opener: Opener) -> bool:
        compared.append(typed)
        return is_right_code(binding, typed, opener)

    monkeypatch.setattr(confirmations, "is_right_code", counting)
    name, binding, code = await bank.signed()
    guesses = [wrong_code() for _ in range(CALLERS - 1)]
    answers = await asyncio.gather(*(answer_of(bank.mallory.confirm(name, binding, guess)) for guess in guesses))
    assert Counter(answers) == {"CODE_WRONG": 3, "TRANSACTION_CLOSED": CALLERS - 4}
    assert len(compared) == 3
    assert await reason_of(bank.terminal.confirm(name, binding, code)) == "TRANSACTION_CLOSED"
    dead = await bank.terminal.get(name)
    assert (dead.state, dead.cause, dead.wrong_codes) == (pb.TRANSACTION_STATE_REJECTED, "WRONG_CODES", 3)
    assert bank.executions(name) == 0


async def test_tries_of_several_processes_are_three_too(bank: Bank) -> None:
    """Where no process knows of the others' tries, the database counts them."""
    name, binding, code = await bank.signed()
    rules = bank.server._rules.transactions
    others = [
        confirmations.Confirmations(
            rules.database, rules.keys, rules.execution, rules.confirmations._workers, bank.clock
        )
        for _ in range(8)
    ]
    caller = bank.server._rules.callers.read(bank.mallory.client.identity.certificate_pem)
    guesses = [wrong_code() for _ in others]
    outcomes = await asyncio.gather(
        *(each.confirm(caller, name, binding.digest, guess) for each, guess in zip(others, guesses, strict=True)),
        return_exceptions=True,
    )
    assert Counter(getattr(each, "reason", "confirmed") for each in outcomes) == {
        "CODE_WRONG": 3,
        "TRANSACTION_CLOSED": 5,
    }
    assert await reason_of(bank.terminal.confirm(name, binding, code)) == "TRANSACTION_CLOSED"


async def test_a_mistyped_code_is_no_try(bank: Bank) -> None:
    """Its check character shows it; also what is no code at all."""
    name, binding, code = await bank.signed()
    first = "1" if code[0] == "0" else "0"
    for typed in (first + code[1:], "", "123", code * 8, "\N{FULLWIDTH DIGIT ONE}" * 64, "\x00" * 9):
        assert await reason_of(bank.terminal.confirm(name, binding, typed)) == "CODE_MISTYPED"
    assert (await bank.terminal.get(name)).wrong_codes == 0
    assert (await bank.terminal.confirm(name, binding, code)).state == pb.TRANSACTION_STATE_EXECUTED


async def test_the_amount_is_changed_after_signing(bank: Bank) -> None:
    """The dearer one was not signed; and what was signed cannot be proposed under another's name."""
    shown = bank.mallory.transaction()
    sent = dearer(shown)
    binding, code = bank.alice.bind(shown, await bank.mallory.back_end())
    name = (await bank.mallory.propose(sent)).transaction_id
    assert await reason_of(bank.mallory.sign(name, binding)) == "BINDING_OF_OTHER_TRANSACTION"
    forged = SignedBinding(replace(binding.core, transaction=sent.digest), binding.sealed_code, binding.signature)
    assert await reason_of(bank.mallory.sign(name, forged)) == "SIGNATURE_INVALID"
    assert await reason_of(bank.mallory.confirm(name, binding, code)) == "TRANSACTION_STATE_WRONG"
    assert bank.executions(name) == 0


async def test_signature_and_code_are_replayed(bank: Bank) -> None:
    """For the same transaction they are used up; for a new one, which says the same, they are another's."""
    transaction = bank.mallory.transaction()
    name = (await bank.mallory.propose(transaction)).transaction_id
    binding, code = bank.alice.bind(transaction, await bank.mallory.back_end())
    await bank.mallory.sign(name, binding)
    await bank.mallory.confirm(name, binding, code)
    assert await reason_of(bank.mallory.confirm(name, binding, code)) == "CODE_USED"
    again = replace(transaction, request_id=new_request_id())
    other = (await bank.mallory.propose(again)).transaction_id
    assert await reason_of(bank.mallory.sign(other, binding)) == "BINDING_OF_OTHER_TRANSACTION"
    new, _ = bank.alice.bind(again, await bank.mallory.back_end())
    await bank.mallory.sign(other, new)
    assert await reason_of(bank.mallory.confirm(other, new, code)) == "CODE_WRONG"
    moved = bank.alice.sign(new.core, binding.sealed_code)  # the device's user even signs it once more
    assert await reason_of(bank.mallory.sign(other, moved)) == "TRANSACTION_BOUND"
    changed = replace(transaction, text="another")
    assert await reason_of(bank.mallory.propose(changed)) == "TRANSACTION_REPEATED"
    assert (bank.executions(name), bank.executions(other)) == (1, 0)


async def test_a_sealed_code_that_was_moved_does_not_open(bank: Bank) -> None:
    """It is bound to its transaction; each try counts, so nobody has things opened without end."""
    _, old, code = await bank.signed()
    transaction = bank.terminal.transaction()
    name = (await bank.terminal.propose(transaction)).transaction_id
    own, _ = bank.alice.bind(transaction, await bank.terminal.back_end())
    moved = bank.alice.sign(own.core, old.sealed_code)
    await bank.terminal.sign(name, moved)
    for _ in range(3):
        assert await reason_of(bank.terminal.confirm(name, moved, code)) == "CODE_UNREADABLE"
    assert await reason_of(bank.terminal.confirm(name, moved, code)) == "TRANSACTION_CLOSED"


async def test_the_code_of_another_transaction(bank: Bank) -> None:
    """It is wrong; with that transaction's binding it is no try, for this one was signed with another."""
    name, binding, _ = await bank.signed()
    _, other_binding, other_code = await bank.signed()
    assert await reason_of(bank.terminal.confirm(name, other_binding, other_code)) == "TRANSACTION_BOUND"
    assert (await bank.terminal.get(name)).wrong_codes == 0
    assert await reason_of(bank.terminal.confirm(name, binding, other_code)) == "CODE_WRONG"
    assert (await bank.terminal.get(name)).wrong_codes == 1


async def test_a_code_before_the_signature(bank: Bank) -> None:
    """There is nothing that it could be compared with."""
    transaction = bank.terminal.transaction()
    name = (await bank.terminal.propose(transaction)).transaction_id
    binding, code = bank.alice.bind(transaction, await bank.terminal.back_end())
    assert await reason_of(bank.terminal.confirm(name, binding, code)) == "TRANSACTION_STATE_WRONG"
    assert await reason_of(bank.terminal.confirm("transaction-" + 32 * "0", binding, code)) == "TRANSACTION_NOT_FOUND"


async def test_another_device_signs(bank: Bank) -> None:
    """Bob's key is not Alice's, whosever certificate is named; nor is a certificate for encryption one for signing."""
    transaction = bank.mallory.transaction()
    name, back_end = (await bank.mallory.propose(transaction)).transaction_id, await bank.mallory.back_end()
    honest, _ = bank.bob.bind(transaction, back_end)
    assert await reason_of(bank.mallory.sign(name, honest)) == "SIGNER_CERTIFICATE_WRONG"
    under_her_name, _ = bank.bob.bind(transaction, back_end, signer_certificate=bank.alice.certificate)
    assert await reason_of(bank.mallory.sign(name, under_her_name)) == "SIGNATURE_INVALID"
    (row,) = query(
        bank.home, "SELECT fingerprint FROM signer_certificates WHERE account = 'alice' AND purpose = 'decrypt'"
    )
    for_encryption, _ = bank.alice.bind(transaction, back_end, signer_certificate=row[0])
    assert await reason_of(bank.mallory.sign(name, for_encryption)) == "SIGNER_CERTIFICATE_WRONG"
    nowhere, _ = bank.alice.bind(transaction, back_end, back_end_certificate=bytes(32))
    assert await reason_of(bank.mallory.sign(name, nowhere)) == "BACK_END_WRONG"


async def test_nobody_else_sees_a_transaction(bank: Bank) -> None:
    """Neither another terminal nor another account: to them there is none, and none to refuse."""
    name, _, _ = await bank.signed()
    bobs = Terminal(bank.bob.person.client, bank.clock)
    for terminal, token in ((bank.mallory, ""), (bobs, ""), (bobs, bank.bob.person.token)):
        assert await reason_of(terminal.get(name, token)) == "TRANSACTION_NOT_FOUND"
        assert await reason_of(terminal.refuse(name, token)) == "TRANSACTION_NOT_FOUND"
    assert await reason_of(bobs.get(name, bank.alice.person.token)) == "LOGIN_REQUIRED"  # a token of elsewhere
    assert (await bank.terminal.get(name)).state == pb.TRANSACTION_STATE_SIGNED
    transaction = bank.terminal.transaction()
    await bank.terminal.propose(transaction)
    assert await reason_of(bank.mallory.propose(transaction)) == "TRANSACTION_REPEATED"


async def test_clocks_that_differ(bank: Bank) -> None:
    """By less than two minutes: nothing happens. By more: it is said so, and the transaction is not bound by it."""
    ahead = bank.clock().replace(microsecond=0) + 3 * MINUTE
    late = bank.terminal.transaction(create_time=ahead, end=ahead + 15 * MINUTE)
    assert await reason_of(bank.terminal.propose(late)) == "CLOCKS_DIFFER"
    begun = bank.clock().replace(microsecond=0) - 10 * MINUTE
    over = bank.terminal.transaction(create_time=begun, end=begun + 7 * MINUTE)
    assert await reason_of(bank.terminal.propose(over)) == "TRANSACTION_EXPIRED"

    transaction = bank.terminal.transaction()
    name, back_end = (await bank.terminal.propose(transaction)).transaction_id, await bank.terminal.back_end()
    now = transaction.create_time
    too_early, _ = bank.alice.bind(transaction, back_end, time=now - 4 * MINUTE, end=now + MINUTE)
    assert await reason_of(bank.terminal.sign(name, too_early)) == "BINDING_TIME_WRONG"
    too_late, _ = bank.alice.bind(transaction, back_end, time=now + 4 * MINUTE, end=now + 9 * MINUTE)
    assert await reason_of(bank.terminal.sign(name, too_late)) == "CLOCKS_DIFFER"
    fits, code = bank.alice.bind(transaction, back_end, time=now + MINUTE, end=now + 6 * MINUTE)
    await bank.terminal.sign(name, fits)
    assert (await bank.terminal.confirm(name, fits, code)).state == pb.TRANSACTION_STATE_EXECUTED


async def test_the_device_confirms_too_late(bank: Bank) -> None:
    """A code is taken until two minutes after its end; then the transaction is over, and stays so."""
    name, binding, code = await bank.signed()
    bank.clock.move(binding.core.end + 2 * MINUTE - bank.clock())
    assert await reason_of(bank.terminal.confirm(name, binding, code)) == "TRANSACTION_EXPIRED"
    assert (await bank.terminal.get(name)).state == pb.TRANSACTION_STATE_EXPIRED
    assert await reason_of(bank.terminal.confirm(name, binding, code)) == "TRANSACTION_CLOSED"


async def test_what_a_back_end_does_not_take(bank: Bank) -> None:
    """Another back end's, an unknown kind, what its executor refuses, and what is none."""
    for changed, reason in (
        ({"back_end": "another"}, "BACK_END_WRONG"),
        ({"kind": "other"}, "TRANSACTION_KIND_UNKNOWN"),
        ({"text": "refuse"}, "FIELD_INVALID"),
    ):
        assert await reason_of(bank.terminal.propose(bank.terminal.transaction(**changed))) == reason
    name, binding, _ = await bank.signed()
    stub = bank.terminal.stub
    for data in (b"", b"\x30", bytes(9000), binding.to_der() + b"\0"):
        for call in (
            partial(stub.ProposeTransaction, pb.ProposeTransactionRequest(transaction_der=data)),
            partial(stub.SignTransaction, pb.SignTransactionRequest(transaction_id=name, binding_der=data)),
        ):
            with pytest.raises(Exception, match=r"refused"):
                await call()


async def test_who_was_shut_out_confirms_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A revoked certificate, and an account that was closed: between signature and code, too."""
    async with open_bank(make_bank_home(tmp_path_factory.mktemp("shut") / "server")) as bank:
        name, binding, code = await bank.signed()
        database, now = bank.server._ground.database, bank.clock()
        await database.write(lambda connection: disable_account(connection, "alice", now))
        assert await reason_of(bank.terminal.confirm(name, binding, code)) == "SIGNER_CERTIFICATE_WRONG"
        await database.write(lambda connection: enable_account(connection, "alice", now))
        compromised = RevocationReason.KEY_COMPROMISE
        await database.write(lambda connection: revoke_certificates(connection, "alice", compromised, now))
        assert await reason_of(bank.terminal.confirm(name, binding, code)) == "SIGNER_CERTIFICATE_WRONG"
        transaction = bank.terminal.transaction()
        other = (await bank.terminal.propose(transaction)).transaction_id
        late, _ = bank.alice.bind(transaction, await bank.terminal.back_end())
        assert await reason_of(bank.terminal.sign(other, late)) == "SIGNER_CERTIFICATE_WRONG"
        assert (await bank.terminal.get(name)).wrong_codes == 0
        assert bank.executions(name) == 0


async def test_a_variant_that_is_not_taken_and_too_many(tmp_path_factory: pytest.TempPathFactory) -> None:
    """As the back end's configuration says; one terminal does not keep another from proposing."""
    home = make_bank_home(
        tmp_path_factory.mktemp("strict") / "server",
        transaction_variants=["code-and-random"],
        open_transactions_per_terminal=3,
        open_transactions_per_signer=2,
    )
    async with open_bank(home) as strict:
        transaction = strict.terminal.transaction()
        name = (await strict.terminal.propose(transaction)).transaction_id
        weak, _ = strict.alice.bind(transaction, await strict.terminal.back_end(), CodeVariant.CODE)
        assert await reason_of(strict.terminal.sign(name, weak)) == "CODE_VARIANT_REFUSED"
        await strict.terminal.propose(strict.terminal.transaction())
        assert await reason_of(strict.terminal.propose(strict.terminal.transaction())) == "TOO_MANY_TRANSACTIONS"
        await strict.mallory.propose(strict.mallory.transaction())
        await strict.terminal.propose(strict.terminal.transaction(signer="bob"))
        assert (
            await reason_of(strict.terminal.propose(strict.terminal.transaction(signer="carol")))
            == "TOO_MANY_TRANSACTIONS"
        )
        await strict.terminal.refuse(name)
        await strict.terminal.propose(strict.terminal.transaction())


async def test_confirming_while_it_is_signed(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code that comes before the binding and meets it on the way is compared like every other, not taken unseen."""
    transaction = bank.terminal.transaction()
    name = (await bank.terminal.propose(transaction)).transaction_id
    binding, code = bank.alice.bind(transaction, await bank.terminal.back_end())
    rules = bank.server._rules.transactions.confirmations
    database = rules._database

    async def read(query: Any) -> Any:  # noqa: ANN401  # as the database's
        found = await database.read(query)
        monkeypatch.setattr(rules, "_database", database)
        await bank.terminal.sign(name, binding)  # between what was read, and what will be written
        return found

    monkeypatch.setattr(rules, "_database", SimpleNamespace(read=read, write=database.write))
    assert await reason_of(bank.terminal.confirm(name, binding, wrong_code())) == "CODE_WRONG"
    assert bank.executions(name) == 0
    assert (await bank.terminal.confirm(name, binding, code)).state == pb.TRANSACTION_STATE_EXECUTED
