"""Opening evidence among few entries and among many, by an agent that calls a real server over TLS.

A server for each size of the plan, with a log and tables of evidence that were filled to that size, and messages that
were deposited at places all over it. Opening is all that ``fourseal evidence open`` does: ``GetEvidence``, the proof
that the log has it and only grew, ``DecryptKeyCiphertext`` with both halves, content, and every check; reading is
``GetEvidence`` and that proof alone. Every opening is an operation, and an entry of its own. The sizes take turns, one
call each: what disturbs the machine disturbs both.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle

import structlog
from sqlalchemy import Connection

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Aim, Outcome, Ratio, Result
from bench.harness.statistics import quantile
from bench.harness.timing import Case, take_turns
from bench.rig.acquainted import PEOPLE, Acquainted, acquainted
from bench.rig.company import Person
from bench.rig.filling import Beside, fill
from contract.report import Outcome as Verdict
from server.config import load_settings
from server.evidence.store.records import RecordRow, add_records
from server.journal.log import StagedEntry
from server.root.ground import open_ground
from server.root.home import Home
from signer_agent.contracts.sources import BytesSource
from signer_agent.evidence.reading import EvidenceReader

GROUP = "Opening evidence over gRPC: median time of a round"
AIM = Aim(1.2, at_most=True)
_HALF_BITS = 2048
_MESSAGES = 8
_CONTENT_BYTES = 1024
_DIGEST_BYTES = 32
_TITLES = {"read": "read and prove", "open": "open, prove and verify"}


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Messages in evidence, among so many entries, and Alice, who wrote them."""

    size: int
    alice: Person
    digests: Sequence[bytes]


def run(bench: Bench) -> Outcome:
    """Measure every size of the plan."""
    plan, taken = bench.plan, dict[Case, list[float]]()
    each = len(PEOPLE) + _MESSAGES
    bench.progress.begin("opening evidence", each * len(plan.log_leaves) + len(_TITLES) * (plan.load_rounds + 1))
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        shelves = [stack.enter_context(_shelf(bench, runner, size)) for size in plan.log_leaves]
        for kind in _TITLES:
            cases = [_case(runner, shelf, kind) for shelf in shelves]
            taken |= {case: list[float]() for case in cases}
            take_turns(cases, plan.openings)  # warm-up
            bench.progress.step()
            for _ in range(plan.load_rounds):
                for case, seconds in take_turns(cases, plan.openings).items():
                    taken[case].append(1000 * quantile(seconds, 0.5))
                bench.progress.step()
    return _outcome(taken, plan.log_leaves)


def _outcome(taken: dict[Case, list[float]], sizes: Sequence[int]) -> Outcome:
    results = {case.name: Result(case.name, case.title, GROUP, "ms", tuple(samples)) for case, samples in taken.items()}
    least, most = min(sizes), max(sizes)
    ratios = [
        Ratio.between(
            f"evidence_{kind}_many_over_few",
            f"Evidence, {title}: time with {most} entries over time with {least}",
            results[f"evidence_{kind}_{most}"],
            results[f"evidence_{kind}_{least}"],
            AIM,
        )
        for kind, title in _TITLES.items()
    ]
    return Outcome(tuple(results.values()), ratios)


@contextmanager
def _shelf(bench: Bench, runner: asyncio.Runner, size: int) -> Iterator[_Shelf]:
    with acquainted(bench, runner, f"opening-{size}", _HALF_BITS) as met:
        yield _Shelf(size, met.alice, list(_deposited(bench, runner, met, size)))


def _deposited(bench: Bench, runner: asyncio.Runner, met: Acquainted, size: int) -> Iterator[bytes]:
    """Deposit messages while the log grows to its size; their digests."""
    home = Home(met.server_folder)
    with open_ground(home, load_settings(home.folder), structlog.get_logger()) as ground:
        for number in range(_MESSAGES):
            source = BytesSource(secrets.token_bytes(_CONTENT_BYTES))
            sent = runner.run(met.alice.messages.send(met.session_id, source, evidence=True))
            fill(ground, size * (number + 1) // _MESSAGES, _records_of(met.session_id))
            bench.progress.step()
            yield sent.statement.digest


def _records_of(session_id: str) -> Beside:
    """Each entry is a record of that session; nothing but its place and its parties is ever looked at."""

    def add(connection: Connection, staged: Sequence[StagedEntry]) -> None:
        add_records(connection, [(_record(session_id, entry), PEOPLE) for entry in staged])

    return add


def _record(session_id: str, entry: StagedEntry) -> RecordRow:
    digest = entry.index.to_bytes(_DIGEST_BYTES, "big")  # rising ones are written soon; looking one up is the same work
    return RecordRow(
        statement_digest=digest,
        record_digest=digest,
        log_index=entry.index,
        session_id=session_id,
        author=PEOPLE[0],
        answered_digest=None,
        content_digest=digest,
        content_length=_CONTENT_BYTES,
        content_kept=False,
        deposit_time=entry.time,
    )


def _case(runner: asyncio.Runner, shelf: _Shelf, kind: str) -> Case:
    evidence, reader, digests = shelf.alice.evidence, EvidenceReader(shelf.alice.signer), cycle(shelf.digests)

    def read() -> None:
        runner.run(reader.get(next(digests)))

    def opened() -> None:
        report = runner.run(evidence.open(next(digests))).report
        if report.outcome is not Verdict.PASSED:
            raise BenchFailed(f"evidence among {shelf.size} entries does not hold: {report}")

    operation = {"read": read, "open": opened}[kind]
    return Case(f"evidence_{kind}_{shelf.size}", f"{shelf.size} entries: {_TITLES[kind]}", operation)
