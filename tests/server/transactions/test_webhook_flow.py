"""Transactions that a shop executes, by webhook: each once, whoever is down, is killed, or loses an answer."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
import standardwebhooks
from fourseal.v1 import transaction_service_pb2 as pb

from contract.transactions.money import Amount
from contract.transactions.transaction import Transfer
from server.root.home import Home
from server.transactions.executors.webhook import WebhookExecutor
from server.transactions.executors.webhook.answers import FIRST_WAIT
from tests.server.harness import Client, ServerProcess, query
from tests.server.receiver import Delivery, Receiver, Reply, receiving
from tests.server.transactions.conftest import make_bank_home, open_bank
from tests.server.transactions.people import Bank, Terminal
from tests.server.trusteeship.people import reason_of
from wire.status import RemoteError

KIND: Final = "transfer"
KEY: Final = b"0123456789abcdef0123456789abcdef"
STATE: Final = "SELECT state, attempts, execution FROM transactions WHERE transaction_id = ?"
SECONDS: Final = 20.0

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Shop(Receiver):
    """Verifies what comes, and does each name once."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[str, dict[str, Any]] = {}
        self.verifier: Final = standardwebhooks.Webhook(KEY)

    def answer(self, delivery: Delivery) -> Reply:
        """What it answered before, where it did it before."""
        try:
            message = self.verifier.verify(delivery.content, delivery.headers)
        except standardwebhooks.WebhookVerificationError:
            return Reply(401)
        name = message["data"]["id"]
        assert name == delivery.headers["webhook-id"]
        self.done.setdefault(name, message["data"])
        return Reply(200, b'{"reference": "booking-%s"}' % name[-8:].encode())

    async def wait(self) -> None:
        """Until something was delivered that was not waited for before."""
        assert await asyncio.to_thread(self.came.acquire, timeout=SECONDS)


def make_shop_home(folder: Path, shop: Shop) -> Home:
    """A folder of a back end that has a shop execute transfers."""
    secret = folder / "webhook.secret"
    secret.write_bytes(b"whsec_" + base64.b64encode(KEY))
    secret.chmod(0o600)
    return make_bank_home(
        folder / "server",
        transaction_executors=[f"{KIND}=webhook"],
        transaction_webhook_url=shop.url,
        transaction_webhook_secret_file=str(secret),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop_and_bank(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Shop, Bank]]:
    """A shop, and a bank that posts to it."""
    shop = Shop()
    with receiving(shop):
        async with open_bank(make_shop_home(tmp_path_factory.mktemp("shop"), shop)) as bank:
            yield shop, bank


async def pay(bank: Bank) -> pb.TransactionStatus:
    """Ten euros from Alice to Bob: signed, confirmed; and how it stands then."""
    name, binding, code = await bank.signed(kind=KIND, transfers=(Transfer("alice", "bob", Amount("EUR", 1000)),))
    return await bank.terminal.confirm(name, binding, code)


async def resume(bank: Bank) -> int:
    """Have what is due tried again, and wait for it."""
    execution = bank.server._rules.transactions.execution
    count = await execution.resume()
    await execution.wait_idle()
    return count


def states(bank: Bank, transactions: list[pb.TransactionStatus]) -> set[tuple[str, int]]:
    """How they stand, and how often each was tried."""
    return {query(bank.home, STATE, each.transaction_id)[0][:2] for each in transactions}


async def test_payment(shop_and_bank: tuple[Shop, Bank]) -> None:
    """Done by the shop; its reference is the executor's, and stands in the log's record."""
    shop, bank = shop_and_bank
    status = await pay(bank)
    assert (status.state, status.execution) == (
        pb.TRANSACTION_STATE_EXECUTED,
        f"booking-{status.transaction_id[-8:]}",
    )
    assert shop.done[status.transaction_id]["transfers"][0]["units"] == 1000


async def test_nobody_pays_with_anothers_money(shop_and_bank: tuple[Shop, Bank]) -> None:
    """The shop does not have to look who signs."""
    _, bank = shop_and_bank
    others = (Transfer("alice", "bob", Amount("EUR", 1)), Transfer("bob", "alice", Amount("EUR", 1)))
    assert await reason_of(bank.terminal.propose(bank.terminal.transaction(kind=KIND, transfers=others))) == (
        "PAYER_NOT_SIGNER"
    )


