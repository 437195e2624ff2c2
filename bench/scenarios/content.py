"""Large content through a contract session: signed, sealed, relayed, opened, verified; beside it a bare gRPC stream.

Both go through two hops of mutual TLS, from one process through a relay to a third. The bare stream does nothing else;
it runs as gRPC comes, and once more with the memory settings that our processes have.
Ours hashes, encrypts, writes to the media server's disk and to the recipient's, decrypts, hashes and verifies; the time
is from the call of ``send`` to the verified message, with both joint operations. Nothing is pinned: every process works
at the same time, on all cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Aim, Chart, Outcome, Ratio, Result
from bench.harness.timing import rotated
from bench.load.content import peak_bytes
from bench.rig.bare import BareStream
from bench.rig.command import environment
from bench.rig.company import arrived, meet
from bench.rig.session import Meeting, meeting
from signer_agent.home import Home

GROUP = "Content through a contract session, from sender to verified recipient"
MEMORY = "Highest resident memory of each process meanwhile"
AIM = Aim(0.5)
MEMORY_AIM = Aim(200, at_most=True)
_MEBIBYTE = 1 << 20


def run(bench: Bench) -> Outcome:
    """Send a content as large as the plan says, in turns with the bare stream."""
    plan = bench.plan
    if not plan.content_mebibytes:
        return Outcome()
    bench.progress.begin(f"content of {plan.content_mebibytes} MiB", 2 + 3 * (plan.content_rounds + 1))
    with meeting(bench, "content", ("alice", "bob"), plan.content_half_bits) as place:
        session_id = asyncio.run(_meet(place.homes))
        content = place.folder / "content"
        _write(content, plan.content_mebibytes)
        with (
            BareStream(place.folder / "bare", tuned=False) as bare,
            BareStream(place.folder / "tuned", tuned=True) as tuned,
            _Role("receive", place.homes[1], session_id) as receiver,
            _Role("send", place.homes[0], session_id) as sender,
        ):
            kinds: dict[str, Callable[[], float]] = {
                "content": lambda: _transfer(sender, receiver, content),
                "bare_stream": lambda: bare.seconds(plan.content_mebibytes),
                "tuned_stream": lambda: tuned.seconds(plan.content_mebibytes),
            }
            for measure in kinds.values():  # what happens the first time only shall not count
                measure()
                bench.progress.step()
            seconds: dict[str, list[float]] = {name: [] for name in kinds}
            for turn in range(plan.content_rounds):
                for name in rotated(list(kinds), turn):
                    seconds[name].append(kinds[name]())
                    bench.progress.step()
            peaks = _peaks(place, sender, receiver)
    return _outcome(plan.content_mebibytes, seconds, peaks)


async def _meet(homes: tuple[Home, ...]) -> str:
    async with arrived(homes[0]) as alice, arrived(homes[1]) as bob:
        return await meet((alice, bob))


class _Role:
    """A process that sends, or receives, with a signer's folder."""

    def __init__(self, role: str, home: Home, session_id: str) -> None:
        self._command = [sys.executable, "-m", "bench.load.content", role, str(home.folder), session_id]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, text=True, env=environment())
        self.hear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    @property
    def process_id(self) -> int:
        return self._process.pid

    def tell(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise BenchFailed("sender or receiver has ended; its last words stand above")
        heard: dict[str, Any] = json.loads(line)
        return heard


def _transfer(sender: _Role, receiver: _Role, content: Path) -> float:
    sender.tell(str(content))
    sent, received = sender.hear(), receiver.hear()
    if not received["verified"]:
        raise BenchFailed("what was received does not hold")
    return float(received["ended"] - sent["began"])


def _peaks(place: Meeting, sender: _Role, receiver: _Role) -> dict[str, float]:
    """MiB, by process."""
    processes = {
        "evidence server": place.evidence.process_id,
        "media server": place.media.process_id,
        "sender": sender.process_id,
        "receiver": receiver.process_id,
    }
    return {name: peak_bytes(process) / _MEBIBYTE for name, process in processes.items()}


def _write(path: Path, mebibytes: int) -> None:
    piece = os.urandom(_MEBIBYTE)
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(piece)


def _outcome(mebibytes: int, seconds: dict[str, list[float]], peaks: dict[str, float]) -> Outcome:
    titles = {
        "content": f"{mebibytes} MiB through a session",
        "bare_stream": f"{mebibytes} MiB as a bare gRPC stream",
        "tuned_stream": f"{mebibytes} MiB as a bare gRPC stream, with our memory settings",
    }
    rates = {
        name: Result(f"{name}_rate", titles[name], GROUP, "MiB/s", tuple(mebibytes / each for each in values))
        for name, values in seconds.items()
    }
    memory = [
        Result(f"content_peak_memory_{name.replace(' ', '_')}", name, MEMORY, "MiB", (peak,), aim=MEMORY_AIM)
        for name, peak in peaks.items()
    ]
    ratios = [
        Ratio.between(f"content_over_{name}", title, rates["content"], rates[name], aim)
        for name, title, aim in (
            ("bare_stream", "Content over a bare stream", AIM),
            ("tuned_stream", "Content over a bare stream with our memory settings", None),
        )
    ]
    chart = Chart(
        "Content from sender to recipient",
        "MiB/s",
        ("rate",),
        {
            "contract session": (rates["content"],),
            "bare gRPC stream": (rates["bare_stream"],),
            "bare, our memory settings": (rates["tuned_stream"],),
        },
    )
    return Outcome([*rates.values(), *memory], ratios, [chart])
