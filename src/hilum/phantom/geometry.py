"""Simple solids and the length of a ray through them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "FloatArray",
    "Part",
    "Plane",
    "chord",
    "deposit",
    "ellipsoid",
    "enlarge",
    "require_within",
    "soften",
    "tube",
]


def require_within(low: float, high: float, **values: float) -> None:
    """Raise unless each value lies in [low, high].

    Raises
    ------
    ValueError
        A value is outside the range, or not a number.

    Examples
    --------
    >>> require_within(0, 1, severity=1.5)
    Traceback (most recent call last):
    ValueError: severity must lie in [0, 1], found 1.5
    """
    for name, value in values.items():
        if math.isnan(value) or not low <= value <= high:
            raise ValueError(f"{name} must lie in [{low:g}, {high:g}], found {value:g}")


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


def chord(square: FloatArray) -> FloatArray:
    """sqrt(1 - square) inside the unit ball, 0 outside."""
    inside = np.subtract(1, square, dtype=np.float32)
    np.maximum(inside, 0, out=inside)
    return np.sqrt(inside, out=inside)


Part = tuple[slice, slice]
"""Rows and columns of a plane."""


def ellipsoid(
    plane: Plane, centre: tuple[float, float], radii: tuple[float, float], depth: float, angle: float = 0.0
) -> tuple[Part, FloatArray]:
    """Path through an ellipsoid, in mm, and the part of the plane that it covers.

    It is `depth` at the centre; the first axis is turned by `angle` rad.
    """
    reach, cos, sin = max(radii), math.cos(angle), math.sin(angle)
    part = plane.window(centre[0] - reach, centre[0] + reach, centre[1] - reach, centre[1] + reach)
    dx, dy = plane.x[:, part[1]] - centre[0], plane.y[part[0]] - centre[1]
    along = dx * (cos / radii[0]) + dy * (sin / radii[0])
    aside = dy * (cos / radii[1]) - dx * (sin / radii[1])
    return part, depth * chord(along * along + aside * aside)


def tube(
    plane: Plane, points: Sequence[tuple[float, float]], radius_mm: float, hollow: float = 0.0
) -> tuple[Part, FloatArray]:
    """Path through a bent pipe, in mm, and the part of the plane that it covers.

    `points` are the axis, x and y in mm; `hollow` is the inner over the outer radius. The inside of a
    hollow pipe counts as a quarter, as marrow in bone.
    """
    rows, columns = part = _around(plane, points, radius_mm)
    square = np.ones((rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32)
    for ends in pairwise(points):
        down, across = _around(plane, ends, radius_mm)
        near = square[
            down.start - rows.start : down.stop - rows.start,
            across.start - columns.start : across.stop - columns.start,
        ]
        np.minimum(near, _squared(plane.x[:, across], plane.y[down], *ends, radius_mm), out=near)
    path = chord(square)
    if hollow:
        path -= 0.75 * hollow * chord(square / hollow**2)
    path *= 2 * radius_mm
    return part, path


def _around(plane: Plane, points: Sequence[tuple[float, float]], radius_mm: float) -> Part:
    x, y = zip(*points, strict=True)
    return plane.window(min(x) - radius_mm, max(x) + radius_mm, min(y) - radius_mm, max(y) + radius_mm)


def _squared(
    x: FloatArray, y: FloatArray, start: tuple[float, float], end: tuple[float, float], unit_mm: float
) -> FloatArray:
    """Square of the distance to a line, in units."""
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
    """Spread small volumes over the nearest four pixels: mm of tissue, (rows, columns).

    `places` is (2, n), x and y in mm. What lies outside the plane is lost; nothing else is.
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
