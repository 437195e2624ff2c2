"""A server of several processes, and lines to each of them."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import psutil
from fourseal.v1 import key_service_pb2

from server.root.home import Home
from tests.server.harness import START_SECONDS, Client, Identity, ServerProcess, call

_PAUSE_SECONDS = 0.02
"""From one look to the next: whoever is waited for needs the processor."""
ELSEWHERE = "127.0.0.2:7443"
"""Where a media server would be."""


class SeveralProcesses(ServerProcess):
    """A server of several processes and their supervisor.

    Args:
        home: its folder, in which a media server is named.
        count: how many processes.
    """

    def __init__(self, home: Home, count: int = 2) -> None:
        """Start it and wait until all of it serves."""
        self._count = count
        super().__init__(home, FOURSEAL_PROCESSES=str(count))

    def said(self, event: str) -> list[dict[str, Any]]:
        """All lines of its log with that event, oldest first. The last line may not be whole yet."""
        lines = self.log_path.read_text(encoding="utf-8").split("\n")[:-1]
        told = (json.loads(line) for line in lines if line.startswith("{"))
        return [line for line in told if line["event"] == event]

    def living(self) -> set[int]:
        """Ids of its processes that serve, as soon as they are so many."""

        def serving() -> set[int]:
            ended = {line["process_id"] for line in self.said("process_ended")}
            return {line["process_id"] for line in self.said("serving")} - ended

        wait_until(lambda: len(serving()) == self._count)
        return serving()

    async def answering(self, client: Client) -> int:
        """Which process is at the other end of a line, while nobody else calls."""
        before = len(self.said("call"))
        await call(client.keys.ListKeys, key_service_pb2.ListKeysRequest())
        wait_until(lambda: len(self.said("call")) > before)
        found: int = self.said("call")[-1]["process_id"]
        return found

    @contextlib.asynccontextmanager
    async def lines(self, identity: Identity) -> AsyncIterator[dict[int, Client]]:
        """A line to each process that lives, by its id. The kernel chooses, so lines are opened until each has one."""
        wanted = self.living()
        async with contextlib.AsyncExitStack() as stack:
            found: dict[int, Client] = {}
            while found.keys() != wanted:
                client = await stack.enter_async_context(Client(self.serving, identity))
                found.setdefault(await self.answering(client), client)
            yield found


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return when something is so; a minute at most."""
    end = time.monotonic() + 2 * START_SECONDS
    while not is_so():
        assert time.monotonic() < end
        time.sleep(_PAUSE_SECONDS)


def is_alive(process_id: int) -> bool:
    """Whether a process of that id runs. One that has ended may wait for who started it to take notice."""
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
