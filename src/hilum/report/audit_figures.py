"""What the audit's probes would show: figures with intervals side by side, histograms, lines."""

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
from hilum.report.gallery import Pixels, data_uri, jpeg
from hilum.report.style import COLOURS, INK, LINES, MARKERS, QUIET, new_figure, shorten, styled
from hilum.report.text import MISSING, THIN, count, scaled, scaled_interval

__all__ = [
    "CAPTION",
    "REMAINS_TITLE",
    "Chart",
    "Drawn",
    "Line",
    "chart",
    "draw",
    "drawn",
    "file_name",
    "is_whole",
    "remains",
    "strips",
]


REMAINS_TITLE = "What is left of the result when …"
CAPTION = (
    "AUC tells how surely the classes are told apart: 1 is perfect, 0.5 (dashed) is guessing. The pale bar is"
    f" its 95{fmt.THIN}% interval. In each line a classifier learned from nothing else, and was tested on"
    " patients whom it had not seen. What comes near the whole image without lungs shows that this result"
    " needs no lungs."
)
FILM_PX = 112

_WHOLE = "the whole image is there"
_TAKEN = {
    "middle": ("the middle is blacked out", "hardly any lung to see"),
    "frame": ("only the rim is left", "no lung at all"),
    "thumbnail": ("only 8 × 8 dots are left", "64 grey squares"),
    "histogram": ("only the brightness is left", "how much is bright or dark, no shape"),
    "header": ("only the file's facts are left", "its size, format, bytes; not one pixel"),
    "source": ("only the source is left", "where the image comes from; no image"),
}
"""Probes that take something away, in the chart's order: what is left, and what that means."""


@dataclass(frozen=True)
class Line:
    """What is left, its AUC, and where the dot and its interval lie, in percent of the axis.

    Of the whole image `rating` is None; where there is no image to show `film` is empty.
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
    film: str = ""


@dataclass(frozen=True)
class Chart:
    """All lines, the whole image first, and the axis's numbers with their places in percent.

    `n` is told once where it is the same for all; empty otherwise.
    """

    lines: tuple[Line, ...]
    marks: tuple[tuple[str, float], ...]
    chance: float
    n: str


def remains(audit: Audit) -> Bars | None:
    """Gather the AUC of the whole image and of what is left of it; None if no probe took anything away."""
    bars = [
        Bar.of(_TAKEN[name][0], answer.figure)
        for name in _TAKEN
        if (answer := audit.answers.get(name))
        and answer.scale is Scale.AREA
        and math.isfinite(answer.figure.value)
    ]
    whole = _whole(audit) if bars else None
    if not bars:
        return None
    return Bars(REMAINS_TITLE, "AUC", (*([whole] if whole else []), *bars), CHANCE)


def _whole(audit: Audit) -> Bar | None:
    """Find the whole image's AUC on the same folds, as the first of these probes shows it."""
    shown = (
        bar
        for name in _TAKEN
        if name in audit.answers
        for picture in audit.answers[name].pictures
        if isinstance(picture, Bars) and picture.scale is Scale.AREA
        for bar in picture.bars
        if is_whole(bar)
    )
    bar = next(shown, None)
    return None if bar is None else replace(bar, label=_WHOLE)


def is_whole(bar: Bar) -> bool:
    """Whether a probe shows the whole image by this bar."""
    return bar.label.lower().startswith("whole")


def chart(audit: Audit, examples: Mapping[Example, Pixels]) -> Chart | None:
    """Lay out what is left.

    Parameters
    ----------
    audit : Audit
    examples : mapping of Example to ndarray of uint8
        Pixels for the small pictures.
    """
    bars = remains(audit)
    if bars is None:
        return None
    films = _films(audit, examples)
    probes = {title: (name, note) for name, (title, note) in _TAKEN.items()}
    shown = strips(bars)
    lines = []
    for line in shown.lines:
        name, note = probes.get(line.title, ("", "nothing taken away"))
        rating = audit.answers[name].rating if name else None
        lines.append(replace(line, note=note, rating=rating, film=films.get(name, "")))
    return replace(shown, lines=tuple(lines))


def strips(bars: Bars) -> Chart:
    """Lay bars out as lines of text with a strip each."""
    axis = _Axis.of(bars.bars)
    counts = {bar.n for bar in bars.bars}
    marks = tuple((f"{tenth / 10:.1f}", axis.place(tenth / 10)) for tenth in range(axis.start, 11))
    return Chart(
        tuple(_line(bar, bars.scale, axis) for bar in bars.bars),
        marks,
        axis.place(CHANCE),
        f"n = {fmt.plural(counts.pop(), 'image')}" if len(counts) == 1 else "",
    )


@dataclass(frozen=True)
class _Axis:
    """From `start` tenths to 1."""

    start: int

    @classmethod
    def of(cls, bars: Iterable[Bar]) -> _Axis:
        lows = [number for bar in bars for number in (bar.value, bar.low) if math.isfinite(number)]
        return cls(min(4, math.floor(10 * min(lows))))

    def place(self, area: float) -> float:
        start = self.start / 10
        return 100 * (area - start) / (1 - start)


def _line(bar: Bar, scale: Scale, axis: _Axis) -> Line:
    estimate = Estimate(bar.value, bar.low, bar.high, bar.n)
    low, high = (bar.low, bar.high) if math.isfinite(bar.low) else (bar.value, bar.value)
    return Line(
        title=bar.label,
        value=fmt.scaled(scale, bar.value),
        interval=fmt.scaled_interval(scale, estimate),
        n=f"n{fmt.THIN}={fmt.THIN}{fmt.count(bar.n)}",
        at=axis.place(bar.value),
        low=axis.place(low),
        width=axis.place(high) - axis.place(low),
    )


def _films(audit: Audit, examples: Mapping[Example, Pixels]) -> dict[str, str]:
    """For each alteration the first example that has pixels; the unaltered under the empty name."""
    found: dict[str, str] = {}
    for name in ("middle", *_TAKEN):
        for picture in audit.answers[name].pictures if name in audit.answers else ():
            for row in picture.rows if isinstance(picture, Examples) else ():
                for one in row:
                    if one.ablation not in found and not one.lungs_of and one in examples:
                        found[one.ablation] = data_uri("image/jpeg", jpeg(examples[one], FILM_PX))
    return found


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
