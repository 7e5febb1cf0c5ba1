"""From samples to a network's input: reduction while decoding, then resizing to a square image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["FACTORS", "MARGIN", "Fit", "Preprocessing", "ToDisplay", "factor_for", "render", "thumbnail"]

ToDisplay: TypeAlias = Callable[[NDArray[Any], NDArray[np.float32]], Any]
"""Writes the display values, in [0, 1], of samples (rows, columns, …) to its second argument."""

FACTORS = (8, 4, 2)
"""Reductions that JPEG decoders support; powers of two, so that sizes divide without rounding."""

MARGIN = 4
"""The shorter side keeps at least this many times the side that is needed.

`benchmarks/reading.py` measures the effect on real radiographs. With 4, one image of the collections at hand
is large enough to be reduced at 224 pixels: pixels differ by 0.0001 on average and by at most 0.01,
probabilities by at most 0.003. With 2, 119 images are: 0.0004, 0.07 and 0.05.
"""

_LEAST_SIDE = 16  # pixels that the shorter side keeps, so that the factor follows from the sizes
_STRIP_PIXELS = 1 << 18  # 1 MiB as float32, which fits a processor's cache
_VERSION = 3  # part of the key: raise it when `Preprocessing.apply` gives other values


def factor_for(rows: int, columns: int, side: int | None) -> int:
    """Return the factor by which an image may be reduced: 1, 2, 4 or 8.

    `side` is the side in pixels of the square image made of it; None forbids reduction.

    Examples
    --------
    >>> factor_for(4000, 3600, 224), factor_for(1800, 1700, 224), factor_for(5000, 5000, None)
    (4, 1, 1)
    """
    if side is None:
        return 1
    least = max(MARGIN * side, _LEAST_SIDE)
    return next((factor for factor in FACTORS if min(rows, columns) >= factor * least), 1)


def render(samples: NDArray[Any], to_display: ToDisplay, factor: int = 1) -> NDArray[np.float32]:
    """Map samples to display values and reduce these, strip by strip to bound memory.

    Each pixel of the result, float32 of shape (ceil(rows / factor), ceil(columns / factor)), is the mean of
    ``factor × factor`` display values, or of those that exist at the right and bottom edges.

    Examples
    --------
    >>> samples = np.array([[0, 2, 4], [6, 8, 10]], np.uint8)
    >>> render(samples, lambda rows, out: np.divide(rows, np.float32(10), out=out), 2).tolist()
    [[0.4000000059604645, 0.699999988079071]]
    """
    rows, columns = samples.shape[:2]
    out = np.empty((-(-rows // factor), -(-columns // factor)), np.float32)
    step = max(1, _STRIP_PIXELS // (columns * factor))  # rows of the result
    buffer = np.empty((0 if factor == 1 else min(rows, step * factor), columns), np.float32)
    for start in range(0, len(out), step):
        strip = samples[start * factor : (start + step) * factor]
        displayed = out[start : start + step] if factor == 1 else buffer[: len(strip)]
        to_display(strip, displayed)
        if factor > 1:
            out[start : start + step] = _block_means(displayed, factor)
    return out


def _block_means(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    means = _row_sums(_row_sums(pixels, factor).T, factor).T
    means /= np.outer(_counts(pixels.shape[0], factor), _counts(pixels.shape[1], factor))
    return means.clip(0, 1, out=means)  # rounding


def _row_sums(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Sums of `factor` successive rows; the last may have fewer."""
    sums = pixels[::factor].copy()
    for offset in range(1, factor):
        part = pixels[offset::factor]
        sums[: len(part)] += part
    return sums


def _counts(length: int, factor: int) -> NDArray[np.float32]:
    counts = np.full(-(-length // factor), factor, np.float32)
    counts[-1] = length - (len(counts) - 1) * factor
    return counts


class Fit(Enum):
    """How an image becomes square.

    ``STRETCH`` ignores the aspect ratio; ``CROP`` keeps the central square; ``PAD`` adds black at both ends
    of the shorter side.
    """

    STRETCH = "stretch"
    CROP = "crop"
    PAD = "pad"


@dataclass(frozen=True)
class Preprocessing:
    """Resize to a square image.

    Parameters
    ----------
    size : int
        Side in pixels.
    fit : Fit

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
            raise ValueError(f"size: expected at least 1 pixel, found {self.size}")
        if not isinstance(self.fit, Fit):
            raise TypeError(f"fit: expected a Fit, found {self.fit!r}")

    @property
    def key(self) -> str:
        """Part of cache keys: equal keys mean equal values."""
        return f"square-{_VERSION}-{self.size}-{self.fit.value}"

    def apply(
        self, pixels: NDArray[np.float32], extent: tuple[int, int] | None = None
    ) -> NDArray[np.float32]:
        """Resize one image.

        Parameters
        ----------
        pixels : ndarray of float32, shape (rows, columns), range [0, 1]
        extent : tuple of int, optional
            Rows and columns at full resolution, where `pixels` are reduced; see `Radiograph`.

        Returns
        -------
        ndarray of float32, shape (size, size), range [0, 1]
            Resized with an antialiasing triangle filter, which never overshoots.
        """
        rows, columns = extent or pixels.shape
        if self.fit is Fit.STRETCH:
            return _resize(pixels, rows, (0, 0, rows, columns), (self.size, self.size))
        if self.fit is Fit.CROP:
            side = min(rows, columns)
            top, left = (rows - side) // 2, (columns - side) // 2
            return _resize(pixels, rows, (top, left, top + side, left + side), (self.size, self.size))
        inner = _resize(pixels, rows, (0, 0, rows, columns), _size_within(rows, columns, self.size))
        padded = np.zeros((self.size, self.size), np.float32)
        top, left = (self.size - inner.shape[0]) // 2, (self.size - inner.shape[1]) // 2
        padded[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
        return padded


def thumbnail(
    pixels: NDArray[np.float32], side: int, extent: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Return a small image for pages: its longer side is `side` pixels, its range [0, 255].

    `pixels` and `extent` are as in `Preprocessing.apply`.
    """
    rows, columns = extent or pixels.shape
    small = _resize(pixels, rows, (0, 0, rows, columns), _size_within(rows, columns, side))
    return np.rint(small * 255).astype(np.uint8)


def _size_within(rows: int, columns: int, side: int) -> tuple[int, int]:
    scale = side / max(rows, columns)
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def _resize(
    pixels: NDArray[np.float32], rows: int, part: tuple[int, int, int, int], size: tuple[int, int]
) -> NDArray[np.float32]:
    """Resize a part (top, left, bottom, right) of an image that has `rows` rows at full resolution."""
    factor = -(-rows // len(pixels))
    top, left, bottom, right = (place / factor for place in part)
    row, column = int(top), int(left)
    cropped = Image.fromarray(pixels[row : math.ceil(bottom), column : math.ceil(right)])
    box = left - column, top - row, right - column, bottom - row
    # Pillow widens the filter to antialias, and releases the lock for other threads.
    return np.asarray(cropped.resize(size[::-1], Image.Resampling.BILINEAR, box)).clip(0, 1)
