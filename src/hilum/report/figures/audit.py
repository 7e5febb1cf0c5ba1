"""What the audit's probes would show: figures with intervals side by side, histograms, lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import singledispatch
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from hilum.audit import Audit, Bar, Bars, Curves, Distribution, Picture, Scale
from hilum.evaluate import Estimate
from hilum.report.format import MISSING, THIN, count, scaled, scaled_interval
from hilum.report.remains import remains
from hilum.report.style import COLOURS, INK, LINES, MARKERS, QUIET, new_figure, shorten, styled

__all__ = ["Drawn", "draw", "drawn", "file_name"]

Drawn = Bars | Distribution | Curves
"""Pictures that become figures; the page writes the others itself."""

Floats = NDArray[np.float64]

BAR_INCH = 0.47
WIDTH = 57  # characters of the size of a bar's words that fit side by side
TITLE = 37  # and of a title
LEGEND = 46
FEW_POINTS = 15
MOST_BINS = 20


def drawn(audit: Audit | None) -> Iterator[tuple[str, Drawn]]:
    """Yield the pictures to draw by their files' names: what is left of the result, then each probe's."""
    if audit is None:
        return
    left = remains(audit)
    if left is not None:
        yield "audit", left
    for name, answer in audit.answers.items():
        for place, picture in enumerate(answer.pictures, start=1):
            if isinstance(picture, Drawn):
                yield file_name(name, place), picture


def file_name(probe: str, place: int) -> str:
    """Name a probe's picture without the suffix.

    >>> file_name("middle", 1)
    'audit_middle_1'
    """
    return f"audit_{probe}_{place}"


@singledispatch
def draw(picture: Picture) -> Figure:
    """Draw a picture of the audit.

    Raises
    ------
    TypeError
        If it is one that the page writes itself.
    """
    raise TypeError(f"expected {Drawn}, found {type(picture).__name__}")


@draw.register
@styled
def _bars(picture: Bars) -> Figure:
    """Points with whiskers on one axis; the words stand above each, where they have room on a phone."""
    figure, axes = new_figure(4.0, 0.95 + BAR_INCH * max(len(picture.bars), 1))
    counts = {bar.n for bar in picture.bars}
    for row, bar in enumerate(picture.bars):
        _bar(axes, row, bar, _figure(bar, picture.scale, n=len(counts) > 1))
    known = [number for bar in picture.bars for number in (bar.value, bar.low, bar.high)]
    axis = [picture.axis, *([f"n{THIN}={THIN}{count(*counts)}"] if len(counts) == 1 else [])]
    if picture.reference is not None and math.isfinite(picture.reference):
        axes.axvline(picture.reference, linestyle=":", color=QUIET, linewidth=1.2, zorder=0)
        axis.append(f"dotted line: {scaled(picture.scale, picture.reference)}")
        known.append(picture.reference)
    _span(axes, known)
    axes.set(ylim=(len(picture.bars) - 0.5, -0.8), yticks=[])
    axes.spines["left"].set_visible(False)
    _label(axes, picture.title, "; ".join(axis))
    _ticks(axes.xaxis, picture.scale)
    return figure


def _label(axes: Axes, title: str, x: str, y: str = "") -> None:
    """Write the axes' words, in as many lines as they need."""
    axes.set_title(_wrapped(title, TITLE))
    axes.set(xlabel=_wrapped(x, LEGEND), ylabel=_wrapped(y, TITLE))


def _wrapped(text: str, length: int) -> str:
    return "\n".join(wrap(shorten(text, 2 * length), length))


def _bar(axes: Axes, row: int, bar: Bar, figure: str) -> None:
    where: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "bottom", "fontsize": 8.5}
    where["bbox"] = {
        "facecolor": "white",
        "linewidth": 0,
        "pad": 0.6,
    }  # a line of reference stays behind words
    colour = COLOURS[0]
    axes.plot([bar.low, bar.high], [row, row], color=colour, linewidth=4, alpha=0.35, solid_capstyle="round")
    axes.plot([bar.value], [row], "o", color=colour, markersize=6.5, clip_on=False)
    axes.text(0, row - 0.22, shorten(bar.label, WIDTH - len(figure)), ha="left", **where)
    axes.text(1, row - 0.22, figure, ha="right", **where)


