"""From a radiograph's pixels to the square that a network takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["FACTORS", "MARGIN", "Fit", "Preprocessing", "Show", "factor_for", "render", "thumbnail"]


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


_VERSION = 3  # part of the key: raise it when `apply` gives other values


class Fit(Enum):
    """How a picture that is not square becomes square."""

    STRETCH = "stretch"
    CROP = "crop"
    PAD = "pad"


@dataclass(frozen=True)
class Preprocessing:
    """Resize to a square.

    Parameters
    ----------
    size : int
        Side of the square in pixels.
    fit : Fit
        ``STRETCH`` ignores the aspect ratio, as the tutorial does; ``CROP`` keeps the central square;
        ``PAD`` adds black at both ends of the shorter side.

    Examples
    --------
    >>> Preprocessing(224, Fit.PAD).key
    'square-3-224-pad'
    >>> Preprocessing(2).apply(np.eye(4, dtype=np.float32)).astype(float).round(2).tolist()
    [[0.39, 0.12], [0.12, 0.39]]
    """

    size: int
    fit: Fit = Fit.STRETCH

    def __post_init__(self) -> None:
        if self.size < 1:
            msg = f"size: expected at least 1 pixel, found {self.size}"
            raise ValueError(msg)
        if not isinstance(self.fit, Fit):
            msg = f"fit: expected a Fit, found {self.fit!r}"
            raise TypeError(msg)

    @property
    def key(self) -> str:
        """A text that names this preprocessing, for cache keys; equal keys mean equal values."""
        return f"square-{_VERSION}-{self.size}-{self.fit.value}"

    def apply(
        self, pixels: NDArray[np.float32], extent: tuple[int, int] | None = None
    ) -> NDArray[np.float32]:
        """Prepare one picture.

        Parameters
        ----------
        pixels : ndarray of float32, shape (rows, columns), range [0, 1]
            As `hilum.radiograph.Radiograph` holds them.
        extent : tuple of int, optional
            As `hilum.radiograph.Radiograph` holds it, where the pixels may be reduced.

        Returns
        -------
        ndarray of float32, shape (size, size), range [0, 1]
            Resized with an antialiased triangle filter, which never overshoots.
        """
        rows, columns = extent or pixels.shape
        if self.fit is Fit.STRETCH:
            return _resize(pixels, rows, (0, 0, rows, columns), (self.size, self.size))
        if self.fit is Fit.CROP:
            side = min(rows, columns)
            top, left = (rows - side) // 2, (columns - side) // 2
            return _resize(pixels, rows, (top, left, top + side, left + side), (self.size, self.size))
        inner = _resize(pixels, rows, (0, 0, rows, columns), _fitted(rows, columns, self.size))
        square = np.zeros((self.size, self.size), np.float32)
        top, left = (self.size - inner.shape[0]) // 2, (self.size - inner.shape[1]) // 2
        square[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
        return square


def thumbnail(
    pixels: NDArray[np.float32], side: int, extent: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Return a small picture for pages, its longer side `side` pixels, in [0, 255].

    Pixels and extent are as `Preprocessing.apply` takes them.
    """
    rows, columns = extent or pixels.shape
    small = _resize(pixels, rows, (0, 0, rows, columns), _fitted(rows, columns, side))
    return np.rint(small * 255).astype(np.uint8)


def _fitted(rows: int, columns: int, side: int) -> tuple[int, int]:
    scale = side / max(rows, columns)
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def _resize(
    pixels: NDArray[np.float32], rows: int, part: tuple[int, int, int, int], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Resize a part of a picture of so many rows; `pixels` may hold it reduced."""
    factor = -(-rows // len(pixels))
    top, left, bottom, right = (place / factor for place in part)
    row, column = int(top), int(left)
    held = Image.fromarray(pixels[row : math.ceil(bottom), column : math.ceil(right)])
    box = left - column, top - row, right - column, bottom - row
    # Pillow widens the filter to antialias, and works beside other threads.
    return np.asarray(held.resize(size[::-1], Image.Resampling.BILINEAR, box)).clip(0, 1)
