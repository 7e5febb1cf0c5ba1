"""The figures of the cohort, of training and of performance; `FIGURES` lists them in the page's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from hilum.metrics import (
    SCREENING_PREVALENCE,
    Calibration,
    ConfusionMatrix,
    DecisionCurve,
    Estimate,
    PrCurve,
    PrevalenceCurve,
    RocCurve,
)
from hilum.report.content import Content
from hilum.report.style import COLOURS, INK, LINES, MARKERS, QUIET, new_figure, shorten
from hilum.report.text import THIN, count, interval, share, value

__all__ = ["FIGURES", "FigureSpec", "Section", "figures_of"]

C = TypeVar("C", RocCurve, PrCurve)

PERCENT = FuncFormatter(lambda part, _: f"{100 * part:g}{THIN}%")
_PREVALENCES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def draw_cohort(cohort: pd.DataFrame, classes: Sequence[str]) -> Figure:
    """Number of images per label (row, in the order of `classes`) and source (column)."""
    table = pd.crosstab(cohort["label"], cohort["source"]).reindex(list(classes), fill_value=0)
    figure, axes = new_figure(4.0, max(3.8, 1.5 + 0.4 * len(table)))
    numbers = table.to_numpy()
    axes.imshow(np.sqrt(numbers), cmap="Blues", vmin=0, vmax=1.5 * np.sqrt(numbers.max()), aspect="auto")
    for (row, column), number in np.ndenumerate(numbers):
        axes.text(column, row, count(number), ha="center", va="center", color=INK)
    _name_cells(axes, [str(name) for name in table.columns], [shorten(str(name), 16) for name in table.index])
    axes.set(title="Images per label and source", xlabel="Source", ylabel="Label")
    return figure


def draw_sizes(cohort: pd.DataFrame) -> Figure:
    """Width against height of every image whose ``rows`` and ``columns`` are known, by source."""
    figure, axes = new_figure(4.0, 3.8)
    known = cohort.dropna(subset=["rows", "columns"]).astype({"rows": float, "columns": float})
    for place, (source, images) in enumerate(known.groupby("source", sort=True)):
        axes.scatter(
            images["columns"],
            images["rows"],
            s=22,
            marker=MARKERS[place % len(MARKERS)],
            color=COLOURS[place % len(COLOURS)],
            alpha=0.55,
            linewidths=0,
            label=f"{shorten(str(source))} (n{THIN}={THIN}{count(len(images))})",
        )
    axes.set(
        title="Image sizes", xlabel="Width (pixels)", ylabel="Height (pixels)", xscale="log", yscale="log"
    )
    for axis, sides in ((axes.xaxis, known["columns"]), (axes.yaxis, known["rows"])):
        narrow = sides.max() < 3 * sides.min()
        axis.set_major_locator(MaxNLocator(4, integer=True) if narrow else LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda pixels, _: count(pixels)))
        axis.set_minor_locator(NullLocator())
    axes.grid()
    short = known["source"].str.len().max() <= 12
    figure.legend(loc="outside lower left", ncols=2 if short else 1)
    return figure


def draw_confusion_shares(confusion: ConfusionMatrix) -> Figure:
    """Confusion matrix in green, each cell with its count and its share of all images, as in the tutorial."""
    texts = [
        [f"{count(number)}\n{share(part)}" for number, part in zip(numbers, parts, strict=True)]
        for numbers, parts in zip(confusion.counts, confusion.shares, strict=True)
    ]
    names = [shorten(name, 14) for name in confusion.classes]
    title = f"Confusion matrix, n{THIN}={THIN}{count(confusion.n)}"
    return _matrix(confusion, confusion.shares, texts, names, "Greens", title)


def draw_confusion(confusion: ConfusionMatrix) -> Figure:
    """Confusion matrix of counts, each row with its sum."""
    texts = [[count(number) for number in row] for row in confusion.counts]
    sums = confusion.counts.sum(axis=1)
    names = [
        f"{shorten(name, 14)}\n(n{THIN}={THIN}{count(n)})"
        for name, n in zip(confusion.classes, sums, strict=True)
    ]
    return _matrix(confusion, confusion.counts, texts, names, "Blues", "Confusion matrix, counts")


def _matrix(
    confusion: ConfusionMatrix,
    values: NDArray[Any],
    texts: list[list[str]],
    rows: list[str],
    colours: str,
    title: str,
) -> Figure:
    figure, axes = new_figure(4.0, 3.6)
    top = max(float(values.max()), 1e-9)
    axes.imshow(values, cmap=colours, vmin=0, vmax=1.15 * top)
    size = 15 if len(texts) == 2 else max(6.0, 30 / len(texts))
    for (row, column), number in np.ndenumerate(values):
        look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": size, "linespacing": 1.3}
        axes.text(column, row, texts[row][column], color="white" if number > 0.6 * top else INK, **look)
    _name_cells(axes, confusion.classes, rows)
    edges = np.arange(len(rows) + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="white", linewidth=2.5)
    axes.tick_params(which="minor", length=0)
    axes.set(title=title, xlabel="Predicted class", ylabel="True class")
    return figure


def _name_cells(axes: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    names = [shorten(name, 14) for name in columns]
    tilt = 30 if sum(map(len, names)) > 36 else 0
    alignment: Any = "right" if tilt else "center"
    axes.set_xticks(range(len(names)), names, rotation=tilt, ha=alignment, rotation_mode="anchor")
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def draw_accuracy(history: pd.DataFrame) -> Figure:
    """Accuracy per epoch, of the training and the validation images."""
    figure, axes = _draw_epochs(history, "accuracy")
    axes.set(title="Accuracy per epoch", ylabel="Accuracy")
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_ylim(top=1.004)
    axes.legend(loc="lower right")
    return figure


def draw_loss(history: pd.DataFrame) -> Figure:
    """Cross-entropy per epoch, of the training and the validation images."""
    figure, axes = _draw_epochs(history, "loss")
    axes.set(title="Loss per epoch", ylabel="Cross-entropy (nats)")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")
    return figure


def _draw_epochs(history: pd.DataFrame, quantity: str) -> tuple[Figure, Axes]:
    figure, axes = new_figure()
    folds = list(history.groupby("fold")) if "fold" in history else [(0, history)]
    alpha = 1 if len(folds) == 1 else 0.6
    for place, (name, column) in enumerate({"training": quantity, "validation": f"val_{quantity}"}.items()):
        if history[column].isna().all():
            continue
        for number, (_, rows) in enumerate(folds):
            look: dict[str, Any] = {"color": COLOURS[place], "alpha": alpha}
            axes.plot(rows["epoch"], rows[column], LINES[place], label=None if number else name, **look)
    axes.set_xlabel("Epoch" if len(folds) == 1 else f"Epoch (one line for each of {len(folds)} folds)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.grid(axis="y")
    return figure, axes


def draw_roc(curves: Mapping[str, RocCurve], at: tuple[float, float] | None = None) -> Figure:
    """ROC curve of each class, with its AUC; `at`: sensitivity and specificity at the threshold in use."""
    figure, axes = new_figure(4.0, 4.46 + 0.18 * len(curves))
    axes.plot([0, 1], [0, 1], ":", color=QUIET, linewidth=1.2, label="chance")
    for place, (name, curve) in enumerate(_defined(curves)):
        label = f"{name}: AUC {value('roc_auc', curve.auc.value)} ({interval('roc_auc', curve.auc)})"
        axes.plot(curve.false_positive_rate, curve.true_positive_rate, label=label, **_look(place))
    if at is not None:
        _mark(axes, 1 - at[1], at[0])
    axes.set(title="ROC curve", xlabel="False positive rate (1 − specificity)", ylabel="Sensitivity")
    return _finish(figure, axes)


def draw_pr(curves: Mapping[str, PrCurve], at: tuple[float, float] | None = None) -> Figure:
    """Precision against recall of each class; `at`: recall and precision at the threshold in use."""
    figure, axes = new_figure(4.0, 4.28 + 0.36 * len(curves))
    for place, (name, curve) in enumerate(_defined(curves)):
        area = curve.average_precision
        label = f"{name}: AP {value('pr_auc', area.value)} ({interval('pr_auc', area)})"
        look = _look(place)
        axes.plot(curve.recall, curve.precision, label=label, drawstyle="steps-pre", **look)
        chance = f"chance: {share(curve.prevalence)} are {name}"
        axes.axhline(curve.prevalence, linestyle=":", color=look["color"], linewidth=1.2, label=chance)
    if at is not None:
        _mark(axes, at[0], at[1])
    axes.set(title="Precision–recall curve", xlabel="Recall (sensitivity)", ylabel="Precision (PPV)")
    return _finish(figure, axes)


def _defined(curves: Mapping[str, C]) -> Iterator[tuple[str, C]]:
    return ((shorten(name), curve) for name, curve in curves.items() if len(curve.thresholds))


def _look(place: int) -> dict[str, Any]:
    return {"color": COLOURS[place % len(COLOURS)], "linestyle": LINES[place % len(LINES)]}


def _mark(axes: Axes, x: float, y: float) -> None:
    if np.isfinite([x, y]).all():
        look: dict[str, Any] = {"markersize": 7, "markeredgewidth": 1.6, "zorder": 5, "clip_on": False}
        axes.plot([x], [y], "o", color="white", markeredgecolor=INK, label="threshold in use", **look)


def draw_prevalence(curve: PrevalenceCurve) -> Figure:
    """PPV and NPV against prevalence, with their intervals; `curve` has points."""
    figure, axes = new_figure(4.0, 4.1)
    at = [point.prevalence for point in curve.points]
    _band(axes, at, [point.ppv for point in curve.points], "PPV", 0)
    _band(axes, at, [point.npv for point in curve.points], "NPV", 1)
    screening = f"prevalence of {100 * SCREENING_PREVALENCE:.0f}{THIN}%"
    axes.axvline(SCREENING_PREVALENCE, color=QUIET, linewidth=1.2, label=screening)
    own = f"test images: {share(curve.cohort)}"
    axes.axvline(curve.cohort, color=QUIET, linewidth=1.2, linestyle=":", label=own)
    axes.set_xscale("log")
    ticks = [tick for tick in _PREVALENCES if at[0] <= tick <= 1.2 * at[-1]]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda part, _: f"{100 * part:g}"))
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set(title="Predictive values", xlabel="Prevalence (%, logarithmic)", ylabel="Predictive value")
    return _finish(figure, axes, xlim=(at[0], at[-1]))


def draw_decision(curve: DecisionCurve) -> Figure:
    """Net benefit of the classifier, with its interval, of treating all and of treating none."""
    figure, axes = new_figure(4.0, 4.1)
    _band(axes, curve.thresholds, curve.model, "classifier", 0)
    everyone = [estimate.value for estimate in curve.treat_all]
    axes.plot(curve.thresholds, everyone, label="treat all", **_look(1))
    axes.axhline(0, linestyle=":", color=QUIET, linewidth=1.2, label="treat none")
    tops = [*everyone, *(bound for one in curve.model for bound in (one.value, one.high))]
    top = max(1e-3, *filter(np.isfinite, tops))
    axes.set(title="Decision curve", xlabel="Threshold probability", ylabel="Net benefit per image")
    axes.xaxis.set_major_formatter(PERCENT)
    return _finish(figure, axes, xlim=(0, 1), ylim=(-0.2 * top, 1.05 * top))


def draw_reliability(calibrations: Mapping[str, Calibration]) -> Figure:
    """Observed frequency against predicted probability in bins, with Wilson intervals, for each class."""
    figure, axes = new_figure(4.0, 4.0 + 0.18 * len(calibrations))
    axes.plot([0, 1], [0, 1], ":", color=QUIET, linewidth=1.2, label="perfect calibration")
    for place, (name, calibration) in enumerate(calibrations.items()):
        observed, low, high = _arrays([one.observed for one in calibration.bins])
        axes.errorbar(
            [one.predicted for one in calibration.bins],
            observed,
            yerr=np.stack([observed - low, high - observed]),
            **_look(place),
            marker=MARKERS[place % len(MARKERS)],
            markersize=5,
            elinewidth=1,
            capsize=2,
            label=shorten(name, 30),
        )
    axes.set(title="Reliability diagram", xlabel="Predicted probability", ylabel="Observed frequency")
    return _finish(figure, axes, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


def _band(axes: Axes, at: Sequence[float], estimates: Sequence[Estimate], label: str, place: int) -> None:
    middle, low, high = _arrays(estimates)
    axes.fill_between(at, low, high, color=COLOURS[place], alpha=0.18, linewidth=0)
    axes.plot(at, middle, label=label, **_look(place))


def _arrays(estimates: Sequence[Estimate]) -> NDArray[np.float64]:
    """Values, lower and upper bounds, (3, n)."""
    return np.array([(one.value, one.low, one.high) for one in estimates]).reshape(-1, 3).T


def _finish(
    figure: Figure,
    axes: Axes,
    xlim: tuple[float, float] = (-0.01, 1.01),
    ylim: tuple[float, float] = (-0.01, 1.02),
) -> Figure:
    axes.set(xlim=xlim, ylim=ylim)
    axes.grid()
    figure.legend(loc="outside lower left")
    return figure


class Section(StrEnum):
    """Section of the page that shows a figure."""

    FIGURES = "figures"
    PRACTICE = "practice"


@dataclass(frozen=True)
class FigureSpec:
    """One figure: `name` is that of its file, `applies` says whether there is anything to draw."""

    name: str
    title: str
    caption: str
    applies: Callable[[Content], bool]
    draw: Callable[[Content], Figure]
    section: Section = Section.FIGURES


def _at_threshold(content: Content, other: str) -> tuple[float, float] | None:
    figures = content.metrics["test"]
    if content.threshold is None or "sensitivity" not in figures or other not in figures:
        return None
    return figures["sensitivity"].value, figures[other].value


def _has_sizes(content: Content) -> bool:
    return {"rows", "columns"} <= set(content.cohort) and bool(
        content.cohort[["rows", "columns"]].notna().all(axis=1).any()
    )


def _has_prevalence(content: Content) -> bool:
    return len(content.clinical.prevalence.points) > 0


FIGURES = (
    FigureSpec(
        "confusion",
        "Confusion matrix, shares",
        "Test images by true class (row) and predicted class (column), with their share of all test images."
        " Correct predictions are on the diagonal from the upper left.",
        lambda content: content.confusion.n > 0,
        lambda content: draw_confusion_shares(content.confusion),
    ),
    FigureSpec(
        "confusion_counts",
        "Confusion matrix, counts",
        "The same test images as numbers; n is the number of images of each true class.",
        lambda content: content.confusion.n > 0,
        lambda content: draw_confusion(content.confusion),
    ),
    FigureSpec(
        "roc",
        "ROC curve",
        "Sensitivity and false positive rate on the test images for every possible threshold. The dotted line"
        " is chance level; in brackets the 95 % CI of the AUC.",
        lambda content: any(len(curve.thresholds) for curve in content.roc.values()),
        lambda content: draw_roc(content.roc, _at_threshold(content, "specificity")),
    ),
    FigureSpec(
        "pr",
        "Precision–recall curve",
        "Precision and recall on the test images for every possible threshold. AP: average precision, with"
        " its 95 % CI. The dotted line is chance level, the proportion of positive images.",
        lambda content: any(len(curve.thresholds) for curve in content.pr.values()),
        lambda content: draw_pr(content.pr, _at_threshold(content, "ppv")),
    ),
    FigureSpec(
        "accuracy",
        "Accuracy per epoch",
        "Accuracy after each pass over the training images.",
        lambda content: content.has_epochs,
        lambda content: draw_accuracy(_history(content)),
    ),
    FigureSpec(
        "loss",
        "Loss per epoch",
        "The quantity that training minimises. A validation loss that rises again indicates overfitting.",
        lambda content: content.has_epochs,
        lambda content: draw_loss(_history(content)),
    ),
    FigureSpec(
        "cohort",
        "Images per label and source",
        "If each label comes from its own source, recognising the source is enough to predict the label.",
        lambda content: len(content.cohort) > 0,
        lambda content: draw_cohort(content.cohort, content.classes),
    ),
    FigureSpec(
        "sizes",
        "Image sizes",
        "Width and height of the stored images. If they differ between sources, the size alone identifies the"
        " source.",
        _has_sizes,
        lambda content: draw_sizes(content.cohort),
    ),
    FigureSpec(
        "prevalence",
        "Predictive values by prevalence",
        "Predictive values with 95 % CIs at other prevalences, from the sensitivity and specificity on the"
        " test images by Bayes' theorem.",
        _has_prevalence,
        lambda content: draw_prevalence(content.clinical.prevalence),
        Section.PRACTICE,
    ),
    FigureSpec(
        "decision",
        "Decision curve",
        "Net benefit at each threshold probability, at the prevalence of the test images: true positives"
        " minus false positives weighted by the odds of the threshold. The classifier is useful only where"
        " its curve is above both alternatives.",
        _has_prevalence,
        lambda content: draw_decision(content.clinical.decision),
        Section.PRACTICE,
    ),
    FigureSpec(
        "reliability",
        "Reliability diagram",
        "Observed frequency of the class among test images with similar predicted probabilities, with 95 %"
        " CIs. Below the dotted line the classifier overestimates the probability.",
        lambda content: bool(content.clinical.calibration),
        lambda content: draw_reliability(content.clinical.calibration),
        Section.PRACTICE,
    ),
)
"""All figures, in the order of the page."""


def _history(content: Content) -> pd.DataFrame:
    return pd.DataFrame() if content.history is None else content.history


def figures_of(content: Content) -> Iterator[FigureSpec]:
    """Figures for which `content` has data."""
    return (spec for spec in FIGURES if spec.applies(content))
