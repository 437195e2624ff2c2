"""The command line of the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import grpc
import typer
from rich.console import Console

from bench.context import Bench
from bench.errors import BenchFailed
from bench.harness.results import Outcome
from bench.plan import FULL, QUICK
from bench.scenarios import (
    agent,
    certificates,
    content,
    custody,
    decryption,
    deposits,
    engine,
    envelope,
    generation,
    growth,
    grpc_generation,
    grpc_unary,
    guard,
    guesses,
    joint,
    latency,
    members,
    merkle,
    opening,
    padding_oracle,
    proofs,
    records,
    sessions,
    soak,
    sources,
    transactions,
    trusteeship,
    verification,
    watermark,
)
from bench.session import RESULTS, Scenario, publish, run_scenarios
from bench.watermark.page import write_page, write_survival
from bench.watermark.trials import Row
from mpc.errors import FoursealError

SCENARIOS: dict[str, Scenario] = {
    "engine": engine.run,
    "joint": joint.run,
    "decryption": decryption.run,
    "generation": generation.run,
    "grpc-generation": grpc_generation.run,
    "grpc-unary": grpc_unary.run,
    "custody": custody.run,
    "latency": latency.run,
    "growth": growth.run,
    "sessions": sessions.run,
    "agent": agent.run,
    "content": content.run,
    "envelope": envelope.run,
    "members": members.run,
    "certificates": certificates.run,
    "merkle": merkle.run,
    "proofs": proofs.run,
    "opening": opening.run,
    "deposits": deposits.run,
    "verification": verification.run,
    "records": records.run,
    "trusteeship": trusteeship.run,
    "guesses": guesses.run,
    "transactions": transactions.run,
    "guard": guard.run,
    "sources": sources.run,
}
_PADDING_SAMPLES = 5000
_WIDTH_ELSEWHERE = 110  # of the report, where it goes to no terminal

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Some two minutes: shorter and fewer samples.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Measure this alone; may be repeated. One of: {', '.join(SCENARIOS)}.")
    ] = None,
    soak_extent: Annotated[
        soak.Extent | None,
        typer.Option(
            "--soak",
            parser=soak.Extent.parse,
            metavar="N|30m",
            help="Instead: so many signatures, or for so long, and the server's memory.",
        ),
    ] = None,
    padding: Annotated[
        bool, typer.Option("--padding-oracle", help="Instead: the times of failed decryptions, by their cause.")
    ] = False,
    watermarks: Annotated[
        bool, typer.Option("--watermark", help="Instead: what contracts' watermarks survive, and how they look.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option(help="With --watermark: the page whose table and picture are written anew.")
    ] = None,
) -> None:
    """Measure Fourseal on this machine.

    The report goes to bench/results: latest.md with its plots, and latest.json for programs; selection, soak,
    padding_oracle and watermark are files beside them.
    """
    console = make_console()
    plan = QUICK if quick else FULL
    rows: list[Row] = []
    if soak_extent is not None:
        kind, stem, scenarios = "soak", "soak", [_soak_of(soak_extent)]
    elif padding:
        kind, stem, scenarios = "padding oracle", "padding_oracle", [_padding]
    elif watermarks:
        kind, stem, scenarios = "watermark", "watermark", [lambda bench: watermark.run(bench, rows)]
    elif only:
        kind, stem, scenarios = "selection", "selection", chosen_scenarios(only)
    else:
        kind, stem, scenarios = "bench", "latest", list(SCENARIOS.values())
    try:
        run, outcome = run_scenarios(kind, plan, scenarios, console)
    except (BenchFailed, FoursealError, grpc.RpcError) as error:
        console.print(f"Nothing is reported, for a part did not work: {error}", style="red", markup=False)
        raise typer.Exit(1) from None
    publish(RESULTS, stem, run, outcome, console)
    if rows:
        write_survival(RESULTS, run, rows, console)
    if rows and page is not None:
        write_page(page, run, outcome, rows)


def chosen_scenarios(names: list[str]) -> list[Scenario]:
    """Return the scenarios of these names, in their own order."""
    unknown = set(names) - set(SCENARIOS)
    if unknown:
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}", param_hint="--only")
    return [scenario for name, scenario in SCENARIOS.items() if name in names]


def _soak_of(extent: soak.Extent) -> Scenario:
    return lambda bench: soak.run(bench, extent)


def _padding(bench: Bench) -> Outcome:
    return padding_oracle.run(bench, _PADDING_SAMPLES)


def make_console() -> Console:
    """Return a console as wide as the terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH_ELSEWHERE)
