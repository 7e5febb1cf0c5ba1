"""The figures of the audit: performance after ablation as a chart on the page, and each probe's pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import singledispatch
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from hilum.auditing import (
    CHANCE,
    Asked,
    Audit,
    Bar,
    Bars,
    Curves,
    Distribution,
    Example,
    Examples,
    Picture,
    Rating,
    Scale,
)
from hilum.metrics import Estimate
from hilum.report import text as fmt
from hilum.report.content import Pixels
from hilum.report.gallery import data_uri, jpeg
from hilum.report.style import COLOURS, INK, LINES, MARKERS, QUIET, new_figure, shorten
from hilum.report.text import MISSING, THIN, count, scaled, scaled_interval

__all__ = [
    "ABLATION_CAPTION",
    "ABLATION_TITLE",
    "Chart",
    "Drawn",
    "Line",
    "ablation_bars",
    "ablation_chart",
    "draw_picture",
    "drawn_pictures",
    "file_name",
    "is_whole",
    "strips",
]

ABLATION_TITLE = "Performance after ablation"
ABLATION_CAPTION = (
    f"AUC: 1 is perfect, 0.5 (dashed) is chance level; the pale bar is the 95{THIN}% CI. For each line a"
    " probe model was trained on the named part of the data alone, and tested on other patients in five-fold"
    " cross-validation. If a part without lungs reaches nearly the AUC of the whole image, the labels of"
    " these data can be predicted without the lungs."
)
THUMBNAIL_PX = 112

_WHOLE = "whole image"


@dataclass(frozen=True)
class Line:
    """An AUC as text, and the positions of its dot and interval, in percent of the axis.

    `rating` is None for the whole image; `thumbnail` is empty where there is no image to show.
    """

    title: str
    value: str
    interval: str
    n: str
    at: float
    low: float
    width: float
    note: str = ""
    rating: Rating | None = None
    thumbnail: str = ""


@dataclass(frozen=True)
class Chart:
    """Lines on one axis, its ticks with their positions in percent, and n if all lines share it."""

    lines: tuple[Line, ...]
    ticks: tuple[tuple[str, float], ...]
    chance: float
    n: str


def ablation_bars(audit: Audit) -> Bars | None:
    """AUC of the whole image and after each ablation; None if no probe with a caption has an AUC."""
    shown = _ablations(audit)
    if not shown:
        return None
    bars = [Bar.of(asked.caption, asked.answer.figure) for asked in shown.values()]
    whole = next((bar for asked in shown.values() for bar in _whole_bars(asked)), None)
    first = [] if whole is None else [replace(whole, label=_WHOLE)]
    return Bars(ABLATION_TITLE, "AUC", (*first, *bars), CHANCE)


def _ablations(audit: Audit) -> dict[str, Asked]:
    return {
        name: asked
        for name, asked in audit.asked.items()
        if asked.caption and asked.answer.scale is Scale.AREA and math.isfinite(asked.answer.figure.value)
    }


def _whole_bars(asked: Asked) -> Iterator[Bar]:
    for picture in asked.answer.pictures:
        if isinstance(picture, Bars) and picture.scale is Scale.AREA:
            yield from filter(is_whole, picture.bars)


def is_whole(bar: Bar) -> bool:
    """Whether a bar shows the result of the unchanged image, which probes add for comparison."""
    return bar.label.lower().startswith("whole")


def ablation_chart(audit: Audit, examples: Mapping[Example, Pixels]) -> Chart | None:
    """Lay out `ablation_bars` as lines, each with a thumbnail of what the probe model was given."""
    bars = ablation_bars(audit)
    if bars is None:
        return None
    chart, shown = strips(bars), _ablations(audit)
    whole, *thumbnails = _thumbnails(shown, examples)
    lines = [
        replace(line, note=asked.note, rating=asked.answer.rating, thumbnail=thumbnail)
        for line, asked, thumbnail in zip(chart.lines[-len(shown) :], shown.values(), thumbnails, strict=True)
    ]
    first = [replace(line, note="unchanged", thumbnail=whole) for line in chart.lines[: -len(shown)]]
    return replace(chart, lines=(*first, *lines))


def _thumbnails(shown: Mapping[str, Asked], examples: Mapping[Example, Pixels]) -> list[str]:
    """First unchanged example, then each probe's first changed example; empty where there is none."""
    known = {name: [one for one in _examples(asked) if one in examples] for name, asked in shown.items()}
    whole = next((one for some in known.values() for one in some if not one.ablation), None)
    first = [next((one for one in some if one.ablation), None) for some in known.values()]
    return [
        "" if one is None else data_uri("image/jpeg", jpeg(examples[one], THUMBNAIL_PX))
        for one in (whole, *first)
    ]


