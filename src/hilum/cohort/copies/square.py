"""Squares as matrices: cutting a window out, and leaving only detail of some fineness.

Both act on rows and columns alike, so each is a product with one matrix from either side, which costs next to
nothing for a thousand images at once.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["Squares", "detail", "shrunk", "window_axes"]

Squares = NDArray[np.float32]
"""Shape (n, side, side)."""

_FLOOR = 2.0
"""Gray values of 255: what varies less than this around a pixel is noise, and is left faint."""


def shrunk(squares: NDArray[np.uint8], side: int) -> Squares:
    """Reduce squares by a whole factor, by means; the values stay in [0, 255]."""
    factor = squares.shape[-1] // side
    rows = np.add.reduce([squares[:, start::factor] for start in range(factor)], dtype=np.uint32)
    both = np.add.reduce([rows[:, :, start::factor] for start in range(factor)])  # exact, and fast
    result: Squares = np.divide(both, factor * factor, dtype=np.float32)
    return result


def detail(squares: Squares, fine: float, coarse: float) -> Squares:
    """Keep the detail between two Gaussian widths in pixels, and make it alike strong everywhere.

    Brightness, contrast and gamma of the image leave almost no trace in it.
    """
    wide = _gaussian(squares.shape[-1], coarse)
    narrow = _gaussian(squares.shape[-1], fine)
    band = _both(narrow, squares) - _both(wide, squares)
    strength = np.sqrt(np.maximum(_both(wide, band * band), 0)) + np.float32(_FLOOR)
    result: Squares = np.divide(band, strength, dtype=np.float32)
    return result


def _both(matrix: NDArray[np.float32], squares: Squares) -> Squares:
    """Apply a matrix along rows and columns."""
    result: Squares = np.matmul(np.matmul(matrix, squares), matrix.T)
    return result


def window_axes(start: NDArray[np.floating], stop: NDArray[np.floating], size: int, side: int) -> Squares:
    """Return matrices that resample one axis of a square to a window of it.

    Parameters
    ----------
    start, stop : ndarray of float, shape (n,)
        Ends of the window, as shares of the side; beyond 0 and 1 the edge is repeated.
    size : int
        Pixels of the result.
    side : int
        Pixels of the square.

    Returns
    -------
    ndarray of float32, shape (n, size, side)
        Triangle filters as wide as a pixel of the result, or of the square where that is wider.
    """
    width = np.maximum((stop - start) * side / size, 1)
    places = (np.arange(size) + 0.5) / size
    centres = ((start[:, None] + (stop - start)[:, None] * places) * side - 0.5).clip(0, side - 1)
    weights: Squares = np.subtract(np.arange(side, dtype=np.float32), centres[:, :, None], dtype=np.float32)
    np.abs(weights, out=weights)
    weights *= (-1 / width).astype(np.float32)[:, None, None]
    weights += 1
    np.maximum(weights, 0, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


@cache
def _gaussian(side: int, width: float) -> NDArray[np.float32]:
    places = np.arange(side)
    weights = np.exp(-0.5 * ((places[:, None] - places) / width) ** 2)
    result: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return result
