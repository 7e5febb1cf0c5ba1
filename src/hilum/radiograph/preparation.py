"""From a radiograph's pixels to the square that a network takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Fit", "Preparation", "thumbnail"]

_VERSION = 3  # part of the key: raise it when `apply` gives other values


class Fit(Enum):
    """How a picture that is not square becomes square."""

    STRETCH = "stretch"
    CROP = "crop"
    PAD = "pad"


@dataclass(frozen=True)
class Preparation:
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
    >>> Preparation(224, Fit.PAD).key
    'square-3-224-pad'
    >>> Preparation(2).apply(np.eye(4, dtype=np.float32)).astype(float).round(2).tolist()
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
        """A text that names this preparation, for cache keys; equal keys mean equal values."""
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

    Pixels and extent are as `Preparation.apply` takes them.
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
