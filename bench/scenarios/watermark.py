"""Watermarks in contracts: what they survive, how they look, what they hold, what is taken for one, and long contracts.

The figures of each part are those that the project has an aim for; every trial of every attack is in the rows besides.
What is timed, a long contract, runs alone; the rest uses all cores.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import pikepdf

from bench.context import Bench
from bench.harness.results import Aim, Chart, Outcome, Result
from bench.watermark.acceptance import FOREIGN, accepted, unnoticed
from bench.watermark.extent import Extent, measure
from bench.watermark.invisibility import NEEDS, Difference, compare
from bench.watermark.specimens import (
    DOCX_BOTH,
    DOCX_COLOUR,
    KINDS,
    PDF_BOTH,
    TEXTS,
    Kind,
    Specimen,
    make_plain,
    make_specimens,
    read_text,
)
from bench.watermark.survey import aimed, missing, survey
from bench.watermark.trials import Row
from bench.watermark.workshop import Workshop
from contract.watermark.channels import Channel
from contract.watermark.payload import SignatureLayer
from contract.watermark.refusals import MAX_CHARACTERS

_SURVIVAL: Final = "Watermarks read after all that they should survive (the worst of it)"
_LOOK: Final = "How a mark looks: pages at 150 dpi, before and after"
_CAPACITY: Final = "What the contracts carry"
_TRUST: Final = "What is taken for a watermark, or for the text, that is none"
_EXTENT: Final = "A long contract"
_SIMILARITY: Final = {True: 0.999, False: 0.98}
"""Aims: of colour alone, and of all others."""
_WIDENING: Final = 1.5
_NET_BITS: Final = 1.0
_PAYLOAD: Final = 420
_SECONDS: Final = 10
_MEBIBYTES: Final = 300
_AT_ONCE: Final = 100
_SAMPLE: Final = 20
"""Times that a text is set, to see how many pages it makes."""
_PARTS: Final = 8
_ALL: Final = Aim(100)
_NONE: Final = Aim(0, at_most=True)


def run(bench: Bench, rows: list[Row]) -> Outcome:
    """Measure everything; the trials of the survival battery go to ``rows``."""
    workshop = Workshop(bench.workspace)
    context = get_context("spawn")
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=context) as executor:
        survival = _survival(bench, workshop, executor, rows)
        trust = _trust(bench, executor)
    return survival + _look(bench, workshop) + _capacity(bench) + trust + _extent(bench)


def _survival(bench: Bench, workshop: Workshop, executor: Executor, rows: list[Row]) -> Outcome:
    bench.progress.begin("what watermarks survive", len(KINDS) * len(TEXTS))
    rows += survey(workshop, executor, bench.plan.watermark_trials, bench.progress.step)
    results = [
        Result(
            f"watermark_{kind.name}_{text}_{aim}", _title(kind, text) + how, _SURVIVAL, "%", (min(shares),), aim=_ALL
        )
        for kind in KINDS
        for text in TEXTS
        for aim, how in (("alone", ": from the file alone"), ("original", ": with the original"))
        if (shares := list(aimed(rows, kind, text, aim)))
    ]
    remarks = [
        f"Not tried, for there is no {program}: {', '.join(sorted({each.title for each in attacks}))}."
        for program, attacks in missing(rows).items()
    ]
    return Outcome(results, remarks=remarks)


def _look(bench: Bench, workshop: Workshop) -> Outcome:
    """Compare pages, of a DOCX as LibreOffice draws them."""
    bench.progress.begin("how watermarks look", len(KINDS) * len(TEXTS))
    lacking = workshop.lacks((*NEEDS, "soffice"))
    if lacking:
        return Outcome(remarks=[f"How watermarks look was not measured, for there is no {', '.join(lacking)}."])
    found: dict[tuple[Kind, str], Difference] = {}
    for kind in KINDS:
        for text in TEXTS:
            (specimen,) = make_specimens(kind, text, 1)
            files = [specimen.plain, specimen.embedded.file]
            drawn = workshop.convert(files, "docx", "pdf") if kind.extension == "docx" else files
            found[kind, text] = compare(workshop, *drawn)
            bench.progress.step()
    results = [each for (kind, text), difference in found.items() for each in _looks(kind, text, difference)]
    similarities = {each.name: each for each in results}
    chart = Chart(
        "Structural similarity of pages at 150 dpi, unmarked and marked",
        "SSIM",
        tuple(kind.title for kind in KINDS),
        {
            text.capitalize(): tuple(similarities[f"watermark_{kind.name}_{text}_similarity"] for kind in KINDS)
            for text in TEXTS
        },
    )
    return Outcome(results, charts=[chart])


def _looks(kind: Kind, text: str, difference: Difference) -> Iterator[Result]:
    colour_alone = kind.channels == (Channel.COLOUR,)
    for name, title, unit, value, aim in (
        ("similarity", "structural similarity", "", difference.similarity, Aim(_SIMILARITY[colour_alone])),
        ("shift", "largest shift of a glyph in its line", "pt", difference.shift, None),
        ("moved", "glyphs that went to another line", "%", 100 * difference.moved, None),
        ("widening", "mean widening", "%", 100 * difference.widening, Aim(_WIDENING, at_most=True)),
    ):
        yield Result(
            f"watermark_{kind.name}_{text}_{name}", f"{_title(kind, text)}: {title}", _LOOK, unit, (value,), aim=aim
        )


def _capacity(bench: Bench) -> Outcome:
    bench.progress.begin("what contracts carry", len(KINDS) * len(TEXTS))
    results: list[Result] = []
    for kind in KINDS:
        for text in TEXTS:
            results += _carried(*make_specimens(kind, text, 1))
            bench.progress.step()
    return Outcome(results)


def _carried(specimen: Specimen) -> Iterator[Result]:
    kind, text, plan = specimen.kind, specimen.text, specimen.embedded.plan
    name, title = f"watermark_{kind.name}_{text}", _title(kind, text)
    layer = {SignatureLayer.WHOLE: "the signatures", SignatureLayer.DIGESTS: "digests of the signatures"}[plan.layer]
    net = plan.payload / len("".join(TEXTS[text]))
    other = float(read_text(specimen.plain) != read_text(specimen.embedded.file))
    yield Result(f"{name}_payload", f"{title}: payload, {layer}", _CAPACITY, "bits", (plan.payload,), aim=Aim(_PAYLOAD))
    yield Result(f"{name}_net", f"{title}: payload of a character", _CAPACITY, "bits", (net,), aim=Aim(_NET_BITS))
    yield Result(f"{name}_text", f"{title}: texts that others read otherwise", _CAPACITY, "", (other,), aim=_NONE)


def _trust(bench: Bench, executor: Executor) -> Outcome:
    """Foreign documents, and ours with one character changed."""
    count = bench.plan.watermark_foreign // len(FOREIGN)
    parts = [(kind, first, min(_AT_ONCE, count - first)) for kind in FOREIGN for first in range(0, count, _AT_ONCE)]
    (text, *_) = TEXTS
    changed = [make_specimens(kind, text, 1)[0] for kind in (DOCX_BOTH, PDF_BOTH)]
    bench.progress.begin("what is taken for a watermark", len(parts) + len(changed))
    taken = dict.fromkeys(FOREIGN, 0)
    for (kind, _, _), found in zip(parts, executor.map(accepted, *zip(*parts, strict=True)), strict=True):
        taken[kind] += found
        bench.progress.step()
    results = [
        Result(
            f"watermark_foreign_{number}",
            f"{count:,} documents {kind}: accepted",
            _TRUST,
            "",
            (taken[kind],),
            aim=_NONE,
        )
        for number, kind in enumerate(FOREIGN)
    ]
    for specimen in changed:
        intact, tried = _unnoticed(executor, specimen, bench.plan.watermark_change_step)
        title = f"{_title(specimen.kind, text)}: {tried:,} times one character changed: called intact"
        results.append(Result(f"watermark_{specimen.kind.name}_unnoticed", title, _TRUST, "", (intact,), aim=_NONE))
        bench.progress.step()
    return Outcome(results)


def _unnoticed(executor: Executor, specimen: Specimen, step: int) -> tuple[int, int]:
    firsts = [step * number for number in range(_PARTS)]
    found = [executor.submit(unnoticed, specimen, first, step * _PARTS) for first in firsts]
    counts = [each.result() for each in found]
    return sum(intact for intact, _ in counts), sum(tried for _, tried in counts)


def _extent(bench: Bench) -> Outcome:
    kinds = (DOCX_COLOUR, PDF_BOTH)
    bench.progress.begin("long contracts", len(kinds) * len(TEXTS))
    results: list[Result] = []
    for text in TEXTS:
        times, pages = _times(text, bench.plan.watermark_pages)
        for kind in kinds:
            file, made = (bench.workspace / f"{name}.{kind.extension}" for name in ("long", "marked"))
            file.write_bytes(make_plain(text, kind.extension, times))
            results += _long(kind, text, pages, "embed", measure("embed", file, made))
            results += _long(kind, text, pages, "extract", measure("extract", made))
            bench.progress.step()
    return Outcome(results)


def _long(kind: Kind, text: str, pages: int, work: str, took: Extent) -> Iterator[Result]:
    name, title = f"watermark_{kind.name}_{text}_{work}", f"{_title(kind, text)}: {work} {pages} pages"
    most = Aim(_SECONDS, at_most=True), Aim(_MEBIBYTES, at_most=True)
    yield Result(name, title, _EXTENT, "s", (took.seconds,), aim=most[0])
    yield Result(f"{name}_memory", f"{title}, highest memory", _EXTENT, "MiB", (took.peak_bytes / 2**20,), aim=most[1])


def _times(text: str, pages: int) -> tuple[int, int]:
    """How often a text makes so many pages as we set them, or fills a document; and the pages."""
    sample = make_plain(text, "pdf", _SAMPLE)
    of_sample = len(pikepdf.open(io.BytesIO(sample)).pages)
    times = min(-(-pages * _SAMPLE // of_sample), MAX_CHARACTERS // len("\n".join((*TEXTS[text], ""))))
    return times, times * of_sample // _SAMPLE


def _title(kind: Kind, text: str) -> str:
    return f"{kind.title}, {text.capitalize()}"
