"""The figures of a report: what each is called, says and draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from hilum.metrics import ConfusionMatrix
from hilum.report import curves
from hilum.report.content import Content
from hilum.report.style import COLOURS, INK, MARKERS, new_figure, shorten, styled
from hilum.report.text import THIN, count, share

__all__ = [
    "FIGURES",
    "FigureSpec",
    "Section",
    "draw_accuracy",
    "draw_cohort",
    "draw_confusion",
    "draw_confusion_shares",
    "draw_loss",
    "draw_sizes",
    "figures_of",
]


SIZES_PX = (50, 100, 200, 500, 1000, 2000, 5000, 10000)


@styled
def draw_cohort(cohort: pd.DataFrame, classes: Sequence[str]) -> Figure:
    """Images of each label (rows) and source (columns); a label from one source only shows at once.

    Parameters
    ----------
    cohort : DataFrame
        One row per image, with label and source.
    classes : sequence of str
        Labels in the order of the rows.
    """
    table = pd.crosstab(cohort["label"], cohort["source"]).reindex(list(classes), fill_value=0)
    rows, columns = table.shape
    figure, axes = new_figure(4.0, max(3.8, 1.5 + 0.4 * rows))
    numbers = table.to_numpy()
    axes.imshow(np.sqrt(numbers), cmap="Blues", vmin=0, vmax=1.5 * np.sqrt(numbers.max()), aspect="auto")
    for (row, column), number in np.ndenumerate(numbers):
        axes.text(column, row, count(number) if number else "none", ha="center", va="center", color=INK)
    names = [shorten(str(name), 14) for name in table.columns]
    tilt = 30 if sum(map(len, names)) > 36 else 0
    axes.set_xticks(
        range(columns), names, rotation=tilt, ha="right" if tilt else "center", rotation_mode="anchor"
    )
    axes.set_yticks(range(rows), [shorten(str(name), 16) for name in table.index])
    axes.set(title="Images per label and source", xlabel="Source", ylabel="Label")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


@styled
def draw_sizes(cohort: pd.DataFrame) -> Figure:
    """Width and height of every image in pixels, by source.

    Parameters
    ----------
    cohort : DataFrame
        One row per image, with source, rows and columns.
    """
    figure, axes = new_figure(4.0, 3.8)
    known = cohort.dropna(subset=["rows", "columns"]).astype({"rows": float, "columns": float})
    for position, (source, images) in enumerate(known.groupby("source", sort=True)):
        axes.scatter(
            images["columns"],
            images["rows"],
            s=22,
            marker=MARKERS[position % len(MARKERS)],
            color=COLOURS[position % len(COLOURS)],
            alpha=0.55,
            linewidths=0,
            label=f"{shorten(str(source))} ({count(len(images))})",
        )
    axes.set(
        title="Image sizes", xlabel="Width in pixels", ylabel="Height in pixels", xscale="log", yscale="log"
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda pixels, _: count(pixels)))
        axis.set_minor_locator(NullLocator())
    axes.grid()
    narrow = known["source"].str.len().max() <= 12
    figure.legend(loc="outside lower left", ncols=2 if narrow else 1)
    return figure


@styled
def draw_confusion_shares(confusion: ConfusionMatrix) -> Figure:
    """Shares of all images, as the tutorial draws it: greens, count and share in each cell."""
    figure, axes = new_figure(4.0, 3.6)
    texts = [
        [f"{count(number)}\n{share(part)}" for number, part in zip(numbers, parts, strict=True)]
        for numbers, parts in zip(confusion.counts, confusion.shares, strict=True)
    ]
    _matrix(axes, confusion.shares, texts, "Greens")
    _name_axes(axes, confusion, [shorten(name, 14) for name in confusion.classes])
    axes.set_title(f"Confusion matrix, shares of {count(confusion.n)}")
    return figure


@styled
def draw_confusion(confusion: ConfusionMatrix) -> Figure:
    """Images counted, each row with its sum."""
    figure, axes = new_figure(4.0, 3.6)
    texts = [[count(number) for number in row] for row in confusion.counts]
    _matrix(axes, confusion.counts, texts, "Blues")
    sums = confusion.counts.sum(axis=1)
    rows = [f"{shorten(name, 14)}\n({count(n)})" for name, n in zip(confusion.classes, sums, strict=True)]
    _name_axes(axes, confusion, rows)
    axes.set_title("Confusion matrix, images")
    return figure


def _matrix(axes: Axes, values: NDArray[np.generic], texts: list[list[str]], colours: str) -> None:
    top = max(float(values.max()), 1e-9)
    axes.imshow(values, cmap=colours, vmin=0, vmax=1.15 * top)
    size = 15 if len(texts) == 2 else max(6.0, 30 / len(texts))
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            colour = "white" if values[row, column] > 0.6 * top else INK
            axes.text(
                column, row, text, ha="center", va="center", color=colour, fontsize=size, linespacing=1.3
            )


def _name_axes(axes: Axes, confusion: ConfusionMatrix, rows: list[str]) -> None:
    places = range(len(confusion.classes))
    columns = [shorten(name, 14) for name in confusion.classes]
    tilt = 30 if sum(map(len, columns)) > 36 else 0
    axes.set_xticks(places, columns, rotation=tilt, ha="right" if tilt else "center", rotation_mode="anchor")
    axes.set_yticks(places, rows)
    axes.set(xlabel="Predicted", ylabel="Correct")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2.5)
    axes.tick_params(which="minor", length=0)


@styled
def draw_accuracy(history: pd.DataFrame) -> Figure:
    """Accuracy in percent per epoch.

    Parameters
    ----------
    history : DataFrame
        One row per epoch (and fold), with epoch, accuracy, val_accuracy and, of several, fold.
    """
    figure, axes = new_figure()
    _lines(axes, history, "accuracy")
    axes.set(title="Accuracy per epoch", ylabel="Accuracy")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda part, _: f"{100 * part:g}{THIN}%"))
    axes.set_ylim(top=1.004)
    axes.legend(loc="lower right")
    return figure


@styled
def draw_loss(history: pd.DataFrame) -> Figure:
    """Cross-entropy per epoch; `history` as for `draw_accuracy`, with loss and val_loss."""
    figure, axes = new_figure()
    _lines(axes, history, "loss")
    axes.set(title="Loss per epoch", ylabel="Loss (cross-entropy)")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")
    return figure


def _lines(axes: Axes, history: pd.DataFrame, quantity: str) -> None:
    folds = list(history.groupby("fold")) if "fold" in history else [(0, history)]
    kinds = (("training", quantity, COLOURS[0], "-"), ("validation", f"val_{quantity}", COLOURS[1], "--"))
    for name, column, colour, line in kinds:
        if history[column].isna().all():
            continue
        for position, (_, rows) in enumerate(folds):
            label = name if position == 0 else None
            axes.plot(
                rows["epoch"],
                rows[column],
                line,
                color=colour,
                label=label,
                alpha=1 if len(folds) == 1 else 0.6,
            )
    axes.set_xlabel("Epoch" if len(folds) == 1 else f"Epoch (one line for each of {len(folds)} folds)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.grid(axis="y")


class Section(StrEnum):
    """Where on the page a figure stands."""

    FIGURES = "figures"
    PRACTICE = "practice"


@dataclass(frozen=True)
class FigureSpec:
    """One figure.

    Parameters
    ----------
    name : str
        Of its file, without the suffix.
    title : str
        What it shows.
    caption : str
        How to read it, in a sentence.
    applies : callable
        Whether there is anything to draw.
    draw : callable
    section : Section
    """

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


def _has_epochs(content: Content) -> bool:
    return len(content.history) > 0


def _has_both(content: Content) -> bool:
    """Whether there are two classes, and test images of both."""
    return len(content.clinical.prevalence.points) > 0


def _has_test(content: Content) -> bool:
    return content.confusion.n > 0


FIGURES = (
    FigureSpec(
        "confusion",
        "Confusion matrix, shares",
        "Each cell: test images of the row's class that were taken for the column's, and their share of all."
        " The diagonal, from the upper left, is right.",
        _has_test,
        lambda content: draw_confusion_shares(content.confusion),
    ),
    FigureSpec(
        "confusion_counts",
        "Confusion matrix, counts",
        "The same test images counted; beside each class the images that truly belong to it.",
        _has_test,
        lambda content: draw_confusion(content.confusion),
    ),
    FigureSpec(
        "roc",
        "ROC curve",
        "What every possible threshold would give on the test images; the further above the dotted line"
        " of chance, the better. In brackets: the area's 95 % interval.",
        lambda content: any(len(curve.thresholds) for curve in content.roc.values()),
        lambda content: curves.draw_roc(content.roc, _at_threshold(content, "specificity")),
    ),
    FigureSpec(
        "pr",
        "Precision and recall",
        "How many alarms are right (precision) when so many of the sick are found (recall), for every"
        " possible threshold. AP: average precision, with its 95 % interval.",
        lambda content: any(len(curve.thresholds) for curve in content.pr.values()),
        lambda content: curves.draw_pr(content.pr, _at_threshold(content, "ppv")),
    ),
    FigureSpec(
        "accuracy",
        "Accuracy per epoch",
        "Share of images classified right after each pass over the training images.",
        _has_epochs,
        lambda content: draw_accuracy(content.history),
    ),
    FigureSpec(
        "loss",
        "Loss per epoch",
        "What training makes small. A validation line that turns upwards means learning by heart"
        " (overfitting).",
        _has_epochs,
        lambda content: draw_loss(content.history),
    ),
    FigureSpec(
        "cohort",
        "Images per label and source",
        "If each label comes from its own source, telling the sources apart is enough to be right.",
        lambda content: len(content.cohort) > 0,
        lambda content: draw_cohort(content.cohort, content.classes),
    ),
    FigureSpec(
        "sizes",
        "Image sizes",
        "Width and height as stored. Sources that differ here can be told apart without any medicine.",
        lambda content: len(content.cohort) > 0,
        lambda content: draw_sizes(content.cohort),
    ),
    FigureSpec(
        "prevalence",
        "Predictive values at other prevalences",
        "What an alarm and an all-clear are worth where more or fewer people are ill, with 95 % intervals, by"
        " Bayes' rule from the test images' sensitivity and specificity.",
        _has_both,
        lambda content: curves.draw_prevalence(content.clinical.prevalence),
        Section.PRACTICE,
    ),
    FigureSpec(
        "decision",
        "Decision curve",
        "Patients found, less false alarms weighed by how sure one must be to act (threshold probability)."
        " Where the classifier's line is not the highest, it helps no one. At the test images' prevalence.",
        _has_both,
        lambda content: curves.draw_decision(content.clinical.decision),
        Section.PRACTICE,
    ),
    FigureSpec(
        "reliability",
        "Reliability of the probabilities",
        "Of the test images that are given a probability, how many are truly of the class. Points below the"
        " dotted line: the classifier claims too much. Bars: 95 % intervals.",
        lambda content: bool(content.clinical.calibration),
        lambda content: curves.draw_reliability(content.clinical.calibration),
        Section.PRACTICE,
    ),
)
"""Every figure, in the order of the page."""


def figures_of(content: Content) -> Iterator[FigureSpec]:
    """Figures for which `content` has something to draw."""
    return (spec for spec in FIGURES if spec.applies(content))
