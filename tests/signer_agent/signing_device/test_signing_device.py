"""A signing device at a real back end: what terminals get, names and certificates that do not hold, and the log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding
from fourseal.v1 import transaction_service_pb2 as pb

from contract.log_entry import LogEntry
from contract.transactions.binding import CodeVariant
from contract.transactions.transaction import transaction_id
from signer_agent.signing_device.desk import Desk
from signer_agent.signing_device.model import Ending, Stage
from signer_agent.signing_device.serving import open_to_terminals
from tests.signer_agent.lies import flipped
from tests.signer_agent.refusals import refused
from tests.signer_agent.signing_device.people import QUICK, SIZE, Scene, scene_in
from tests.signer_agent.trusteeship.people import command_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Shared: each test makes its own transactions."""
    async with scene_in(tmp_path_factory.mktemp("device")) as scene:
        yield scene


@pytest.mark.parametrize("own_key", [False, True])
async def test_a_transaction_from_its_proposal_to_its_execution(
    scene: Scene, *, own_key: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed by the joint key, or by the account's own; collected by the terminal; and its signer can verify it."""
    transaction = scene.transaction()
    name = transaction_id(transaction.digest)
    async with scene.device(own_key=own_key) as device:
        await scene.terminal.propose(transaction)
        binding = await device.present(transaction)
        await scene.terminal.sign(name, binding)
        shown = "\n".join(device.desk.view.page)
        assert "Alice" in shown
        assert "EUR" in shown
        collecting = asyncio.create_task(device.collect(transaction))
        await device.read_and_confirm()
        device.desk.hand_over(device.desk.view.revision)
        status = await scene.terminal.confirm(name, binding, await collecting)
        assert status.state == pb.TRANSACTION_STATE_EXECUTED
        while device.desk.view.stage is not Stage.WAITING:  # the device asks by itself
            await device.desk.changed(device.desk.view.revision)
        assert device.desk.view.ended is not None
        assert device.desk.view.ended.ending is Ending.USED
    capsys.readouterr()
    await command_of(scene.alice.home, "transactions", "verify", name, "--json")
    verified = json.loads(capsys.readouterr().out)
    assert verified["verified"], verified
    assert [each["what"] for each in verified["checks"]] == [
        *(f"step {number}: {state}" for number, state in enumerate(("proposed", "signed", "confirmed", "executed"), 1)),
        "order of the steps",
        "binding and signature",
    ]
    await command_of(scene.alice.home, "transactions", "list")
    await command_of(scene.alice.home, "transactions", "show", name)
    told = capsys.readouterr().out
    assert told.count(name) >= 2
    assert told.count(transaction.transfers[0].amount.in_full()) >= 2
    assert not scene.alice.home.device_socket.exists()


async def test_a_refusal_at_the_device(scene: Scene) -> None:
    """The back end hears of it, and so does the terminal that waits."""
    transaction = scene.transaction()
    name = transaction_id(transaction.digest)
    async with scene.device() as device:
        await scene.terminal.propose(transaction)
        await scene.terminal.sign(name, await device.present(transaction))
        collecting = asyncio.create_task(device.collect(transaction))
        await asyncio.sleep(0)
        await device.desk.refuse(device.desk.view.revision)
        with refused("REFUSED_AT_DEVICE"):
            await collecting
        with refused("REFUSED_AT_DEVICE"):
            await device.present(transaction)
        assert device.desk.view.ended is not None
        assert device.desk.view.ended.problem is None
        unproposed = scene.transaction()
        await device.present(unproposed)
        await device.desk.refuse(device.desk.view.revision)
        assert device.desk.view.ended.problem is None, "there is nobody to be told"
    status = await scene.terminal.get(name)
    assert (status.state, status.cause) == (pb.TRANSACTION_STATE_REJECTED, "REFUSED_BY_USER")


async def test_what_terminals_may_not_do(scene: Scene) -> None:
    """Nothing malformed, nothing for others to sign or of strangers, nothing of another back end, no second device."""
    async with scene.device() as device:
        for changed, reason in (
            ({"signer": "bob"}, "SIGNER_WRONG"),
            ({"back_end": "another"}, "BACK_END_WRONG"),
        ):
            with refused(reason):
                await device.present(scene.transaction(**changed))
        (transfer,) = scene.transaction().transfers
        stranger = type(transfer)("alice", "stranger", transfer.amount)
        with refused("PARTY_UNVERIFIED", name="stranger"):
            await device.present(scene.transaction(transfers=(stranger,)))
        with refused("TRANSACTION_NOT_SHOWN"):
            await device.collect(scene.transaction())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await device.stub.PresentTransaction(pb.ProposeTransactionRequest(transaction_der=b"nonsense"))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert device.desk.view.stage is Stage.WAITING
        assert scene.alice.home.device_socket.stat().st_mode & 0o777 == 0o600
        with refused("DEVICE_RUNNING"):
            async with open_to_terminals(device.desk, scene.alice.home):
                pass
        await device.present(scene.transaction())
        with refused("DEVICE_BUSY"):
            await device.present(scene.transaction())


async def test_a_server_that_shows_certificates_that_do_not_hold(scene: Scene) -> None:
    """Of parties, and of the back end: nothing is signed or shown."""
    pairs = [await each.contracts.keys.active() for each in (scene.alice, scene.bob)]
    own, bobs = (pair.sign_certificate.certificate.public_bytes(Encoding.DER) for pair in pairs)

    def another_name(answer: Any) -> None:  # noqa: ANN401
        answer.sign_certificate.certificate_der = own

    def spoilt(answer: Any) -> None:  # noqa: ANN401
        answer.sign_certificate.certificate_der = flipped(bobs)

    def not_a_back_end(answer: Any) -> None:  # noqa: ANN401
        answer.certificate_der = own

    def of_another_authority(answer: Any) -> None:  # noqa: ANN401
        answer.certificate_der = flipped(answer.certificate_der)  # its signature

    def few(answer: Any) -> None:  # noqa: ANN401
        del answer.variants[:]
        answer.variants.append(CodeVariant.DIGEST.value)

    for service, method, lie, reasons in (
        ("certificates", "GetSignerCertificates", another_name, {"CERTIFICATE_NOT_OURS"}),
        ("certificates", "GetSignerCertificates", spoilt, {"CERTIFICATE_MALFORMED", "CERTIFICATE_NOT_ISSUED"}),
        ("transactions", "GetBackEnd", not_a_back_end, {"CERTIFICATE_MALFORMED", "CERTIFICATE_OF_OTHER_USAGE"}),
        ("transactions", "GetBackEnd", of_another_authority, {"CERTIFICATE_NOT_ISSUED"}),
        ("transactions", "GetBackEnd", few, {"CODE_VARIANT_REFUSED"}),
    ):
        with scene.told(service, method, lie):
            office = await scene.alice.contracts.signing_office(scene.alice.agent)
            desk = Desk(office, SIZE)
            with pytest.raises(Exception) as caught:  # noqa: PT011  # its reason is looked at
                await desk.present(scene.transaction().to_der())
            assert getattr(caught.value, "reason", caught.value) in reasons
            assert desk.view.stage is Stage.WAITING


async def test_a_log_and_a_binding_that_do_not_hold_are_told(scene: Scene) -> None:
    """To whoever verifies: each lie of the server has its line."""
    transaction = scene.transaction()
    name = transaction_id(transaction.digest)
    await scene.terminal.propose(transaction)
    async with scene.device() as device:
        await scene.terminal.sign(name, await device.present(transaction))

    async def problems(lie: Any) -> list[str]:  # noqa: ANN401
        with scene.told("transactions", "GetTransaction", lie):
            transactions = await scene.alice.contracts.transactions(scene.alice.agent)
            made = await transactions.verify(await transactions.get(name))
        return [each.what for each in made if each.problem is not None]

    def exchange_entries(answer: Any) -> None:  # noqa: ANN401
        one, other = answer.status.steps
        one.entry_der, other.entry_der = other.entry_der, one.entry_der

    def exchange_indexes(answer: Any) -> None:  # noqa: ANN401
        one, other = answer.status.steps
        one.log_index, other.log_index = other.log_index, one.log_index
        one.entry_der, other.entry_der = other.entry_der, one.entry_der

    def leave_out(answer: Any) -> None:  # noqa: ANN401
        del answer.status.steps[0]

    def another_entry(answer: Any) -> None:  # noqa: ANN401
        step = answer.status.steps[0]
        step.entry_der = replace(LogEntry.from_der(step.entry_der), nonce=bytes(32)).to_der()

    def spoil(answer: Any) -> None:  # noqa: ANN401
        answer.status.binding_der = flipped(answer.status.binding_der)

    assert await problems(lambda _: None) == []
    assert await problems(exchange_entries) == ["step 1: proposed", "step 2: signed", "binding and signature"]
    assert await problems(exchange_indexes) == ["step 1: proposed", "step 2: signed", "binding and signature"]
    assert await problems(another_entry) == ["step 1: proposed"], "it is not in the log"
    assert await problems(leave_out) == ["step 1: signed", "order of the steps", "binding and signature"]
    assert await problems(spoil) == ["binding and signature"]
    with refused("TRANSACTION_ANSWER_WRONG"):
        await problems(lambda answer: answer.status.MergeFrom(pb.TransactionStatus(transaction_id="transaction-other")))
    with refused("TRANSACTION_NOT_FOUND"):
        await (await scene.bob.contracts.transactions(scene.bob.agent)).get(name)


async def test_other_certificates_of_a_party_are_not_believed(scene: Scene) -> None:
    """Until its user has compared them: a server could issue some in anybody's name."""
    async with scene.device() as device:
        await device.present(scene.transaction())
    await scene.bob.contracts.keys.make(QUICK)
    await scene.bob.contracts.logins.prove()
    async with scene.device() as device:
        with refused("CONTACT_CHANGED", name="bob"):
            await device.present(scene.transaction())
        known = scene.alice.contracts.contacts.find("bob")
        assert known.offered is not None
        scene.alice.contracts.contacts.accept("bob", known.offered)
        await device.present(scene.transaction())
