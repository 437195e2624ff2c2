"""One token under several server processes, and under several servers."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from mpc.four_prime_rsa import Purpose, Role, commit_to_share, generate_key_share
from server.cli import custody
from server.signing.states import KeyChange
from tests.server.custody.pkcs11.softhsm import SoftToken
from tests.server.harness import (
    HALF_BITS,
    Client,
    ServerProcess,
    database_path,
    enrol,
    make_home,
    make_ticket,
    opening_of,
    query,
    sign_request,
    verify,
)
from tests.server.root.processes import ELSEWHERE, SeveralProcesses, wait_until
from tests.server.signing.test_key_life import change
from wire.ids import new_request_id
from wire.status import RemoteError

COUNT = 4
LIVING = (
    "SELECT state, count(*) FROM token_objects WHERE state IN ('ready', 'kept') AND key_id <> 'authority'"
    " AND key_id NOT LIKE 'backend-%'"
    " GROUP BY state"
)


def objects_in(token: SoftToken) -> list[str]:
    """Ids of the private keys in it."""
    said = token.tool("--list-objects", "--type", "privkey")
    return sorted(line.split(":", 1)[1].strip() for line in said.splitlines() if line.strip().startswith("ID:"))


async def test_four_processes_on_one_token(tmp_path: Path, in_token: SoftToken) -> None:
    """They are one server: one result of what comes to two at once, an erased share that none uses, no object left."""
    home = make_home(tmp_path / "server", relay_address=ELSEWHERE, shares_ahead=1)
    with SeveralProcesses(home, COUNT) as server:
        identity = await enrol(make_ticket(home, "alice", server.serving))
        async with server.lines(identity) as lines:
            one, other, *_ = clients = list(lines.values())
            commitment = commit_to_share(generate_key_share(Role.CLIENT, Purpose.SIGN, HALF_BITS), secrets.token_bytes)
            request_id = new_request_id()
            begun, again = await asyncio.gather(
                *(each.begin(commitment, request_id=request_id) for each in (one, other))
            )
            assert begun == again
            await other.finish(begun.key.key_id, opening_of(commitment, begun))
            keys = await asyncio.gather(*(each.generate() for each in clients[1:3]))
            for key in keys:
                for client in clients:
                    verify(key, b"contract", await client.sign(sign_request(key)))
            for what in (KeyChange.SCHEDULE_DESTRUCTION, KeyChange.DESTROY):
                await change(one, keys[0].key_id, what)
            for client in clients:
                with pytest.raises(RemoteError) as refused:
                    await client.sign(sign_request(keys[0]))
                assert refused.value.reason == "KEY_DESTROYED"
            wait_until(lambda: query(home, LIVING) == [("kept", 2), ("ready", 1)])
            with closing(sqlite3.connect(database_path(home), timeout=60)) as connection, connection:
                connection.execute(
                    "UPDATE token_objects SET change_time = change_time - 3601000000 WHERE state = 'made'"
                )
            for what in (KeyChange.SCHEDULE_DESTRUCTION, KeyChange.DESTROY):
                await change(other, keys[1].key_id, what)
        noted = query(home, "SELECT object_id FROM token_objects ORDER BY object_id")
        assert query(home, LIVING) == [("kept", 1), ("ready", 1)]
        assert [name for (name,) in noted] == objects_in(in_token)
        assert len(noted) == 4  # and the authority's, and the one that codes are sealed for
        assert in_token.probes() == 1


async def test_four_servers_on_one_token(
    tmp_path: Path, token: SoftToken, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Servers that start at once, before the token is there, all come to serve; each knows its own objects alone."""
    for name, value in token.settings.items():
        monkeypatch.setenv(name, value)
    homes = [make_home(tmp_path / f"server-{number}") for number in range(COUNT)]
    token.pull()

    def all_wait() -> bool:
        logs = [home.folder / "server.log" for home in homes]
        return all(log.exists() and '"waiting_for_token"' in log.read_text() for log in logs)

    with ThreadPoolExecutor(COUNT) as threads, ExitStack() as stack:
        starting = [threads.submit(ServerProcess, home) for home in homes]
        wait_until(all_wait)
        token.put_back()
        servers = [stack.enter_context(each.result()) for each in starting]
        for home, server in zip(homes, servers, strict=True):
            async with Client(server.serving, await enrol(make_ticket(home, "alice", server.serving))) as alice:
                key = await alice.generate()
                verify(key, b"contract", await alice.sign(sign_request(key)))
        custody.shares(homes[0], 50, "", as_json=True)
        assert token.probes() == 1
        states = [each["state"] for each in json.loads(capsys.readouterr().out)["shares"]]
        assert sorted(states) == ["kept"] + ["not ours"] * (COUNT - 1)
