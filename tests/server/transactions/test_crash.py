"""A server killed between confirming and executing: the next one goes on by itself, and executes once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

import grpc
import pytest
from fourseal.v1 import transaction_service_pb2 as pb

from server.root.fsck import fsck
from tests.server.harness import Client, ServerProcess, query, silent_log
from tests.server.transactions.book import HOLD
from tests.server.transactions.conftest import make_bank_home, open_bank
from tests.server.transactions.people import Terminal
from tests.server.trusteeship.people import reason_of
from wire.status import RemoteError

STATE = "SELECT state, attempts FROM transactions WHERE transaction_id = ?"


class PluggedServer(ServerProcess):
    """A server with the tests' executor."""

    PROGRAM: ClassVar = "tests.server.transactions.plugged"


async def test_killed_between_confirming_and_executing(tmp_path: Path) -> None:
    """Confirmed is durable, so nothing is lost; executed is one commit with what was done, so nothing is done twice."""
    home, hold = make_bank_home(tmp_path / "server"), tmp_path / "hold"
    async with open_bank(home) as bank:  # everybody registers here
        name, binding, code = await bank.signed()
    hold.touch()
    process = PluggedServer(home, **{HOLD: str(hold)})
    async with Client(process.serving, bank.terminal.client.identity) as client:
        asking = asyncio.create_task(Terminal(client, bank.clock).confirm(name, binding, code))
        while query(home, STATE, name) != [("confirmed", 1)]:  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0)
        process.kill()
        with pytest.raises(RemoteError) as lost:
            await asking
        assert lost.value.code is grpc.StatusCode.UNAVAILABLE
    assert bank.executions(name) == 0
    hold.unlink()
    with PluggedServer(home, **{HOLD: str(hold)}) as again:
        async with Client(again.serving, bank.terminal.client.identity) as client:
            terminal = Terminal(client, bank.clock)
            assert await reason_of(terminal.confirm(name, binding, code)) == "CODE_USED"
            while (status := await terminal.get(name)).state != pb.TRANSACTION_STATE_EXECUTED:
                assert status.state == pb.TRANSACTION_STATE_CONFIRMED
    assert bank.executions(name) == 1
    assert query(home, STATE, name) == [("executed", 2)]
    assert fsck(home, silent_log(), (), lambda _: lambda *_: None).findings == []
