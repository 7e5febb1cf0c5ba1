"""The plane that anatomy is drawn on: pixels with places in millimetres.

Coordinates are those of the patient: x across from the midline, positive to the image's right (the
patient's left); y downwards from the level of the lungs' apices. Maps on a plane are float32
(rows, columns): millimetres of tissue along the beam.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["FloatArray", "Plane", "resample"]

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Plane:
    """A regular grid over the patient.

    Parameters
    ----------
    rows, columns : int
        Number of pixels.
    pixel_mm : float
        Edge of a pixel.
    left_mm, top_mm : float
        Place of the image's upper left corner.
    """

    rows: int
    columns: int
    pixel_mm: float
    left_mm: float
    top_mm: float

    @cached_property
    def x(self) -> FloatArray:
        """Places of the columns' centres, (1, columns), mm."""
        return (self.left_mm + self.pixel_mm * (np.arange(self.columns, dtype=np.float32) + 0.5))[None, :]

    @cached_property
    def y(self) -> FloatArray:
        """Places of the rows' centres, (rows, 1), mm."""
        return (self.top_mm + self.pixel_mm * (np.arange(self.rows, dtype=np.float32) + 0.5))[:, None]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    def coarse(self, step: int) -> Plane:
        """A plane over at least the same area, with pixels `step` times as large."""
        rows, columns = -(-self.rows // step), -(-self.columns // step)
        return Plane(rows, columns, self.pixel_mm * step, self.left_mm, self.top_mm)

    def refine(self, coarse_map: FloatArray, step: int) -> FloatArray:
        """Bring a map on ``self.coarse(step)`` to this plane, (rows, columns)."""
        box = (0.0, 0.0, self.columns / step, self.rows / step)
        return resample(coarse_map, self.shape, box)

    def window(self, left: float, right: float, top: float, bottom: float) -> tuple[slice, slice]:
        """Rows and columns that hold the rectangle given in mm; empty slices where it lies outside."""
        across = [(edge - self.left_mm) / self.pixel_mm for edge in (left, right)]
        down = [(edge - self.top_mm) / self.pixel_mm for edge in (top, bottom)]
        return _clipped(down, self.rows), _clipped(across, self.columns)


def _clipped(edges: list[float], size: int) -> slice:
    first, last = (min(max(round(edge), 0), size) for edge in edges)
    return slice(first, last)


def resample(
    values: FloatArray, shape: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> FloatArray:
    """Resize (rows, columns) to `shape`: smooth when enlarging, averaged when shrinking.

    `box` is the part to keep, as left, top, right, bottom in pixels of `values`.
    """
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    resized = image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR, box=box)
    return np.array(resized, dtype=np.float32)
