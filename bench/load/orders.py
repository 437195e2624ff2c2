"""What the load generator is told and what it answers: one JSON object a line, over its standard input and output."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Order:
    """Signatures to ask for, in a closed loop or, with ``per_second``, in an open one: see ``bench.load.loop``.

    Args:
        source: what to send: for ``bench.load`` a file of ``write_requests``, for ``bench.load.agent`` a key's id.
        count: how many calls, or transactions.
        in_flight: how many of them are under way at once; in an open loop: at most.
        answers: how many answers to return, evenly spread, for verification.
        again: send the file's requests in turns, each with a new request id, instead of each once.
        batch: signatures that one call asks for; 1: by SignDigest.
        per_second: calls that fall due in a second, on average; 0: a closed loop.
        even: they fall due one after the other in equal times, instead of by a Poisson process.
        transactions: to be brought instead of signatures: ``bench.load.transactions``.
    """

    source: str
    count: int
    in_flight: int
    answers: int
    again: bool = False
    batch: int = 1
    per_second: float = 0.0
    even: bool = False
    transactions: bool = False

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Order:
        """Read ``to_line``."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an order.

    Args:
        rate: signatures a second: of a closed loop while it ran steadily, of an open one over all of its time.
        seconds: time from the start to the last answer.
        latencies: milliseconds of each call, from when it was due.
        lateness: milliseconds of each call from when it was due to when it was made; next to nothing in a closed loop.
        processor_fraction: processor time of the load generator over elapsed time: near 1 it is the bottleneck.
        signatures: place of a request in its order, and the signature it got; of a batch the first one; of a
            transaction what ``bench.load.transactions.times_from`` reads.
    """

    rate: float
    seconds: float
    latencies: tuple[float, ...]
    lateness: tuple[float, ...]
    processor_fraction: float
    signatures: tuple[tuple[int, bytes], ...]

    def to_line(self) -> str:
        """One line of JSON."""
        signatures = [(place, base64.b64encode(data).decode()) for place, data in self.signatures]
        return json.dumps(asdict(self) | {"signatures": signatures}) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Answer:
        """Read ``to_line``."""
        fields = json.loads(line)
        signatures = tuple((place, base64.b64decode(data)) for place, data in fields["signatures"])
        times = {name: tuple(fields[name]) for name in ("latencies", "lateness")}
        return cls(**(fields | times | {"signatures": signatures}))


def write_requests(path: Path, requests: list[bytes]) -> None:
    """Write a file of requests as ``Order`` names it."""
    with path.open("wb") as file:
        for request in requests:
            file.write(len(request).to_bytes(4, "big") + request)


def read_requests(path: Path) -> list[bytes]:
    """Read ``write_requests``."""
    data, requests, start = path.read_bytes(), [], 0
    while start < len(data):
        end = start + 4 + int.from_bytes(data[start : start + 4], "big")
        requests.append(data[start + 4 : end])
        start = end
    return requests
