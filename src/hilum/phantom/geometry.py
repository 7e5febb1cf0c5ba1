"""The image plane, the path length of rays through simple solids, and fast resampling and blurring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "Plane", "Region", "blur", "chord", "deposit", "ellipsoid", "enlarge", "tube"]


FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Plane:
    """A pixel grid in the patient's coordinates.

    Parameters
    ----------
    rows, columns : int
    pixel_mm : float
        Side of a pixel.
    left_mm, top_mm : float
        Upper left corner; x runs from the midline to the image's right, y from the lungs' apices downwards.
    """

    rows: int
    columns: int
    pixel_mm: float
    left_mm: float
    top_mm: float

    @cached_property
    def x(self) -> FloatArray:
        """Centres of the columns, (1, columns), mm."""
        return (self.left_mm + self.pixel_mm * (np.arange(self.columns, dtype=np.float32) + 0.5))[None, :]

    @cached_property
    def y(self) -> FloatArray:
        """Centres of the rows, (rows, 1), mm."""
        return (self.top_mm + self.pixel_mm * (np.arange(self.rows, dtype=np.float32) + 0.5))[:, None]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    def coarse(self, step: int) -> Plane:
        """Return a plane that covers this one with pixels `step` times as large."""
        rows, columns = -(-self.rows // step), -(-self.columns // step)
        return Plane(rows, columns, self.pixel_mm * step, self.left_mm, self.top_mm)

    def refine(self, coarse_map: FloatArray, step: int) -> FloatArray:
        """Interpolate a map on ``self.coarse(step)`` to this plane, (rows, columns)."""
        return enlarge(coarse_map, step, self.shape)

    def crop(self, rows: slice, columns: slice) -> Plane:
        """Return the plane of the pixels in a window."""
        return Plane(
            rows.stop - rows.start,
            columns.stop - columns.start,
            self.pixel_mm,
            self.left_mm + columns.start * self.pixel_mm,
            self.top_mm + rows.start * self.pixel_mm,
        )

    def window(self, left: float, right: float, top: float, bottom: float) -> tuple[slice, slice]:
        """Return rows and columns of a rectangle given in mm; empty slices where it lies outside."""
        across = [(float(edge) - self.left_mm) / self.pixel_mm for edge in (left, right)]
        down = [(float(edge) - self.top_mm) / self.pixel_mm for edge in (top, bottom)]
        return _clipped(down, self.rows), _clipped(across, self.columns)


def _clipped(edges: list[float], size: int) -> slice:
    first, last = (min(max(round(edge), 0), size) for edge in edges)
    return slice(first, last)


def enlarge(values: FloatArray, times: int, shape: tuple[int, int]) -> FloatArray:
    """Interpolate linearly to `times` (a power of two) as many rows and columns, cropped to `shape`.

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
    """Interpolate linearly to twice as many rows."""
    twice = np.empty_like(values, shape=(2 * len(values), values.shape[1]))
    quarter = np.float32(0.25) * values
    most = values - quarter
    np.add(most[1:], quarter[:-1], out=twice[2::2])
    np.add(most[:-1], quarter[1:], out=twice[1:-1:2])
    twice[0], twice[-1] = values[0], values[-1]
    return twice


def blur(values: FloatArray, sigma: float) -> FloatArray:
    """Blur with a Gaussian truncated at 2.5 `sigma` (pixels), repeating the values at the edges.

    A blur too narrow to reach the next pixel returns `values` themselves.
    """
    radius = round(2.5 * sigma)
    if radius == 0:
        return values
    kernel = [math.exp(-0.5 * (step / sigma) ** 2) for step in range(radius + 1)]
    total = kernel[0] + 2 * sum(kernel[1:])
    weights = [height / total for height in kernel]
    return _filter_rows(_filter_rows(values, weights).T, weights).T


def _filter_rows(values: FloatArray, weights: list[float]) -> FloatArray:
    """Convolve columns with a symmetric kernel; sums of whole rows are several times as fast as scipy's."""
    rows, reach = len(values), len(weights) - 1
    wider = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    total = wider[reach : reach + rows] * weights[0]
    pair = np.empty_like(total)
    for step, weight in enumerate(weights[1:], start=1):
        np.add(wider[reach - step :][:rows], wider[reach + step :][:rows], out=pair)
        pair *= weight
        total += pair
    return total


