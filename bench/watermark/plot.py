"""What survives, as a picture: a field for each attack and contract, and curves over the share of the text edited."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from bench.harness.statistics import wilson
from bench.watermark.attacks import SHARES, attacks_on
from bench.watermark.specimens import DOCX_BOTH, DOCX_COLOUR, KINDS, TEXTS, Kind
from bench.watermark.survey import successes
from bench.watermark.trials import Row

_COLOURS: Final = LinearSegmentedColormap.from_list("survival", ["#c8553d", "#f2d7a0", "#4f9d69"])
_LINES: Final = {"chinese": "#3b6ea8", "english": "#e08a2e"}
_READINGS: Final = {"alone": "file alone", "informed": "with original"}
_EDITS: Final = {"deleted": "deleted", "replaced": "replaced", "typed": "typed in"}


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Draw them to an SVG file: the same one for the same figures."""
    with mpl.rc_context({"svg.hashsalt": "fourseal", "svg.fonttype": "none", "font.size": 8}):
        figure = Figure(figsize=(13, 13), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=(1.25, 1), squeeze=False).flat
        docx, pdf = left.subplots(2, 1, height_ratios=[len(attacks_on(each)) for each in ("docx", "pdf")])
        _draw_fields(docx, rows, "docx")
        _draw_fields(pdf, rows, "pdf")
        grid = right.subplots(len(_EDITS), 2, sharex=True, sharey=True)
        for line, (edit, title) in zip(grid, _EDITS.items(), strict=True):
            for axes, kind in zip(line, (DOCX_COLOUR, DOCX_BOTH), strict=True):
                _draw_curves(axes, rows, kind, edit)
                axes.set_title(f"{kind.title}: characters {title}", fontsize=9)
        grid[0][0].legend(fontsize=7)
        for axes in grid[-1]:
            axes.set_xlabel("percent of the characters")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None, "Creator": None})


def _draw_fields(axes: Axes, rows: Sequence[Row], extension: str) -> None:
    attacks = attacks_on(extension)
    kinds = [each for each in KINDS if each.extension == extension]
    columns = [(text, kind, reading) for text in TEXTS for kind in kinds for reading in _READINGS]
    found = {(each.attack.name, each.text, each.kind): each for each in rows if each.trials}
    for down, attack in enumerate(attacks):
        for across, (text, kind, reading) in enumerate(columns):
            row = found.get((attack.name, text, kind))
            share = None if row is None else successes(row, reading) / len(row.trials)
            colour = "#e6e6e6" if share is None else _COLOURS(share)
            axes.add_patch(mpl.patches.Rectangle((across, down), 0.94, 0.9, color=colour))
            said = "" if share is None else f"{share:.0%}"
            axes.text(across + 0.47, down + 0.45, said, ha="center", va="center", fontsize=6.5)
    labels = [
        "\n".join((text.capitalize(), *kind.short.split(maxsplit=1), _READINGS[reading]))
        for text, kind, reading in columns
    ]
    axes.set_xticks([place + 0.47 for place in range(len(columns))], labels, fontsize=5.5)
    axes.set_yticks([place + 0.45 for place in range(len(attacks))], [each.title for each in attacks], fontsize=7)
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(attacks), 0)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(f"{extension.upper()}: watermarks read", fontsize=10, fontweight="bold")


def _draw_curves(axes: Axes, rows: Sequence[Row], kind: Kind, edit: str) -> None:
    found = {(each.attack.name, each.text): each for each in rows if each.kind == kind and each.trials}
    for text in TEXTS:
        for reading, style in zip(_READINGS, ("--", "-"), strict=True):
            points = [found[name, text] for name in (f"{edit}_{share}" for share in SHARES) if (name, text) in found]
            counts = [(successes(each, reading), len(each.trials)) for each in points]
            shares = [read / tries for read, tries in counts]
            bounds = [wilson(read, tries) for read, tries in counts]
            whiskers = [
                [share - lower for share, (lower, _) in zip(shares, bounds, strict=True)],
                [upper - share for share, (_, upper) in zip(shares, bounds, strict=True)],
            ]
            axes.errorbar(
                SHARES[: len(points)],
                [100 * each for each in shares],
                yerr=[[100 * max(0.0, each) for each in side] for side in whiskers],
                label=f"{text.capitalize()}, {_READINGS[reading]}",
                color=_LINES[text],
                linestyle=style,
                linewidth=1.2,
                elinewidth=0.7,
                capsize=2,
                marker="o",
                markersize=3,
            )
    axes.set_ylim(-4, 104)
    axes.set_ylabel("read, %")
    axes.grid(visible=True, alpha=0.3)
