"""Simple solids and the length of a ray through them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from hilum.cohort.phantom.plane import FloatArray, Plane

__all__ = ["Part", "chord", "deposit", "ellipsoid", "tube"]


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
