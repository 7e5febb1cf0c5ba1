"""Simple solids and the length of a ray through them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hilum.cohort.phantom.plane import FloatArray, Plane

__all__ = ["chord", "deposit", "ellipsoid", "tube"]


def chord(square: FloatArray) -> FloatArray:
    """sqrt(1 - square) inside the unit ball, 0 outside."""
    return np.sqrt(np.maximum(1 - square, 0), dtype=np.float32)


def ellipsoid(
    plane: Plane, centre: tuple[float, float], radii: tuple[float, float], depth: float, angle: float = 0.0
) -> FloatArray:
    """Path through an ellipsoid, in mm: `depth` at its centre; its first axis turned by `angle` rad."""
    dx, dy = plane.x - centre[0], plane.y - centre[1]
    along = (dx * np.cos(angle) + dy * np.sin(angle)) / radii[0]
    aside = (dy * np.cos(angle) - dx * np.sin(angle)) / radii[1]
    return depth * chord((along**2 + aside**2).astype(np.float32))


def tube(
    plane: Plane, points: npt.ArrayLike, radius_mm: float, hollow: float = 0.0
) -> tuple[tuple[slice, slice], FloatArray]:
    """Path through a bent pipe, in mm, and the part of the plane that it covers.

    `points` are (n, 2), the axis as x and y in mm; `hollow` is the inner over the outer radius. The
    inside of a hollow pipe counts as a quarter, as marrow in bone.
    """
    axis = np.asarray(points, dtype=np.float32)
    low, high = axis.min(axis=0) - radius_mm, axis.max(axis=0) + radius_mm
    part = plane.window(low[0], high[0], low[1], high[1])
    x, y = plane.x[:, part[1]], plane.y[part[0]]
    square = np.full((y.shape[0], x.shape[1]), np.inf, dtype=np.float32)
    for start, end in pairwise(axis):
        step = end - start
        t = np.clip(((x - start[0]) * step[0] + (y - start[1]) * step[1]) / (step @ step), 0, 1)
        np.minimum(square, (x - start[0] - t * step[0]) ** 2 + (y - start[1] - t * step[1]) ** 2, out=square)
    square /= radius_mm**2
    path = chord(square)
    if hollow:
        path = path - 0.75 * hollow * chord(square / hollow**2)
    return part, 2 * radius_mm * path


def deposit(plane: Plane, places: FloatArray, volumes_mm3: FloatArray) -> FloatArray:
    """Spread small volumes over the nearest four pixels: mm of tissue, (rows, columns).

    `places` is (n, 2), x and y in mm. What lies outside the plane is lost; nothing else is.
    """
    across = (places[:, 0] - plane.left_mm) / plane.pixel_mm - 0.5
    down = (places[:, 1] - plane.top_mm) / plane.pixel_mm - 0.5
    inside = (across > 0) & (across < plane.columns - 1) & (down > 0) & (down < plane.rows - 1)
    across, down = across[inside], down[inside]
    column, row = across.astype(np.intp), down.astype(np.intp)
    right, below = across - column, down - row
    mass = volumes_mm3[inside] / plane.pixel_mm**2
    first = row * plane.columns + column
    flat = np.concatenate([first, first + 1, first + plane.columns, first + plane.columns + 1])
    shares = ((1 - right) * (1 - below), right * (1 - below), (1 - right) * below, right * below)
    weights = np.concatenate([mass * share for share in shares])
    total = np.bincount(flat, weights=weights, minlength=plane.rows * plane.columns)
    return total.reshape(plane.shape).astype(np.float32)
