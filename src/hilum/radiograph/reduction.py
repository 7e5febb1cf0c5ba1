"""Pictures at the size that is needed: means of squares of pixels, strip by strip.

Means are taken of what is shown, not of what is stored, so that a table that is no straight line makes no
error; and a strip at a time, so that a large picture never exists as float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["FACTORS", "MARGIN", "Show", "factor_for", "render"]

Show: TypeAlias = Callable[[NDArray[Any], NDArray[np.float32]], Any]
"""Writes some rows of samples, (rows, columns, …), as pixels (rows, columns) in [0, 1], each by itself."""

FACTORS = (8, 4, 2)
"""What JPEG decoders can do; whole powers of two, so that sizes divide without rounding."""
MARGIN = 4
"""How many times the side that is needed the shorter side keeps. `benchmarks/reading.py` measures what it
changes in real radiographs. With 4, which one picture of the collections at hand is large enough for at 224
pixels: 0.0001 a pixel in the mean, 0.01 at most, and 0.003 in a probability. With 2, and 119 pictures:
0.0004, 0.07 and 0.05."""

_LEAST = 16  # pixels that the shorter side keeps, so that sizes tell the factor
_BAND = 1 << 18  # pixels of a strip: 1 MiB as float32, which a processor keeps at hand


def factor_for(rows: int, columns: int, side: int | None) -> int:
    """Return by how much a picture may be reduced: 1, 2, 4 or 8.

    Parameters
    ----------
    rows, columns : int
        Size of the picture.
    side : int, optional
        Side in pixels of what is made of it; without it nothing is reduced.

    Examples
    --------
    >>> factor_for(4000, 3600, 224), factor_for(1800, 1700, 224), factor_for(5000, 5000, None)
    (4, 1, 1)
    """
    if side is None:
        return 1
    least = max(MARGIN * side, _LEAST)
    return next((factor for factor in FACTORS if min(rows, columns) >= factor * least), 1)


def render(samples: NDArray[Any], show: Show, factor: int = 1) -> NDArray[np.float32]:
    """Show samples, and reduce what is shown.

    Parameters
    ----------
    samples : ndarray, shape (rows, columns, …)
        As stored.
    show : Show
    factor : int
        Each pixel of the result is the mean of ``factor × factor``; of fewer at the right and at the bottom,
        where the picture ends.

    Returns
    -------
    ndarray of float32, shape (ceil(rows / factor), ceil(columns / factor)), range [0, 1]

    Examples
    --------
    >>> samples = np.array([[0, 2, 4], [6, 8, 10]], np.uint8)
    >>> render(samples, lambda rows, out: np.divide(rows, np.float32(10), out=out), 2).tolist()
    [[0.4000000059604645, 0.699999988079071]]
    """
    rows, columns = samples.shape[:2]
    out = np.empty((-(-rows // factor), -(-columns // factor)), np.float32)
    step = max(1, _BAND // (columns * factor))  # rows of the result
    strip = np.empty((0 if factor == 1 else min(rows, step * factor), columns), np.float32)
    for start in range(0, len(out), step):
        part = samples[start * factor : (start + step) * factor]
        shown = out[start : start + step] if factor == 1 else strip[: len(part)]
        show(part, shown)
        if factor > 1:
            out[start : start + step] = _means(shown, factor)
    return out


def _means(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    sums = _sums(_sums(pixels, factor).T, factor).T
    sums /= np.outer(_counts(pixels.shape[0], factor), _counts(pixels.shape[1], factor))
    return sums.clip(0, 1, out=sums)  # rounding


def _sums(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Sum each `factor` rows; the last sum may have fewer."""
    sums = pixels[::factor].copy()
    for offset in range(1, factor):
        part = pixels[offset::factor]
        sums[: len(part)] += part
    return sums


def _counts(length: int, factor: int) -> NDArray[np.float32]:
    counts = np.full(-(-length // factor), factor, np.float32)
    counts[-1] = length - (len(counts) - 1) * factor
    return counts
