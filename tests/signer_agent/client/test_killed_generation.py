"""The agent is killed at every step of a generation: what is left is a key that can be finished, or nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from typing import Final

import pytest

from signer_agent.client.agent import LocalAgent
from signer_agent.home import Home
from signer_agent.keystore.store import KeyStore
from signer_agent.model import AgentKey, KeyState
from tests import forked
from tests.signer_agent.real import RealServer

PROGRAM: Final = "tests.signer_agent.client.killed"
STEPS: Final = 30  # more than there are


def generate(home: Home, label: str, step: int) -> subprocess.CompletedProcess[bytes]:
    """Generate a key in a process that dies at that step."""
    return forked.run(PROGRAM, (str(home.folder), label, str(step)), os.environ)


async def recover(store: KeyStore, label: str, *, by_list: bool) -> None:
    """Go on after the kill: by a list of the keys, or by a repeat of the same request."""
    agent = LocalAgent(store)
    request = {"half_bits": 2048, "label": label, "request_id": f"request-of-{label}"}
    if by_list:
        await agent.list_keys()
    else:
        await agent.generate_key("sign", **request)  # type: ignore[arg-type]
    assert store.request_ids() == []
    found = [key for key in await agent.list_keys() if key.label == label]
    again = await agent.generate_key("sign", **request)  # type: ignore[arg-type]
    assert [key.key_id for key in found] in ([again.key_id], [])  # none: nothing of it had left the process
    await agent.sign(again.key_id, b"document")
    await agent.close()


async def all_keys(store: KeyStore) -> list[AgentKey]:
    """What the server has in the end."""
    agent = LocalAgent(store)
    keys = await agent.list_keys()
    await agent.close()
    return keys


@pytest.mark.slow
def test_a_generation_killed_at_any_step_can_be_finished(server: RealServer, home: Home) -> None:
    """Every step in turn, until the process lives: each request has exactly one key in the end, and it signs."""
    store = server.enrolled(home)
    for step in range(1, STEPS):
        label = f"killed-{step:02}"
        ran = generate(home, label, step)
        if ran.returncode == 0:
            break
        assert ran.returncode == -signal.SIGKILL, ran.stderr
        asyncio.run(recover(store, label, by_list=bool(step % 2)))
    else:
        pytest.fail("the process never lived")
    assert int(ran.stdout) == step - 1
    assert step > 12, "the steps were not seen"
    keys = asyncio.run(all_keys(store))
    assert {key.state for key in keys} == {KeyState.ENABLED}, "the server waits for an opening that nobody knows"
    assert sorted(key.label for key in keys) == [f"killed-{number:02}" for number in range(1, step + 1)]
