"""The survival battery: every attack on every kind of contract, and what came of it, as tables and for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from statistics import median
from typing import Final

from bench.harness.statistics import wilson
from bench.harness.tables import Table
from bench.watermark.attacks import Attack, attacks_on
from bench.watermark.specimens import KINDS, TEXTS, Kind, make_specimens
from bench.watermark.trials import Row, attempt
from bench.watermark.workshop import Workshop

_REPEATED: Final = 4
"""What is not drawn by chance is tried so much less often."""
_UNTRIED: Final = "-"
_CALLED_ALTERED: Final = " *"
NOTE: Final = (
    "Read / read of tries: from the file alone / with the original. Where a star stands, the watermark was read, but "
    "the text was called altered though nobody edited it. Whole frames, corrected and erased bytes are medians. An "
    "unknown bit is one that could not be measured."
)


def survey(workshop: Workshop, executor: Executor, trials: int, step: Callable[[], None]) -> list[Row]:
    """Try everything.

    Args:
        workshop: with the programs.
        executor: of processes.
        trials: files of each contract for each attack that chance has a part in; a quarter of that for others.
        step: called after each contract that was tried.
    """
    rows = []
    for kind in KINDS:
        for text in TEXTS:
            specimens = make_specimens(kind, text, trials)
            few = specimens[: max(1, trials // _REPEATED)]
            rows += [
                attempt(workshop, attack, specimens if attack.by_chance else few, executor)
                for attack in attacks_on(kind.extension)
            ]
            step()
    return rows


def overview(rows: Sequence[Row], extension: str) -> Table:
    """How many watermarks were read, of how many: from the file alone, and with the original."""
    kinds = [each for each in KINDS if each.extension == extension]
    columns = [(text, kind) for text in TEXTS for kind in kinds]
    cells = {(each.attack.name, each.text, each.kind.name): _read(each) for each in rows}
    heads = [f"{text.capitalize()}, {kind.short}" for text, kind in columns]
    lines = [
        (attack.title, *(cells.get((attack.name, text, kind.name), _UNTRIED) for text, kind in columns))
        for attack in attacks_on(extension)
    ]
    title = f"{extension.upper()}: watermarks read"
    return Table(title, ("what is done to the file", *heads), lines)


def details(rows: Sequence[Row], kind: Kind, text: str) -> Table:
    """What is left, and what the code made up for: medians over the tries."""
    channels = [each.value for each in kind.channels]
    lines = [
        (each.attack.title, *(_errors(each, channel) for channel in channels), *_code(each))
        for each in rows
        if (each.kind, each.text) == (kind, text) and each.trials
    ]
    heads = [f"wrong bits, {channel}" for channel in channels]
    return Table(
        f"{kind.title}, {text.capitalize()}: what is left",
        ("what is done to the file", *heads, "whole frames", "corrected", "erased"),
        lines,
    )


def to_json(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Every trial, and the share of successes with its interval, for programs."""
    return [
        {
            "attack": each.attack.name,
            "title": each.attack.title,
            "group": each.attack.group,
            "kind": each.kind.name,
            "text": each.text,
            "missing": list(each.missing),
            "frames": each.frames,
            **{name: _share(each, name) for name in ("alone", "informed") if each.trials},
            "trials": [asdict(trial) for trial in each.trials],
        }
        for each in rows
    ]


def successes(row: Row, name: str) -> int:
    """How many of a row's files were read: alone or informed."""
    return sum(getattr(each, name).right for each in row.trials)


def aimed(rows: Sequence[Row], kind: Kind, text: str, aim: str) -> Iterator[float]:
    """The shares of successes, in percent, of those attacks that the project wants to be survived."""
    name = {"alone": "alone", "original": "informed"}[aim]
    for each in rows:
        if (each.kind, each.text, each.attack.aim) == (kind, text, aim) and each.trials:
            yield 100 * successes(each, name) / len(each.trials)


def missing(rows: Sequence[Row]) -> Mapping[str, list[Attack]]:
    """Attacks that could not be made, by the program that is not installed."""
    found: dict[str, list[Attack]] = {}
    for each in rows:
        for program in each.missing:
            found.setdefault(program, []).append(each.attack)
    return found


def _share(row: Row, name: str) -> dict[str, float]:
    read, tries = successes(row, name), len(row.trials)
    lower, upper = wilson(read, tries)
    return {"read": read, "tries": tries, "lower": lower, "upper": upper}


def _read(row: Row) -> str:
    if not row.trials:
        return f"not tried: no {', '.join(row.missing)}"
    altered = row.attack.keeps_text and any(each.alone.right and not each.alone.intact for each in row.trials)
    said = f"{successes(row, 'alone')} / {successes(row, 'informed')} of {len(row.trials)}"
    return said + _CALLED_ALTERED * altered


def _errors(row: Row, channel: str) -> str:
    wrong, compared, unknown = (
        sum(counts.get(channel, 0) for counts in each)
        for each in zip(*((trial.wrong, trial.compared, trial.unknown) for trial in row.trials), strict=True)
    )
    if not compared + unknown:
        return _UNTRIED
    said = f"{wrong:,} of {compared:,}"
    return f"{said}, {unknown:,} unknown" if unknown else said


def _code(row: Row) -> tuple[str, str, str]:
    """Whole frames; and what was corrected and erased, with the original, where the watermark was read."""
    frames = f"{median(each.frames for each in row.trials):g} of {row.frames}"
    readings = [each.informed for each in row.trials if each.informed.right]
    if not readings:
        return frames, _UNTRIED, _UNTRIED
    return frames, f"{median(each.corrected for each in readings):g}", f"{median(each.erased for each in readings):g}"
