"""Uses of an organisation's key beside plain joint signatures, and what a grant's limit holds against.

* Latency: one after the other, through the agent's library: a use is two joint signatures by its user's personal key,
  one operation of the organisation's key, a record in the log, and every check. Beside it a joint signature by the same
  personal key. All take turns; custody of all keys is in the database, then in a token of SoftHSM2. Processor time is
  that of agent and server together: what disturbs the machine does not count there.
* Limit: many callers at once under a grant for a tenth of their number. Exactly so many uses are made.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Aim, Outcome, Ratio, Result
from bench.harness.statistics import quantile
from bench.harness.timing import rotated
from bench.rig.server import ServerProcess
from bench.rig.trust import KEY, SETTINGS, Trusted, prepare, trusted
from signer_agent.trusteeship.grants import Grant
from softhsm import SoftHsmMissing, new_token
from wire.status import RemoteError

GROUP: Final = "Uses of an organisation's key, one after the other, through the agent's library"
LIMIT: Final = "Uses under one grant at once"
AIM: Final = Aim(2.5, at_most=True)
_KINDS: Final = ("ecdsa-p256", "rsa-3072")
_PLAIN: Final = "plain"
_CUSTODIES: Final = {"database": "keys in the database", "token": "keys in a token"}
_PART: Final = 10

Operation = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class _Taken:
    """By round: milliseconds of each operation, sorted; and those of the processors for one, on the average."""

    milliseconds: list[list[float]] = field(default_factory=list)
    processor_milliseconds: list[float] = field(default_factory=list)


def run(bench: Bench) -> Outcome:
    """Measure latencies with each custody, and the limit with the first."""
    plan = bench.plan
    if not plan.uses:
        return Outcome()
    settings, remarks = {"database": dict[str, str]()}, list[str]()
    try:
        settings["token"] = {**new_token(bench.workspace / "trust-token").settings, "FOURSEAL_SHARES_AHEAD": "0"}
    except SoftHsmMissing as missing:
        remarks.append(f"Uses with keys in a token were not measured. {missing}")
    bench.progress.begin("organisation keys in trust", len(settings) * (2 + plan.load_rounds) + 1)
    outcome = Outcome(remarks=remarks)
    for custody, chosen in settings.items():
        with asyncio.Runner() as runner, _company(bench, runner, custody, chosen) as (server, company):
            bench.progress.step()
            outcome += _latencies(custody, runner.run(_take_turns(bench, server, company)))
            if custody == "database":
                outcome += runner.run(_at_once(company, plan.uses_at_once))
                bench.progress.step()
    return outcome


@contextmanager
def _company(
    bench: Bench, runner: asyncio.Runner, custody: str, settings: dict[str, str]
) -> Iterator[tuple[ServerProcess, Trusted]]:
    folder = bench.workspace / f"trusteeship-{custody}"
    folder.mkdir()
    with ServerProcess(folder / "server", bench.cores.all, **SETTINGS, **settings) as server, ExitStack() as leaving:
        homes, keys = prepare(server, folder, _KINDS)
        arriving = trusted(server, homes, keys, bench.plan.trusted_half_bits)
        company = runner.run(arriving.__aenter__())
        leaving.callback(lambda: runner.run(arriving.__aexit__(None, None, None)))
        yield server, company


async def _take_turns(bench: Bench, server: ServerProcess, company: Trusted) -> dict[str, _Taken]:
    """What each operation takes, in each round."""
    plan = bench.plan
    grants = {kind: await company.grant(kind, 1_000_000) for kind in _KINDS}
    operations: dict[str, Operation] = {_PLAIN: lambda: company.bob.sign_digest(KEY, secrets.token_bytes(32))}
    operations |= {kind: _use(company, grant) for kind, grant in grants.items()}
    taken = {name: _Taken() for name in operations}
    for turn in range(-1, plan.load_rounds):
        for name in rotated(list(operations), turn):
            times, before = list[float](), time.process_time() + server.processor_seconds()
            for _ in range(plan.uses):
                began = time.perf_counter()
                await operations[name]()
                times.append(1000 * (time.perf_counter() - began))
            spent = time.process_time() + server.processor_seconds() - before
            if turn >= 0:  # what happens the first time only shall not count
                taken[name].milliseconds.append(sorted(times))
                taken[name].processor_milliseconds.append(1000 * spent / plan.uses)
        bench.progress.step()
    return taken


def _use(company: Trusted, grant: Grant) -> Operation:
    return lambda: company.uses.sign_digest(grant, secrets.token_bytes(32), reason="a benchmark")


def _latencies(custody: str, taken: dict[str, _Taken]) -> Outcome:
    results, ratios = list[Result](), list[Ratio]()
    for name, each in taken.items():
        what = "plain joint signature" if name == _PLAIN else f"use of {name}"
        for kind, (title, samples) in {
            "p50": ("median", [quantile(times, 0.5) for times in each.milliseconds]),
            "p99": ("99 % are faster", [quantile(times, 0.99) for times in each.milliseconds]),
            "cpu": ("processor time", each.processor_milliseconds),
        }.items():
            stem = f"trust_{custody}_{name.replace('-', '_')}_{kind}"
            results.append(Result(stem, f"{_CUSTODIES[custody]}, {what}: {title}", GROUP, "ms", tuple(samples)))
    found = {result.name: result for result in results}
    for kind in _KINDS:
        stem = f"trust_{custody}_{kind.replace('-', '_')}"
        title = f"A use of {kind}, record included, over a plain joint signature, {_CUSTODIES[custody]}"
        for figure, behind in (("p50", ""), ("cpu", ": processor time")):
            above, below = found[f"{stem}_{figure}"], found[f"trust_{custody}_{_PLAIN}_{figure}"]
            name = f"{stem}_{'' if figure == 'p50' else 'cpu_'}over_plain"
            ratios.append(Ratio.between(name, title + behind, above, below, AIM if figure == "p50" else None))
    return Outcome(results, ratios)


async def _at_once(company: Trusted, callers: int) -> Outcome:
    limit = callers // _PART
    grant = await company.grant(_KINDS[0], limit)
    began = time.perf_counter()
    ended = await asyncio.gather(*(_try_use(company, grant) for _ in range(callers)))
    seconds = time.perf_counter() - began
    made = ended.count("")
    if made != limit or set(ended) != {"", "GRANT_USED_UP"}:
        raise BenchFailed(f"of {callers} uses at once under a grant for {limit}, {made} were made: {set(ended)}")
    rate = Result("trust_at_once", f"{callers} callers, {limit} uses made", LIMIT, "1/s", (callers / seconds,))
    return Outcome([rate], remarks=[f"Of {callers} uses at once under a grant for {limit}, exactly {made} were made."])


async def _try_use(company: Trusted, grant: Grant) -> str:
    """Why it was refused; empty: it was made."""
    digest = hashlib.sha256(secrets.token_bytes(32)).digest()
    try:
        await company.uses.sign_digest(grant, digest, reason="a benchmark")
    except RemoteError as error:
        return str(error.metadata.get("cause", error.reason))
    return ""
