"""The plane that anatomy is drawn on: pixels with places in millimetres.

Coordinates are those of the patient: x across from the midline, positive to the image's right (the
patient's left); y downwards from the level of the lungs' apices. Maps on a plane are float32
(rows, columns): millimetres of tissue along the beam.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "Plane", "enlarge", "soften"]

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
        return enlarge(coarse_map, step, self.shape)

    def crop(self, rows: slice, columns: slice) -> Plane:
        """The plane of the pixels in a window."""
        return Plane(
            rows.stop - rows.start,
            columns.stop - columns.start,
            self.pixel_mm,
            self.left_mm + columns.start * self.pixel_mm,
            self.top_mm + rows.start * self.pixel_mm,
        )

    def window(self, left: float, right: float, top: float, bottom: float) -> tuple[slice, slice]:
        """Rows and columns that hold the rectangle given in mm; empty slices where it lies outside."""
        across = [(float(edge) - self.left_mm) / self.pixel_mm for edge in (left, right)]
        down = [(float(edge) - self.top_mm) / self.pixel_mm for edge in (top, bottom)]
        return _clipped(down, self.rows), _clipped(across, self.columns)


def _clipped(edges: list[float], size: int) -> slice:
    first, last = (min(max(round(edge), 0), size) for edge in edges)
    return slice(first, last)


def enlarge(values: FloatArray, times: int, shape: tuple[int, int]) -> FloatArray:
    """Linear interpolation to `times` (a power of two) as many pixels each way, cut to `shape`.

    Examples
    --------
    >>> enlarge(np.array([[0, 4]], dtype=np.float32), 2, (1, 4))
    array([[0., 1., 3., 4.]], dtype=float32)
    """
    while times > 1:
        values = _doubled(_doubled(values).T).T
        times //= 2
    return values[: shape[0], : shape[1]]


def _doubled(values: FloatArray) -> FloatArray:
    """Twice as many rows."""
    twice = np.empty_like(values, shape=(2 * len(values), values.shape[1]))
    quarter = np.float32(0.25) * values
    most = values - quarter
    np.add(most[1:], quarter[:-1], out=twice[2::2])
    np.add(most[:-1], quarter[1:], out=twice[1:-1:2])
    twice[0], twice[-1] = values[0], values[-1]
    return twice


def soften(values: FloatArray, sigma: float) -> FloatArray:
    """Blur with a Gaussian, cut off at 2.5 `sigma` (pixels); beyond the edge its values go on.

    A blur too narrow to reach the next pixel gives `values` themselves.
    """
    radius = round(2.5 * sigma)
    if radius == 0:
        return values
    bell = [math.exp(-0.5 * (step / sigma) ** 2) for step in range(radius + 1)]
    total = bell[0] + 2 * sum(bell[1:])
    weights = [height / total for height in bell]
    return _weighted(_weighted(values, weights).T, weights).T


def _weighted(values: FloatArray, weights: list[float]) -> FloatArray:
    """Sum of each row and its neighbours; sliced sums of whole rows are several times as fast as scipy's."""
    rows, reach = len(values), len(weights) - 1
    wider = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    total = wider[reach : reach + rows] * weights[0]
    pair = np.empty_like(total)
    for step, weight in enumerate(weights[1:], start=1):
        np.add(wider[reach - step :][:rows], wider[reach + step :][:rows], out=pair)
        pair *= weight
        total += pair
    return total
