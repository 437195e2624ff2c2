"""``send|deposit|receive HOME SESSION FILE STEP``: a program that does it, and dies like kill -9 at step number STEP.

Steps are all that change a file of the agent's folder, both sides of every call to a server, and of every part of an
upload. To deposit is to send as evidence.
With a step that never comes it lives, and says how many there were.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from signer_agent.client import server_line
from signer_agent.client.agent import LocalAgent
from signer_agent.contracts import relay_line
from signer_agent.contracts.envelopes import SegmentFile
from signer_agent.contracts.messages import FileSource, Message
from signer_agent.home import Home
from tests.signer_agent.stores import PASSPHRASE
from wire.client import repetition
from wire.segments import Segment
from wire.streams import Post

_count = 0


def step() -> None:
    """Count, and die if it is time."""
    global _count  # noqa: PLW0603
    _count += 1
    if _dies_at(_count):
        os.kill(os.getpid(), signal.SIGKILL)


def _dies_at(step: int) -> bool:
    return step == int(sys.argv[5])


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """See file operations, through the interpreter's audit events."""
    if event in {"open", "os.rename", "os.remove", "os.truncate"} and sys.argv[2] in str(arguments[0]):
        reads = event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if not reads and not str(arguments[0]).endswith(".lock"):
            step()


def both_sides(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """A call with a step before it and one after it."""

    async def watched(*arguments: Any) -> Any:  # noqa: ANN401
        step()
        answer = await call(*arguments)
        step()
        return answer

    return watched


def watched_append(file: SegmentFile, segments: list[Segment]) -> None:
    """``SegmentFile.append``, of which a kill leaves a part."""
    half = [*segments[:-1], Segment.of(segments[-1].data[: len(segments[-1]) // 2])]
    if _dies_at(_count + 1):
        append(file, half)
    step()
    append(file, segments)


append = SegmentFile.append


async def send_or_receive(what: str, home: str, session: str, file: str) -> None:
    """One content."""
    vars(server_line)["call_repeatedly"] = both_sides(repetition.call_repeatedly)
    vars(relay_line)["call_repeatedly"] = vars(server_line)["call_repeatedly"]
    Post.write = both_sides(Post.write)  # type: ignore[assignment, method-assign]
    SegmentFile.append = watched_append  # type: ignore[assignment, method-assign]
    agent = await LocalAgent.open_store(Home(Path(home)), PASSPHRASE)
    async with (await agent.contracts()).messages() as messages:
        sys.addaudithook(watch)
        if what != "receive":
            await messages.send(session, FileSource(Path(file)), evidence=what == "deposit")
        else:
            (received,) = [each async for each in messages.receive(session)]
            assert isinstance(received, Message)
    sys.stdout.write(f"{_count}\n")


def main() -> None:
    """Do what the arguments say."""
    asyncio.run(send_or_receive(*sys.argv[1:5]))
