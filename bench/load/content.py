"""``python -m bench.load.content ROLE HOME SESSION``: sends contents, or receives and verifies them.

Each line on standard input is one order: for ``send`` the path of a file. Each prints one line of JSON for an order,
with the machine's monotonic clock and its highest resident memory so far.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from bench.rig.company import arrived
from signer_agent.contracts.mailbox_entry import Message
from signer_agent.contracts.receiving import Received
from signer_agent.contracts.sources import FileSource
from signer_agent.home import Home
from wire.allocation import keep_freed_memory


async def send(home: Home, session_id: str) -> None:
    """Send a file for each order."""
    async with arrived(home) as person:
        await person.signer.session(session_id)
        _say({"ready": True})
        while path := (await asyncio.to_thread(sys.stdin.readline)).strip():
            began = time.monotonic()
            await person.messages.send(session_id, FileSource(Path(path)))
            _say({"began": began, "peak_bytes": peak_bytes("self")})


async def receive(home: Home, session_id: str) -> None:
    """Receive and verify until standard input ends."""
    async with arrived(home) as person:
        await person.signer.session(session_id)
        _say({"ready": True})
        following = asyncio.create_task(_follow(person.messages.receive(session_id, follow=True)))
        await asyncio.to_thread(sys.stdin.read)
        following.cancel()


async def _follow(received: AsyncGenerator[Received]) -> None:
    async for message in received:
        verified = isinstance(message, Message) and message.verdict.verified
        _say({"ended": time.monotonic(), "verified": verified, "peak_bytes": peak_bytes("self")})


def peak_bytes(process: int | str) -> int:
    """The highest resident memory that a process ever had (Linux: VmHWM)."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    keep_freed_memory()  # as the command line does
    role, folder, session = sys.argv[1:]
    asyncio.run({"send": send, "receive": receive}[role](Home.find(folder), session))
