"""Accuracy and loss over the epochs, training and validation."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from hilum.report.format import THIN
from hilum.report.style import COLOURS, new_figure, styled

__all__ = ["draw_accuracy", "draw_loss"]


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
