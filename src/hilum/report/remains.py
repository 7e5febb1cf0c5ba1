"""What is left of the result when something is taken away: the audit on one chart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from hilum.audit import CHANCE, Audit, Bar, Bars, Example, Examples, Reading, Scale
from hilum.evaluate import Estimate
from hilum.report import format as fmt
from hilum.report.gallery import Pixels, data_uri, jpeg

__all__ = ["CAPTION", "TITLE", "Chart", "Line", "chart", "is_whole", "remains", "strips"]

TITLE = "What is left of the result when …"
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

    Of the whole image `reading` is None; where there is no image to show `film` is empty.
    """

    title: str
    value: str
    interval: str
    n: str
    at: float
    low: float
    width: float
    note: str = ""
    reading: Reading | None = None
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
    return Bars(TITLE, "AUC", (*([whole] if whole else []), *bars), CHANCE)


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
        reading = audit.answers[name].reading if name else None
        lines.append(replace(line, note=note, reading=reading, film=films.get(name, "")))
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
                    if one.alteration not in found and not one.middle_of and one in examples:
                        found[one.alteration] = data_uri("image/jpeg", jpeg(examples[one], FILM_PX))
    return found