async def test_refused_for_good(shop_and_bank: tuple[Shop, Bank]) -> None:
    """The transaction fails, and is not posted again."""
    shop, bank = shop_and_bank
    shop.replies = [Reply(410)]
    status = await pay(bank)
    assert (status.state, status.cause) == (pb.TRANSACTION_STATE_FAILED, "WEBHOOK_STATUS_410")
    bank.clock.move(FIRST_WAIT)
    assert await resume(bank) == 0


@pytest.mark.parametrize(
    "lost",
    [Reply(0), Reply(502), Reply(307, headers={"Location": "/elsewhere"}), Reply(raw=b"HTTP/1.1 200 OK\r\nx")],
    ids=["closed", "502", "redirected", "cut off"],
)
async def test_an_answer_that_is_lost(shop_and_bank: tuple[Shop, Bank], lost: Reply) -> None:
    """The shop did it. It gets the same name again, does nothing, and answers what it would have answered."""
    shop, bank = shop_and_bank
    shop.replies = [lost]
    before = len(shop.deliveries)
    status = await pay(bank)
    assert status.state == pb.TRANSACTION_STATE_CONFIRMED
    assert await resume(bank) == 0
    bank.clock.move(FIRST_WAIT)
    assert await resume(bank) == 1
    first, second = shop.deliveries[before:]
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == status.transaction_id
    assert first.content == second.content
    assert query(bank.home, STATE, status.transaction_id) == [
        ("executed", 2, f"booking-{status.transaction_id[-8:]}"),
    ]
    assert list(shop.done).count(status.transaction_id) == 1


async def test_a_receiver_that_is_asked_too_much(shop_and_bank: tuple[Shop, Bank]) -> None:
    """It says how long to wait."""
    shop, bank = shop_and_bank
    shop.replies = [Reply(429, headers={"Retry-After": "60"})]
    status = await pay(bank)
    bank.clock.move(timedelta(seconds=59))
    assert await resume(bank) == 0
    bank.clock.move(timedelta(seconds=1))
    assert await resume(bank) == 1
    assert states(bank, [status]) == {("executed", 2)}


async def test_a_receiver_that_is_down_for_a_while(shop_and_bank: tuple[Shop, Bank]) -> None:
    """It is asked again and again, less and less often; when it is back, everything is done, each once."""
    shop, bank = shop_and_bank
    executor = bank.server._rules.transactions.executors[KIND]
    assert isinstance(executor, WebhookExecutor)
    target = executor._webhook._target
    before, port = len(shop.deliveries), target._port
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        target._port = nobody.getsockname()[1]
        paid = [await pay(bank) for _ in range(3)]
        for attempt in range(3):
            assert states(bank, paid) == {("confirmed", attempt + 1)}
            assert await resume(bank) == 0
            bank.clock.move(FIRST_WAIT * 2**attempt)
            assert await resume(bank) == 3
    assert len(shop.deliveries) == before
    target._port = port
    bank.clock.move(FIRST_WAIT * 2**3)
    assert await resume(bank) == 3
    assert states(bank, paid) == {("executed", 5)}
    assert sorted(each.headers["webhook-id"] for each in shop.deliveries[before:]) == sorted(
        each.transaction_id for each in paid
    )


async def test_killed_between_post_and_answer(tmp_path: Path) -> None:
    """The shop has it, the back end does not know. After the start it is the same name again, and one payment."""
    shop, hold = Shop(), threading.Event()
    transfer = Transfer("alice", "bob", Amount("EUR", 1000))
    with receiving(shop):
        home = make_shop_home(tmp_path, shop)
        async with open_bank(home) as bank:  # everybody registers here
            name, binding, code = await bank.signed(kind=KIND, transfers=(transfer,))
        shop.replies = [Reply(0, hold=hold)]
        process = ServerProcess(home)
        async with Client(process.serving, bank.terminal.client.identity) as client:
            asking = asyncio.create_task(Terminal(client, bank.clock).confirm(name, binding, code))
            await shop.wait()
            process.kill()
            with pytest.raises(RemoteError):
                await asking
        hold.set()
        assert query(home, STATE, name) == [("confirmed", 1, "")]
        with ServerProcess(home) as again:
            await shop.wait()
            async with Client(again.serving, bank.terminal.client.identity) as client:
                terminal = Terminal(client, bank.clock)
                while (status := await terminal.get(name)).state != pb.TRANSACTION_STATE_EXECUTED:
                    assert status.state == pb.TRANSACTION_STATE_CONFIRMED
    first, second = shop.deliveries
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == name
    assert (first.content, list(shop.done)) == (second.content, [name])
    assert query(home, STATE, name) == [("executed", 2, f"booking-{name[-8:]}")]
