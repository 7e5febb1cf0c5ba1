"""What every threshold would give: ROC and precision against recall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hilum.evaluate import PrCurve, RocCurve
from hilum.report.format import interval, share, value
from hilum.report.style import COLOURS, INK, LINES, QUIET, new_figure, shorten, styled

__all__ = ["Point", "draw_pr", "draw_roc"]

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
