"""``HOME LABEL STEP``: a program that generates a key, and dies like kill -9 at step number STEP.

Steps are all that change a file of the agent's folder, and both sides of every call to the server. With a step that
never comes it lives, and says how many there were.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from signer_agent.client import server_line
from signer_agent.interface import AsyncAgent
from tests.signer_agent.stores import PASSPHRASE
from wire.client import repetition

_count = 0


def step() -> None:
    """Count, and die if it is time."""
    global _count  # noqa: PLW0603
    _count += 1
    if _count == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """See file operations, through the interpreter's audit events."""
    if event in {"open", "os.rename", "os.remove"} and sys.argv[1] in str(arguments[0]):
        reads = event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if not reads:
            step()


async def generate(home: str, label: str) -> None:
    """One key."""
    call = repetition.call_repeatedly

    async def watched(*arguments: Any) -> Any:  # noqa: ANN401
        step()
        answer = await call(*arguments)
        step()
        return answer

    vars(server_line)["call_repeatedly"] = watched
    async with AsyncAgent.open(passphrase=PASSPHRASE, home=home) as agent:
        sys.addaudithook(watch)
        await agent.generate_key("sign", half_bits=2048, label=label, request_id=f"request-of-{label}")
    sys.stdout.write(f"{_count}\n")


def main() -> None:
    """Do what the arguments say."""
    asyncio.run(generate(*sys.argv[1:3]))
