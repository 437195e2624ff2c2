"""The audit finds moduli that share a prime, and says whose they are."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from server.identity import Ticket
from tests.server.cli.test_cli import answer, command, serving
from tests.server.harness import Client, database_path, enrol, make_home


async def test_audit_names_keys_with_a_shared_prime(tmp_path: Path) -> None:
    """Among honest keys none, though one replaces another; a third with their client modulus is named with both."""
    home = make_home(tmp_path / "server")
    with serving(home) as process:
        ticket = Ticket(**json.loads(command(home.folder, "ticket", "alice").stdout))
        async with Client(process.serving, await enrol(ticket)) as client:
            key = await client.generate()
            await client.generate()
            await client.rekey(key)
    assert answer(home.folder, "audit") == {"moduli": 5, "shared": []}

    with closing(sqlite3.connect(database_path(home))) as database, database:
        first, second, third = [row[0] for row in database.execute("SELECT key_id FROM keys ORDER BY create_time")]
        copy = "UPDATE keys SET client_modulus = (SELECT client_modulus FROM keys WHERE key_id = ?) WHERE key_id = ?"
        database.execute(copy, (first, second))

    done = command(home.folder, "audit", "--json")
    assert done.returncode == 1
    shared = json.loads(done.stdout)["shared"]
    assert {tuple(row.values()) for row in shared} == {("key", name, "client") for name in (first, second, third)}
    table = command(home.folder, "audit")
    assert table.returncode == 1
    assert first in table.stdout
    assert second in table.stdout
