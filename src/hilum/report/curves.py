"""What every threshold would give: ROC and precision against recall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from hilum.metrics import (
    SCREENING_PREVALENCE,
    Calibration,
    DecisionCurve,
    Estimate,
    PrCurve,
    PrevalenceCurve,
    RocCurve,
)
from hilum.report.style import COLOURS, INK, LINES, MARKERS, QUIET, new_figure, shorten, styled
from hilum.report.text import THIN, interval, share, value

__all__ = ["Point", "draw_decision", "draw_pr", "draw_prevalence", "draw_reliability", "draw_roc"]


C = TypeVar("C", RocCurve, PrCurve)

Point = tuple[float, float]
"""Where the threshold in use lies: (sensitivity, specificity) or (sensitivity, PPV), in [0, 1]."""


@styled
def draw_roc(curves: Mapping[str, RocCurve], at: Point | None = None) -> Figure:
    """ROC of each class against the rest, with its area, interval and the line of chance.

    Parameters
    ----------
    curves : mapping of str to RocCurve
    at : (float, float), optional
        Sensitivity and specificity at the threshold in use.
    """
    figure, axes = _canvas(entries=len(curves) + 2)
    axes.plot([0, 1], [0, 1], ":", color=QUIET, linewidth=1.2, label="chance")
    for (name, curve), colour, line in _looks(curves):
        label = f"{name}: AUC {value('roc_auc', curve.auc.value)} ({interval('roc_auc', curve.auc)})"
        axes.plot(curve.false_positive_rate, curve.true_positive_rate, line, color=colour, label=label)
    if at is not None:
        _mark(axes, 1 - at[1], at[0])
    axes.set_title("ROC curve")
    _frame(axes, "False positive rate (1 − specificity)", "Sensitivity (true positive rate)")
    return figure


@styled
def draw_pr(curves: Mapping[str, PrCurve], at: Point | None = None) -> Figure:
    """Precision against recall of each class, with its area, interval and the share of positives.

    Parameters
    ----------
    curves : mapping of str to PrCurve
    at : (float, float), optional
        Sensitivity (recall) and PPV (precision) at the threshold in use.
    """
    figure, axes = _canvas(entries=2 * len(curves) + 1)
    for (name, curve), colour, line in _looks(curves):
        area = curve.average_precision
        label = f"{name}: AP {value('pr_auc', area.value)} ({interval('pr_auc', area)})"
        axes.plot(curve.recall, curve.precision, line, color=colour, label=label, drawstyle="steps-pre")
        chance = f"chance: {share(curve.prevalence)} are {name}"
        axes.axhline(curve.prevalence, linestyle=":", color=colour, linewidth=1.2, label=chance)
    if at is not None:
        _mark(axes, at[0], at[1])
    axes.set_title("Precision and recall")
    _frame(axes, "Recall (sensitivity)", "Precision (PPV)")
    return figure


def _canvas(entries: int) -> tuple[Figure, Axes]:
    """A nearly square frame above a legend of so many lines."""
    return new_figure(4.0, 4.1 + 0.18 * entries)


def _looks(curves: Mapping[str, C]) -> Iterator[tuple[tuple[str, C], str, str]]:
    drawn = ((name, curve) for name, curve in curves.items() if len(curve.thresholds))
    for position, (name, curve) in enumerate(drawn):
        yield (shorten(name), curve), COLOURS[position % len(COLOURS)], LINES[position % len(LINES)]


def _mark(axes: Axes, x: float, y: float) -> None:
    if x == x and y == y:  # noqa: PLR0124  not where undefined
        look: dict[str, Any] = {
            "color": "white",
            "markeredgecolor": INK,
            "markersize": 7,
            "markeredgewidth": 1.6,
        }
        axes.plot([x], [y], "o", label="threshold in use", zorder=5, clip_on=False, **look)


def _frame(axes: Axes, x: str, y: str) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), xlabel=x, ylabel=y)
    axes.grid()
    axes.figure.legend(loc="outside lower left")


_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_PERCENT = FuncFormatter(lambda part, _: f"{100 * part:g}{THIN}%")


@styled
def draw_prevalence(curve: PrevalenceCurve) -> Figure:
    """PPV and NPV over prevalence, with their intervals, and where 2 % and the cohort itself lie.

    Parameters
    ----------
    curve : PrevalenceCurve
        With points.
    """
    figure, axes = new_figure(4.0, 4.1)
    at = [point.prevalence for point in curve.points]
    figures = {
        "PPV: alarms that are true": [point.ppv for point in curve.points],
        "NPV: all-clears that are true": [point.npv for point in curve.points],
    }
    for place, (label, estimates) in enumerate(figures.items()):
        _band(axes, at, estimates, label, place)
    axes.axvline(SCREENING_PREVALENCE, color=QUIET, linewidth=1.2, label=f"2{THIN}% prevalence")
    own = f"these test images: {share(curve.cohort)}"
    axes.axvline(curve.cohort, color=QUIET, linewidth=1.2, linestyle=":", label=own)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in _TICKS if at[0] <= tick <= 1.2 * at[-1]]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda part, _: f"{100 * part:g}"))
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.set(title="Worth of an alarm", xlabel="Prevalence in %", ylabel="Share that is right")
    axes.set(xlim=(at[0], at[-1]), ylim=(-0.01, 1.02))
    _finish(figure, axes)
    return figure


@styled
def draw_decision(curve: DecisionCurve) -> Figure:
    """Net benefit of the classifier, with its interval, beside treating everyone and no one.

    Parameters
    ----------
    curve : DecisionCurve
    """
    figure, axes = new_figure(4.0, 4.1)
    _band(axes, curve.thresholds, curve.model, "follow the classifier", 0)
    everyone = [estimate.value for estimate in curve.treat_all]
    axes.plot(curve.thresholds, everyone, LINES[1], color=COLOURS[1], label="treat everyone")
    axes.axhline(0, linestyle=":", color=QUIET, linewidth=1.2, label="treat no one")
    top = max(1e-3, *(estimate.value for estimate in (*curve.model, *curve.treat_all)))
    axes.set(title="Decision curve", ylabel="Net benefit per image", xlabel="Threshold probability")
    axes.set(xlim=(0, 1), ylim=(-0.25 * top, 1.25 * top))
    axes.xaxis.set_major_formatter(_PERCENT)
    _finish(figure, axes)
    return figure


@styled
def draw_reliability(calibrations: Mapping[str, Calibration]) -> Figure:
    """Share observed over probability given, bin by bin with Wilson's interval, and where both agree.

    Parameters
    ----------
    calibrations : mapping of str to Calibration
        By class.
    """
    figure, axes = new_figure(4.0, 4.0 + 0.18 * len(calibrations))
    axes.plot([0, 1], [0, 1], ":", color=QUIET, linewidth=1.2, label="says what is true")
    for place, (name, calibration) in enumerate(calibrations.items()):
        observed, low, high = _arrays([one.observed for one in calibration.bins])
        axes.errorbar(
            [one.predicted for one in calibration.bins],
            observed,
            yerr=np.stack([observed - low, high - observed]),
            color=COLOURS[place % len(COLOURS)],
            linestyle=LINES[place % len(LINES)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=5,
            elinewidth=1,
            capsize=2,
            label=shorten(name, 30),
        )
    axes.set(title="Reliability", xlabel="Probability that the classifier gives")
    axes.set_ylabel("Share that is of the class")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    _finish(figure, axes)
    return figure


def _band(axes: Axes, at: Sequence[float], estimates: Sequence[Estimate], label: str, place: int) -> None:
    """A line of values within the band of their intervals."""
    value, low, high = _arrays(estimates)
    axes.fill_between(at, low, high, color=COLOURS[place], alpha=0.18, linewidth=0)
    axes.plot(at, value, LINES[place], color=COLOURS[place], label=label)


def _arrays(estimates: Sequence[Estimate]) -> NDArray[np.float64]:
    """Values, lower and upper bounds, (3, n)."""
    return np.array([(one.value, one.low, one.high) for one in estimates]).reshape(-1, 3).T


def _finish(figure: Figure, axes: Axes) -> None:
    axes.grid()
    figure.legend(loc="outside lower left")