def _examples(asked: Asked) -> Iterator[Example]:
    for picture in asked.answer.pictures:
        if isinstance(picture, Examples):
            yield from (one for row in picture.rows for one in row if not one.lungs_of)


def strips(bars: Bars) -> Chart:
    """Lay out bars of AUCs as lines of text with a strip each."""
    lows = [number for bar in bars.bars for number in (bar.value, bar.low) if math.isfinite(number)]
    first = min(4, math.floor(10 * min(lows)))  # tenths

    def place(area: float) -> float:
        return 100 * (area - first / 10) / (1 - first / 10)

    def line(bar: Bar) -> Line:
        low, high = (bar.low, bar.high) if math.isfinite(bar.low) else (bar.value, bar.value)
        return Line(
            title=bar.label,
            value=scaled(bars.scale, bar.value),
            interval=scaled_interval(bars.scale, _estimate(bar)),
            n=f"n{THIN}={THIN}{count(bar.n)}",
            at=place(bar.value),
            low=place(low),
            width=place(high) - place(low),
        )

    counts = {bar.n for bar in bars.bars}
    return Chart(
        tuple(map(line, bars.bars)),
        tuple((f"{tenth / 10:.1f}", place(tenth / 10)) for tenth in range(first, 11)),
        place(CHANCE),
        f"n = {fmt.plural(counts.pop(), 'image')}" if len(counts) == 1 else "",
    )


def _estimate(bar: Bar) -> Estimate:
    return Estimate(bar.value, bar.low, bar.high, bar.n)


Drawn = Bars | Distribution | Curves
"""Pictures that become image files; the others are part of the page."""

Floats = NDArray[np.float64]

BAR_INCH = 0.47
LABEL_LENGTH = 57  # characters of a bar's label and value that fit side by side
TITLE_LENGTH = 37
LEGEND_LENGTH = 46
FEW_POINTS = 15
MOST_BINS = 20


def drawn_pictures(audit: Audit | None) -> Iterator[tuple[str, Drawn]]:
    """Yield file name (without suffix) and picture: performance after ablation, then each probe's."""
    if audit is None:
        return
    bars = ablation_bars(audit)
    if bars is not None:
        yield "audit", bars
    for name, answer in audit.answers.items():
        for place, picture in enumerate(answer.pictures, start=1):
            if isinstance(picture, Drawn):
                yield file_name(name, place), picture


def file_name(probe: str, place: int) -> str:
    """Name of the file of a probe's picture, without suffix.

    >>> file_name("border", 1)
    'audit_border_1'
    """
    return f"audit_{probe}_{place}"


@singledispatch
def draw_picture(picture: Picture) -> Figure:
    """Draw a picture of the audit.

    Raises
    ------
    TypeError
        If the picture is not one of `Drawn`.
    """
    raise TypeError(f"expected {Drawn}, found {type(picture).__name__}")


@draw_picture.register
def _bars(picture: Bars) -> Figure:
    """Points with intervals on one axis; labels stand above the points, where they have room on a phone."""
    figure, axes = new_figure(4.0, 0.95 + BAR_INCH * max(len(picture.bars), 1))
    counts = {bar.n for bar in picture.bars}
    for row, bar in enumerate(picture.bars):
        _bar(axes, row, bar, _written(bar, picture.scale, n=len(counts) > 1))
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


def _bar(axes: Axes, row: int, bar: Bar, written: str) -> None:
    white = {"facecolor": "white", "linewidth": 0, "pad": 0.6}  # the line of reference stays behind the text
    look: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "bottom", "fontsize": 8.5}
    colour = COLOURS[0]
    axes.plot([bar.low, bar.high], [row, row], color=colour, linewidth=4, alpha=0.35, solid_capstyle="round")
    axes.plot([bar.value], [row], "o", color=colour, markersize=6.5, clip_on=False)
    axes.text(0, row - 0.22, shorten(bar.label, LABEL_LENGTH - len(written)), ha="left", bbox=white, **look)
    axes.text(1, row - 0.22, written, ha="right", bbox=white, **look)