def chord(square: FloatArray) -> FloatArray:
    """Half the path length through the unit ball, sqrt(1 - square), from the squared distance; 0 outside."""
    inside = np.subtract(1, square, dtype=np.float32)
    np.maximum(inside, 0, out=inside)
    return np.sqrt(inside, out=inside)


Region = tuple[slice, slice]
"""Rows and columns of a part of a plane."""


def ellipsoid(
    plane: Plane, centre: tuple[float, float], radii: tuple[float, float], depth: float, angle: float = 0.0
) -> tuple[Region, FloatArray]:
    """Return the part of the plane that an ellipsoid covers, and the path length through it there.

    The path length is `depth` at the centre; the first axis is rotated by `angle` rad.
    """
    reach, cos, sin = max(radii), math.cos(angle), math.sin(angle)
    part = plane.window(centre[0] - reach, centre[0] + reach, centre[1] - reach, centre[1] + reach)
    dx, dy = plane.x[:, part[1]] - centre[0], plane.y[part[0]] - centre[1]
    along = dx * (cos / radii[0]) + dy * (sin / radii[0])
    aside = dy * (cos / radii[1]) - dx * (sin / radii[1])
    return part, depth * chord(along * along + aside * aside)


def tube(
    plane: Plane, points: Sequence[tuple[float, float]], radius_mm: float, hollow: float = 0.0
) -> tuple[Region, FloatArray]:
    """Return the part of the plane that a bent tube covers, and the path length through it there, in mm.

    `points` are the axis, x and y in mm; `hollow` is the inner over the outer radius. The inside of a
    hollow tube counts a quarter, as marrow in bone.
    """
    rows, columns = part = _around(plane, points, radius_mm)
    square = np.ones((rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32)
    for ends in pairwise(points):
        down, across = _around(plane, ends, radius_mm)
        near = square[
            down.start - rows.start : down.stop - rows.start,
            across.start - columns.start : across.stop - columns.start,
        ]
        np.minimum(near, _squared_distance(plane.x[:, across], plane.y[down], *ends, radius_mm), out=near)
    path = chord(square)
    if hollow:
        path -= 0.75 * hollow * chord(square / hollow**2)
    path *= 2 * radius_mm
    return part, path


def _around(plane: Plane, points: Sequence[tuple[float, float]], radius_mm: float) -> Region:
    x, y = zip(*points, strict=True)
    return plane.window(min(x) - radius_mm, max(x) + radius_mm, min(y) - radius_mm, max(y) + radius_mm)


def _squared_distance(
    x: FloatArray, y: FloatArray, start: tuple[float, float], end: tuple[float, float], unit_mm: float
) -> FloatArray:
    """Squared distance to a line segment, in units of `unit_mm`."""
    length = math.dist(start, end)
    cos, sin = (end[0] - start[0]) / (length * unit_mm), (end[1] - start[1]) / (length * unit_mm)
    x, y = x - start[0], y - start[1]
    aside = x * sin - y * cos
    along = x * cos + y * sin
    along -= np.clip(along, 0, length / unit_mm)
    aside *= aside
    along *= along
    aside += along
    return aside


def deposit(plane: Plane, places: FloatArray, volumes_mm3: FloatArray) -> FloatArray:
    """Distribute small volumes bilinearly over the nearest four pixels: mm of tissue, (rows, columns).

    `places` is (2, n), x and y in mm. Volumes outside the plane are dropped.
    """
    across = (places[0] - plane.left_mm) / plane.pixel_mm - 0.5
    down = (places[1] - plane.top_mm) / plane.pixel_mm - 0.5
    inside = (across > 0) & (across < plane.columns - 1) & (down > 0) & (down < plane.rows - 1)
    across, down, mass = across[inside], down[inside], volumes_mm3[inside] / plane.pixel_mm**2
    column, row = across.astype(np.intp), down.astype(np.intp)
    right, low = across - column, (down - row) * mass
    first, high = row * plane.columns + column, mass - low
    corners = (first, first + 1, first + plane.columns, first + plane.columns + 1)
    high_right, low_right = high * right, low * right
    weights = (high - high_right, high_right, low - low_right, low_right)
    size = plane.rows * plane.columns
    total = np.bincount(np.concatenate(corners), weights=np.concatenate(weights), minlength=size)
    return total.reshape(plane.shape).astype(np.float32)