def _figure(bar: Bar, scale: Scale, *, n: bool) -> str:
    value, estimate = scaled(scale, bar.value), Estimate(bar.value, bar.low, bar.high, bar.n)
    bounds = scaled_interval(scale, estimate)
    shown = value if bounds == MISSING else f"{value} ({bounds})"
    return f"{shown}, n{THIN}={THIN}{count(bar.n)}" if n else shown


def _span(axes: Axes, numbers: Iterable[float]) -> None:
    """Show all numbers, with a little air."""
    known = [number for number in numbers if math.isfinite(number)] or [0.0, 1.0]
    low, high = min(known), max(known)
    air = 0.04 * (high - low) or 0.05
    axes.set_xlim(low - air, high + air)


def _ticks(axis: Axis, scale: Scale) -> None:
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    if scale is Scale.SHARE:
        axis.set_major_formatter(FuncFormatter(lambda number, _: f"{100 * number:.3g}{THIN}%"))


@draw.register
@styled
def _distribution(picture: Distribution) -> Figure:
    """Histograms over one another; marks are lines that the legend names, so that no words collide."""
    figure, axes = new_figure(4.0, 3.5 + 0.2 * (len(picture.values) + len(picture.marks)))
    groups = {name: _finite(values) for name, values in picture.values.items()}
    edges = _edges(np.concatenate([np.empty(0), *groups.values()]))
    for place, (name, values) in enumerate(groups.items()):
        colour, line = COLOURS[place % len(COLOURS)], LINES[place % len(LINES)]
        label = f"{shorten(name, LEGEND - 8)} (n{THIN}={THIN}{count(len(values))})"
        axes.hist(values, list(edges), color=colour, alpha=0.25)
        axes.hist(
            values, list(edges), color=colour, histtype="step", linestyle=line, linewidth=1.5, label=label
        )
    for place, (name, value) in enumerate(picture.marks.items()):
        label = f"{shorten(name, LEGEND - 10)}: {scaled(picture.scale, value)}"
        axes.axvline(value, color=INK, linestyle=LINES[place % len(LINES)], linewidth=1.6, label=label)
    _span(axes, [*edges, *picture.marks.values()])
    _label(axes, picture.title, picture.axis, "How often")
    _ticks(axes.xaxis, picture.scale)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower left")
    return figure


def _finite(values: Iterable[float]) -> Floats:
    return np.asarray([value for value in values if math.isfinite(value)], float)


def _edges(values: Floats) -> Floats:
    """Bins for all groups alike: few, since shares of a small test set take few values."""
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = values.min(), values.max()
    if low == high:
        return np.array([low - 0.005, high + 0.005])
    bins = min(len(np.histogram_bin_edges(values, "sturges")) - 1, MOST_BINS)
    return np.linspace(low, high, bins + 1)


@draw.register
@styled
def _curves(picture: Curves) -> Figure:
    """Lines, with their points where these are few."""
    figure, axes = new_figure(4.0, 3.7 + 0.2 * (len(picture.lines) + picture.diagonal))
    if picture.diagonal:
        axes.axline((0, 0), slope=1, linestyle=":", color=QUIET, linewidth=1.2, label="where both are equal")
    for place, (name, points) in enumerate(picture.lines.items()):
        x, y = np.asarray(points, float).reshape(-1, 2).T
        look: dict[str, Any] = {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": LINES[place % len(LINES)],
            "marker": MARKERS[place % len(MARKERS)] if len(x) <= FEW_POINTS else "",
            "markersize": 5,
        }
        axes.plot(x, y, label=shorten(name, LEGEND), **look)
    if picture.diagonal:
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    _label(axes, picture.title, picture.x_axis, picture.y_axis)
    axes.grid()
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower left")
    return figure