def _written(bar: Bar, scale: Scale, *, n: bool) -> str:
    shown, bounds = scaled(scale, bar.value), scaled_interval(scale, _estimate(bar))
    if bounds != MISSING:
        shown = f"{shown} ({bounds})"
    return f"{shown}, n{THIN}={THIN}{count(bar.n)}" if n else shown


@draw_picture.register
def _distribution(picture: Distribution) -> Figure:
    """Overlaid histograms; marks are lines that the legend names, so that no labels collide."""
    figure, axes = new_figure(4.0, 3.5 + 0.2 * (len(picture.values) + len(picture.marks)))
    groups = {name: _finite(values) for name, values in picture.values.items()}
    edges = _edges(np.concatenate([np.empty(0), *groups.values()]))
    for place, (name, values) in enumerate(groups.items()):
        look: dict[str, Any] = {"color": COLOURS[place % len(COLOURS)], "bins": list(edges)}
        label = f"{shorten(name, LEGEND_LENGTH - 8)} (n{THIN}={THIN}{count(len(values))})"
        axes.hist(values, alpha=0.25, **look)
        line = LINES[place % len(LINES)]
        axes.hist(values, histtype="step", linestyle=line, linewidth=1.5, label=label, **look)
    for place, (name, value) in enumerate(picture.marks.items()):
        label = f"{shorten(name, LEGEND_LENGTH - 10)}: {scaled(picture.scale, value)}"
        axes.axvline(value, color=INK, linestyle=LINES[place % len(LINES)], linewidth=1.6, label=label)
    _span(axes, [*edges, *picture.marks.values()])
    _label(axes, picture.title, picture.axis, "Frequency")
    _ticks(axes.xaxis, picture.scale)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    _legend(figure, axes)
    return figure


def _finite(values: Iterable[float]) -> Floats:
    return np.asarray([value for value in values if math.isfinite(value)], float)


def _edges(values: Floats) -> Floats:
    """Common bins of all groups; few, because proportions of a small test set take few values."""
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = values.min(), values.max()
    if low == high:
        return np.array([low - 0.005, high + 0.005])
    bins = min(len(np.histogram_bin_edges(values, "sturges")) - 1, MOST_BINS)
    return np.linspace(low, high, bins + 1)


@draw_picture.register
def _curves(picture: Curves) -> Figure:
    """Lines, with markers where there are few points."""
    figure, axes = new_figure(4.0, 3.7 + 0.2 * (len(picture.lines) + picture.diagonal))
    if picture.diagonal:
        axes.axline((0, 0), slope=1, linestyle=":", color=QUIET, linewidth=1.2, label="identity")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    for place, (name, points) in enumerate(picture.lines.items()):
        x, y = np.asarray(points, float).reshape(-1, 2).T
        look: dict[str, Any] = {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": LINES[place % len(LINES)],
            "marker": MARKERS[place % len(MARKERS)] if len(x) <= FEW_POINTS else "",
            "markersize": 5,
        }
        axes.plot(x, y, label=shorten(name, LEGEND_LENGTH), **look)
    _label(axes, picture.title, picture.x_axis, picture.y_axis)
    axes.grid()
    _legend(figure, axes)
    return figure


def _span(axes: Axes, numbers: Iterable[float]) -> None:
    known = _finite(numbers)
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    margin = 0.04 * (high - low) or 0.05
    axes.set_xlim(low - margin, high + margin)


def _ticks(axis: Axis, scale: Scale) -> None:
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    if scale is Scale.SHARE:
        axis.set_major_formatter(FuncFormatter(lambda number, _: f"{100 * number:.3g}{THIN}%"))


def _label(axes: Axes, title: str, x: str, y: str = "") -> None:
    """Set title and axis labels, in as many lines as they need."""
    axes.set_title(_wrapped(title, TITLE_LENGTH))
    axes.set(xlabel=_wrapped(fmt.capital(x), LEGEND_LENGTH), ylabel=_wrapped(fmt.capital(y), TITLE_LENGTH))


def _wrapped(text: str, length: int) -> str:
    return "\n".join(wrap(shorten(text, 2 * length), length))


def _legend(figure: Figure, axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower left")
