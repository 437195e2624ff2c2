"""The report as a picture: bars with quartiles, curves, ratios with their aims."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from bench.harness.document import Run
from bench.harness.results import Chart, Curves, Outcome, Ratio, Result
from bench.harness.tables import format_value

_COLOURS = ("#3b6ea8", "#e08a2e", "#4f9d69", "#8a6fb0")
_REACHED, _BELOW, _PLAIN = "#4f9d69", "#c8553d", "#8c96a3"
_COLUMNS = 2
_WIDTH, _CHART_HEIGHT, _RATIO_HEIGHT, _HEAD_HEIGHT = 13.0, 3.7, 0.34, 0.9  # inches
_LABEL_LETTERS = 150  # that fit below a chart which has a row to itself
_WIDEST_BAR = 0.27
_DPI = 130


def draw(path: Path, run: Run, outcome: Outcome) -> None:
    """Draw every chart, and all ratios below them, to a PNG file."""
    rows = -(-len(outcome.charts) // _COLUMNS)
    heights = [_CHART_HEIGHT * rows] * bool(rows)
    if outcome.ratios:
        heights.append(_HEAD_HEIGHT + _RATIO_HEIGHT * len(outcome.ratios))
    figure = Figure(figsize=(_WIDTH, sum(heights) + _HEAD_HEIGHT), layout="constrained")
    figure.suptitle(_caption(run), fontsize=10)
    parts = iter(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat if heights else ())
    if outcome.charts:
        _draw_charts(next(parts), outcome.charts)
    if outcome.ratios:
        _draw_ratios(next(parts).subplots(), outcome.ratios)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI)


def _draw_charts(part: SubFigure, charts: Sequence[Chart | Curves]) -> None:
    """Draw them two in a row; one that is alone in its row has all of it."""
    grid = part.add_gridspec(-(-len(charts) // _COLUMNS), _COLUMNS)
    for place, chart in enumerate(charts):
        row, column = divmod(place, _COLUMNS)
        alone = place == len(charts) - 1 and column == 0
        axes = part.add_subplot(grid[row, :] if alone else grid[row, column])
        if isinstance(chart, Chart):
            _draw_bars(axes, chart, _LABEL_LETTERS if alone else _LABEL_LETTERS // _COLUMNS)
        else:
            _draw_curves(axes, chart)


def _draw_bars(axes: Axes, chart: Chart, letters: int) -> None:
    """Draw bars with the quartiles as whiskers; ``letters`` of all labels fit below them."""
    width = min(0.8 / len(chart.series), _WIDEST_BAR)
    for number, (name, results) in enumerate(chart.series.items()):
        middles = [category + (number - (len(chart.series) - 1) / 2) * width for category in range(len(results))]
        heights = [result.summary.median for result in results]
        bars = axes.bar(
            middles,
            heights,
            0.92 * width,
            yerr=_whiskers(results),
            label=name,
            color=_COLOURS[number % len(_COLOURS)],
            error_kw={"elinewidth": 1, "capsize": 2},
        )
        axes.bar_label(bars, [format_value(height) for height in heights], fontsize=7, padding=2)
    axes.set_title(chart.title, fontsize=10, fontweight="bold")
    axes.set_ylabel(chart.axis)
    room = letters // len(chart.categories)
    labels = ["\n".join(wrap(category, room)) for category in chart.categories]
    axes.set_xticks(range(len(labels)), labels, fontsize=9)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.margins(y=0.16)
    axes.grid(visible=True, axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.legend(fontsize=8)


def _draw_curves(axes: Axes, curves: Curves) -> None:
    """Draw lines from zero: what is nearly flat shall look nearly flat."""
    for number, (label, values) in enumerate(curves.values.items()):
        axes.plot(curves.places, values, color=_COLOURS[number % len(_COLOURS)], linewidth=1.4, label=label)
    axes.set_title(curves.title, fontsize=10, fontweight="bold")
    axes.set_ylim(0, 1.15 * max(max(values) for values in curves.values.values()))
    axes.set_xlim(0, max(curves.places))
    axes.set_xlabel(curves.axis)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")


def _draw_ratios(axes: Axes, ratios: Sequence[Ratio]) -> None:
    for place, ratio in enumerate(reversed(ratios)):
        summary = ratio.summary
        axes.barh(place, summary.median, 0.62, color=_colour(ratio), xerr=_whiskers([ratio]), error_kw={"capsize": 2})
        axes.text(
            max(summary.upper_quartile, ratio.aim.value if ratio.aim else 0),
            place,
            f"  {summary.median:.2f}",
            va="center",
            fontsize=8,
        )
        if ratio.aim is not None:
            axes.plot([ratio.aim.value] * 2, [place - 0.42, place + 0.42], color="black", linewidth=1.6)
    axes.set_yticks(range(len(ratios)), [ratio.title for ratio in reversed(ratios)], fontsize=8)
    axes.set_title("Ratios (black mark: aim)", fontsize=10, fontweight="bold")
    axes.margins(x=0.1)
    axes.set_ylim(-0.6, len(ratios) - 0.4)
    axes.grid(visible=True, axis="x", alpha=0.3)
    axes.set_axisbelow(True)


def _colour(ratio: Ratio) -> str:
    if ratio.aim is None:
        return _PLAIN
    return _REACHED if ratio.aim.is_reached(ratio.summary.median) else _BELOW


def _whiskers(each: Sequence[Result] | Sequence[Ratio]) -> list[list[float]]:
    """Return how far the quartiles lie below and above the median, as matplotlib takes it."""
    summaries = [one.summary for one in each]
    below = [summary.median - summary.lower_quartile for summary in summaries]
    above = [summary.upper_quartile - summary.median for summary in summaries]
    return [below, above]


def _caption(run: Run) -> str:
    return (
        f"Fourseal {run.kind} ({run.plan}), {run.started:%Y-%m-%d %H:%M} UTC, {run.machine.processor}, "
        f"{run.machine.cores} cores, {run.machine.python}\n"
        f"{run.pinning}; others took {run.disturbance:.0%} of the machine meanwhile. "
        "Medians; whiskers are quartiles."
    )
