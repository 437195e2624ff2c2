"""``fourseal device run`` at a terminal, and what its screen shows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fourseal.v1 import signing_device_service_pb2 as device_pb
from fourseal.v1 import transaction_service_pb2 as pb
from rich.cells import cell_len

from contract.transactions.binding import SignedBinding
from contract.transactions.transaction import transaction_id
from signer_agent.cli.device_display import display, size_for_reading
from signer_agent.signing_device.model import Stage
from tests.server.harness import call
from tests.signer_agent.cli.terminal import Terminal
from tests.signer_agent.signing_device.desks import Table, another, new_table
from tests.signer_agent.signing_device.page_user import Hand
from tests.signer_agent.signing_device.people import Scene, reached, scene_in
from tests.signer_agent.stores import PASSPHRASE

PAGE = re.compile(r"http://127\.0\.0\.1:[0-9]+/([A-Za-z0-9_-]{22})/")
CODE = re.compile(r"Code: ([0-9A-Z]{3})-([0-9A-Z]{3})-([0-9A-Z]{3})")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """With a server."""
    async with scene_in(tmp_path_factory.mktemp("screen")) as scene:
        yield scene


@pytest.mark.full_cost
@pytest.mark.asyncio(loop_scope="module")
async def test_a_transaction_at_a_terminal(scene: Scene) -> None:
    """It is read page by page, confirmed with the passphrase, handed over, and gone when it was used."""
    transaction, home = scene.transaction(), scene.alice.home
    name = transaction_id(transaction.digest)
    terminal = Terminal(home, "device", "run", "--ask-pin", "--refreshing", size=(50, 14))
    try:
        await asyncio.to_thread(terminal.answer, "Passphrase: ", PASSPHRASE)
        await until(terminal, "Waiting for a terminal.")
        await scene.terminal.propose(transaction)
        async with reached(home) as stub:
            presented = device_pb.PresentTransactionRequest(transaction_der=transaction.to_der())
            binding = SignedBinding.from_der((await call(stub.PresentTransaction, presented)).binding_der)
            await scene.terminal.sign(name, binding)
            await read_and_confirm(terminal)
            shown = CODE.search(terminal.seen)
            assert shown is not None
            request = device_pb.CollectCodeRequest(transaction_sha256=transaction.digest)
            collecting = asyncio.create_task(call(stub.CollectCode, request))
            terminal.type("h")
            await until(terminal, "handed over")
            code = (await collecting).code
        assert code == "".join(shown.groups())
        assert PASSPHRASE not in terminal.seen
        status = await scene.terminal.confirm(name, binding, code)
        assert status.state == pb.TRANSACTION_STATE_EXECUTED
        after = await until(terminal, "The back end has the code")
        terminal.type("q")
    except BaseException:
        terminal.kill()
        raise
    assert await asyncio.to_thread(terminal.end) == 0, terminal.seen
    assert terminal.echoes
    left = terminal.seen[terminal.seen.rindex(after) + len(after) :]
    assert "Code: " not in left
    assert left.endswith("\x1b[2J\x1b[?25h\x1b[?1049l")
    kept = {path: path.read_bytes() for path in home.folder.rglob("*") if path.is_file()}
    assert b"CollectCode" in kept[home.device_log]
    assert not any(code.encode() in content for content in kept.values())
    assert not home.device_socket.exists()


@pytest.mark.full_cost
@pytest.mark.asyncio(loop_scope="module")
async def test_a_transaction_on_a_page(scene: Scene) -> None:
    """Its address and a picture of it stand at the terminal; there it is read and confirmed, until the process ends."""
    transaction, home = scene.transaction(), scene.alice.home
    name = transaction_id(transaction.digest)
    terminal = Terminal(home, "device", "run", "--page")
    try:
        await asyncio.to_thread(terminal.answer, "Passphrase: ", PASSPHRASE)
        await until(terminal, "until this ends: Ctrl-C.")
        found = PAGE.search(terminal.seen)
        assert found is not None
        assert "\u2588" * 7 in terminal.seen
        user = Hand(found[0])
        await scene.terminal.propose(transaction)
        async with reached(home) as stub:
            presented = device_pb.PresentTransactionRequest(transaction_der=transaction.to_der())
            binding = SignedBinding.from_der((await call(stub.PresentTransaction, presented)).binding_der)
        await scene.terminal.sign(name, binding)
        shown = (await user.act("view", -1)).told
        while not shown["may_confirm"]:
            turns = shown["number"] < shown["count"]
            answer = await user.act("forward" if turns else "view", shown["revision"])
            shown = (answer if answer.status == 200 else await user.act("view", -1)).told
        confirmed = (await user.act("confirm", shown["revision"])).told
        code = (await user.act("code", confirmed["revision"])).told["code"]
        status = await scene.terminal.confirm(name, binding, code)
        assert status.state == pb.TRANSACTION_STATE_EXECUTED
        assert (await user.act("view", confirmed["revision"])).told["ending"] == "used"
    except BaseException:
        terminal.kill()
        raise
    terminal.interrupt()
    assert await asyncio.to_thread(terminal.end) == 0, terminal.seen
    assert found[1].encode() not in home.device_log.read_bytes()
    assert not home.device_socket.exists()


async def read_and_confirm(terminal: Terminal) -> None:
    """What the user does: first too early, then after the window got another size, and with a wrong passphrase."""
    await until(terminal, "page 1 of")
    terminal.type("c")
    await until(terminal, "was not read to its end")
    terminal.type(" ")
    await until(terminal, "page 2 of")
    terminal.resize((50, 24))
    await until(terminal, "page 1 of")
    terminal.type(" ")
    await until(terminal, "c CONFIRM")
    terminal.type("c")
    await until(terminal, "PIN or passphrase")
    terminal.type("wrong\n")
    await until(terminal, "does not open the key store")
    assert "Code: " not in terminal.seen
    terminal.type(f"c{PASSPHRASE}\n")
    await until(terminal, "Code: ")
    await until(terminal, "\u2588" * 20)


async def until(terminal: Terminal, text: str) -> str:
    """See ``Terminal.until``."""
    return await asyncio.to_thread(terminal.until, text)


async def test_every_line_fits_whatever_the_size() -> None:
    """Of every stage, in narrow and low windows too; the code stands there only while it is shown."""
    for size in ((26, 7), (26, 24), (33, 24), (80, 24), (200, 60), (10, 3)):
        table = new_table(size=size_for_reading((80, 24)))
        await table.present()
        table.desk.resize(size_for_reading(size))
        table.settle()
        stages = [lines_of(table, size)]
        if table.desk.view.problem is None:
            table.read()
            stages.append(lines_of(table, size))
            await table.confirm()
            stages.append(lines_of(table, size))
            assert ("Code: " in "\n".join(stages[-1])) is (table.stage == Stage.SHOWING)
            table.desk.put_away(table.revision)
        else:
            await table.desk.refuse(table.revision)
        stages.append(lines_of(table, size))
        assert not any("Code: " in line for lines in (*stages[:2], stages[-1]) for line in lines)
        for lines in stages:
            assert len(lines) <= size[1]
            assert all(cell_len(line) <= size[0] for line in lines)


async def test_the_picture_is_drawn_where_there_is_room_for_it() -> None:
    """It stands whole or not at all."""
    for number, (size, drawn) in enumerate((((80, 24), True), ((33, 24), True), ((32, 24), False), ((80, 23), False))):
        table = new_table(size=size_for_reading(size))
        await table.shown(another(number))
        blocks = [line for line in lines_of(table, size) if {*line} & {*"\u2580\u2584\u2588"}]
        assert len(blocks) == (17 if drawn else 0)


def lines_of(table: Table, size: tuple[int, int]) -> list[str]:
    """What the screen shows."""
    return [text for text, _ in display(table.desk, "alice", size, "A notice " * 20, table.clock.now)]
