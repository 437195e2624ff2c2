"""``fourseal log``: exit statuses, one line for each change, and a server that goes away and comes back."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import pytest

from server.root.application import Server
from signer_agent.cli.log import _look
from signer_agent.home import Home
from tests.signer_agent.cli.runner import Signer
from tests.signer_agent.log.conftest import Scene
from tests.signer_agent.log.logs import grow, moved, verified
from tests.signer_agent.real import Ran, fourseal


async def next_event(watch: Process) -> dict[str, Any]:
    """The next line of a watch that runs."""
    assert watch.stdout is not None
    event: dict[str, Any] = json.loads(await watch.stdout.readline())
    return event


async def ran(signer: Signer, *arguments: str | Path) -> Ran:
    """Run a command while the server runs in this process."""
    return await asyncio.to_thread(fourseal, signer.home, "log", *arguments, passphrase=signer.passphrase_file)


async def first_start(scene: Scene) -> Server:
    """Start the server; it, its backup and the agents know the address from now on."""
    server = await scene.run(scene.home)
    address = server.serving.server
    for home in (scene.home, scene.backup):
        config = home.config.read_text()
        listen = f'"127.0.0.1:{address.rpartition(":")[2]}"'
        home.config.write_text(config.replace('listen = "127.0.0.1:0"', f"listen = {listen}", 1))
    for store in (scene.alice, scene.bob):
        store.save_identity(moved(store, address))
    return server


async def test_a_watch_goes_on_while_the_server_goes_and_comes(scene: Scene, tmp_path: Path) -> None:
    """A line for each change, the proof where there is one, and an end by Ctrl-C with status 0."""
    alice, bob = (Signer(Home.find(tmp_path / name), tmp_path) for name in ("alice", "bob"))
    server = await first_start(scene)
    watch = await asyncio.create_subprocess_exec(
        *(*Signer.PROGRAM, "log", "watch", "--interval", "1", "--json"),
        env={**alice.environment, "FOURSEAL_PASSPHRASE_FILE": str(alice.passphrase_file)},
        stdout=PIPE,
        stderr=PIPE,
    )
    assert (await next_event(watch))["size"] == 3
    await grow(server)
    grown = await next_event(watch)
    assert (grown["event"], grown["size"]) == ("checkpoint", 4)
    await scene.stack.aclose()
    assert (await next_event(watch))["reason"] == "LOG_SILENT"
    await scene.run(scene.home)
    assert (await next_event(watch))["size"] == 4
    await scene.stack.aclose()
    assert (await next_event(watch))["reason"] == "LOG_SILENT"
    server = await scene.run(scene.backup)
    rewound = await next_event(watch)
    assert (rewound["event"], rewound["reason"]) == ("alarm", "LOG_REWOUND")
    assert verified(Path(rewound["metadata"]["file"]))[0]["reason"] == "LOG_REWOUND"
    watch.send_signal(signal.SIGINT)
    assert (*await watch.communicate(), watch.returncode) == (b"", b"", 0)

    again = await ran(alice, "watch", "--once", "--json")
    assert (again.status, json.loads(again.err)["error"]["metadata"]["culprit"]) == (4, "server")
    await grow(server, 2)
    other = await ran(bob, "compare", grown["file"])
    assert (other.status, "Reason: LOG_FORKED" in other.err, "Proof: " in other.err) == (3, True, True), other.err
    await scene.stack.aclose()
    gone = await ran(bob, "watch", "--once", "--interval", "1")
    assert (gone.status, "Reason: LOG_SILENT" in gone.err, "Traceback" in gone.err) == (5, True, False), gone.err


async def test_an_alarm_is_said_once(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """Until something else is found; a checkpoint too."""
    server = await first_start(scene)
    watch = await scene.watch(scene.alice, server)
    said = await _look(watch, object())
    said = await _look(watch, said)
    await server.stop()
    for _ in range(2):
        said = await _look(watch, said)
    await scene.run(scene.home)
    while said == "LOG_SILENT":
        said = await _look(watch, said)
    first, second, third = capsys.readouterr().out.splitlines()
    assert "3 entries, root " in first
    assert "ALARM LOG_SILENT: The log is silent: " in second
    assert first.partition("UTC")[2] == third.partition("UTC")[2]
