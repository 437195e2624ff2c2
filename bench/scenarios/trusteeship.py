"""Uses of an organisation's key beside plain joint signatures, and what a grant's limit holds against.

* Latency: one after the other, through the agent's library: a use is two joint signatures by its user's personal key,
  one operation of the organisation's key, a record in the log, and every check. Beside it a joint signature by the same
  personal key. Both kinds take turns; custody of all keys is in the database, then in a token of SoftHSM2.
* Limit: many callers at once under a grant for a tenth of their number. Exactly so many uses are made.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Aim, Outcome, Ratio, Result
from bench.harness.statistics import quantile
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
        with asyncio.Runner() as runner, _company(bench, runner, custody, chosen) as company:
            bench.progress.step()
            outcome += _latencies(custody, runner.run(_take_turns(bench, company)))
            if custody == "database":
                outcome += runner.run(_at_once(company, plan.uses_at_once))
                bench.progress.step()
    return outcome


@contextmanager
def _company(bench: Bench, runner: asyncio.Runner, custody: str, settings: dict[str, str]) -> Iterator[Trusted]:
    folder = bench.workspace / f"trusteeship-{custody}"
    folder.mkdir()
    with ServerProcess(folder / "server", bench.cores.all, **SETTINGS, **settings) as server, ExitStack() as leaving:
        homes, keys = prepare(server, folder, _KINDS)
        arriving = trusted(server, homes, keys, bench.plan.trusted_half_bits)
        company = runner.run(arriving.__aenter__())
        leaving.callback(lambda: runner.run(arriving.__aexit__(None, None, None)))
        yield company


async def _take_turns(bench: Bench, company: Trusted) -> dict[str, list[list[float]]]:
    """Milliseconds of each operation, in each round."""
    plan = bench.plan
    grants = {kind: await company.grant(kind, 1_000_000) for kind in _KINDS}
    operations: dict[str, Operation] = {_PLAIN: lambda: company.bob.sign_digest(KEY, secrets.token_bytes(32))}
    operations |= {kind: _use(company, grant) for kind, grant in grants.items()}
    taken: dict[str, list[list[float]]] = {name: [] for name in operations}
    for turn in range(-1, plan.load_rounds):
        times: dict[str, list[float]] = {name: [] for name in operations}
        for _ in range(plan.uses):
            for name, operation in operations.items():
                began = time.perf_counter()
                await operation()
                times[name].append(1000 * (time.perf_counter() - began))
        bench.progress.step()
        if turn >= 0:  # what happens the first time only shall not count
            for name, each in times.items():
                taken[name].append(each)
    return taken


def _use(company: Trusted, grant: Grant) -> Operation:
    return lambda: company.uses.sign_digest(grant, secrets.token_bytes(32), reason="a benchmark")


def _latencies(custody: str, taken: dict[str, list[list[float]]]) -> Outcome:
    results, ratios = list[Result](), list[Ratio]()
    medians: dict[str, Result] = {}
    for name, rounds in taken.items():
        what = "plain joint signature" if name == _PLAIN else f"use of {name}"
        stem = f"trust_{custody}_{name.replace('-', '_')}"
        for kind, title, fraction in (("p50", "median", 0.5), ("p99", "99 % are faster", 0.99)):
            samples = tuple(quantile(sorted(each), fraction) for each in rounds)
            made = Result(f"{stem}_{kind}", f"{_CUSTODIES[custody]}, {what}: {title}", GROUP, "ms", samples)
            results.append(made)
            if kind == "p50":
                medians[name] = made
    ratios = [
        Ratio.between(
            f"trust_{custody}_{name.replace('-', '_')}_over_plain",
            f"A use of {name}, record included, over a plain joint signature, {_CUSTODIES[custody]}",
            made,
            medians[_PLAIN],
            AIM,
        )
        for name, made in medians.items()
        if name != _PLAIN
    ]
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
