"""Which class was taken for which."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hilum.evaluate import ConfusionMatrix
from hilum.report.format import count, share
from hilum.report.style import INK, new_figure, shorten, styled

__all__ = ["draw_counts", "draw_shares"]


@styled
def draw_shares(confusion: ConfusionMatrix) -> Figure:
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
def draw_counts(confusion: ConfusionMatrix) -> Figure:
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
