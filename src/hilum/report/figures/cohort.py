"""What the cohort is made of: images per label and source, and their sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from hilum.report.format import count
from hilum.report.style import COLOURS, INK, MARKERS, new_figure, shorten, styled

__all__ = ["draw_counts", "draw_sizes"]

SIZES_PX = (50, 100, 200, 500, 1000, 2000, 5000, 10000)


@styled
def draw_counts(cohort: pd.DataFrame, classes: Sequence[str]) -> Figure:
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
