"""Bone: ribs, spine, clavicles, scapulae, upper arms; in millimetres of compact bone along the beam."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hilum.cohort.phantom.acquisition import View
from hilum.cohort.phantom.anatomy import Anatomy
from hilum.cohort.phantom.plane import FloatArray, Plane
from hilum.cohort.phantom.solid import chord, tube

__all__ = ["add_clavicles", "add_ribs", "add_shoulders", "add_spine"]


def add_ribs(bone: FloatArray, plane: Plane, anatomy: Anatomy) -> None:
    """Add twelve pairs of ribs to `bone`, (rows, columns), in place.

    A rib is a tilted hoop on the thorax' wall: seen from the front, its back half falls slowly, then
    steeply at the side, where its front half returns, falling on towards the midline. Which rib a pixel
    lies on follows from one division, so all ribs are drawn at once.
    """
    a, s = anatomy, anatomy.size
    generator = np.random.default_rng((a.seed, 2))
    rows, _ = plane.window(0, 0, 3 * s, a.height_mm + 6 * a.rib_pitch_mm)
    for low, high in ((-a.width_mm - 8 * s, -14 * s), (14 * s, a.width_mm + 8 * s)):
        _, columns = plane.window(low, high, 0, 0)
        uneven = generator.normal(0, 0.05, 2).tolist()
        bone[rows, columns] += _hemithorax(np.abs(plane.x[:, columns]), plane.y[rows], a, uneven)


def _hemithorax(x: FloatArray, y: FloatArray, a: Anatomy, uneven: list[float]) -> FloatArray:
    side = a.side_mm(y) + 4 * a.size
    across = x * (1 / side)
    front = chord(across * across)
    drop = a.rib_drop_mm * side / a.width_mm
    level = (y / a.rib_pitch_mm + uneven[0] + uneven[1] * np.sin(y / (0.3 * a.height_mm))).astype(np.float32)
    bone_mm = 17 * a.size
    wall = np.minimum(0.85 * bone_mm / np.maximum(front, 0.05), 2.2 * bone_mm) * (across < 1)
    fall = (drop / a.rib_pitch_mm).astype(np.float32)
    fill = a.rib_height_mm / a.rib_pitch_mm
    back = _bands(level - fall * (1 - front), fill, 10)
    fore = _bands(level - fall * (1 + 1.12 * front), fill * 1.15, 6)
    fore *= np.clip(5 * (across - 0.40), 0, 0.5)  # cartilage, towards the midline, hardly shows
    back += fore
    back *= wall
    return back


def _bands(level: FloatArray, fill: float, last: int) -> FloatArray:
    """Bone where `level` is near 0, 1 ... `last`: flat pipes with a dense rim, a share `fill` wide."""
    rib = np.rint(level)
    np.clip(rib, 0, last, out=rib)
    square = np.subtract(level, rib, out=rib)
    square *= 2 / fill
    square *= square
    bone = chord(square)
    square *= 1 / 0.82**2
    bone -= 0.68 * chord(square)
    return bone


def add_spine(bone: FloatArray, plane: Plane, anatomy: Anatomy) -> None:
    """Add the vertebrae, with discs, pedicles, spinous and transverse processes, in place."""
    a, s = anatomy, anatomy.size
    _, columns = plane.window(-36 * s, 36 * s, 0, 0)
    y = plane.y
    dx = np.abs(plane.x[:, columns] - a.curve_mm * np.sin(np.pi * y / a.height_mm)) / s
    v = y / a.rib_pitch_mm
    v = v - np.rint(v)
    half = 14 + 3 * np.clip(y / a.height_mm, -0.5, 1.3) + 8 * v * v
    inside = np.clip((half - dx) / 1.5, 0, 1)
    plate = np.clip((0.45 - np.abs(v)) / 0.05, 0, 1)
    rim = inside * np.clip(1 - (half - dx) / 4, 0, 1) + np.exp(-(((np.abs(v) - 0.4) / 0.035) ** 2)) * inside
    cord = inside * (2.5 + 2.5 * plate) + 2.0 * rim
    pedicle = ((dx - 9.5) / 4) ** 2 + ((v + 0.14) / 0.2) ** 2
    cord += 4 * (chord(pedicle) - 0.8 * chord(pedicle / 0.5))
    cord += 4 * chord((dx / 3) ** 2 + ((v - 0.22) / 0.25) ** 2)
    cord += 3 * chord(((dx - 20) / 12) ** 2 + ((v + 0.2) / 0.14) ** 2)
    bone[:, columns] += s * cord.astype(np.float32)


def add_clavicles(bone: FloatArray, plane: Plane, anatomy: Anatomy, lean_mm: float) -> None:
    """Add the collar bones, in place; their inner ends are shifted by `lean_mm`."""
    a, s = anatomy, anatomy.size
    t = np.linspace(0, 1, 9)
    y = 36 * s - a.clavicle_rise_mm * t - 5 * s * np.sin(2 * np.pi * t**0.8)
    for side in (-1, 1):
        inner, outer = 13 * s + side * lean_mm, a.width_mm + 20 * s
        x = side * (inner + (outer - inner) * t)
        _add_pipe(bone, plane, list(zip(x.tolist(), y.tolist(), strict=True)), 6.4 * s, 0.62)


def add_shoulders(bone: FloatArray, plane: Plane, anatomy: Anatomy, view: View) -> None:
    """Add scapulae and upper arms, in place."""
    for side in (-1, 1):
        _add_scapula(bone, plane, anatomy, side)
        _add_humerus(bone, plane, anatomy, view, side)


def _add_scapula(bone: FloatArray, plane: Plane, a: Anatomy, side: int) -> None:
    s, inner = a.size, a.scapula_mm
    top, tip = (side * 0.92 * inner, 6 * s), (side * (inner + 8 * s), 128 * s)
    socket = (side * (a.width_mm + 30 * s), 28 * s)
    acromion = (side * (a.width_mm + 40 * s), -4 * s)
    _add_plate(bone, plane, np.array([top, tip, socket]), 1.6 * s)
    _add_pipe(bone, plane, [tip, socket], 4 * s, 0.7)
    _add_pipe(bone, plane, [top, tip], 1.8 * s, 0.0)
    _add_pipe(bone, plane, [top, socket], 2.2 * s, 0.4)
    _add_pipe(bone, plane, [(side * 0.95 * inner, 34 * s), acromion], 4.5 * s, 0.75)
    _add_pipe(bone, plane, [socket, (side * (a.width_mm + 16 * s), 10 * s)], 6 * s, 0.8)


def _add_plate(bone: FloatArray, plane: Plane, corners: FloatArray, thickness_mm: float) -> None:
    """Add a triangle whose edges thin out over a few millimetres."""
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    rows, columns = plane.window(left, right, top, bottom)
    x, y = plane.x[:, columns], plane.y[rows]
    centre, depth = corners.mean(axis=0), np.float32(2)
    for start, end in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        normal = np.array([start[1] - end[1], end[0] - start[0]]) / np.hypot(*(end - start))
        normal *= np.sign(normal @ (centre - start))
        (left, top), (across, down) = start.tolist(), normal.tolist()
        depth = np.minimum(depth, (x - left) * across + (y - top) * down)
    bone[rows, columns] += thickness_mm / 2 * np.maximum(depth, 0)


def _add_humerus(bone: FloatArray, plane: Plane, a: Anatomy, view: View, side: int) -> None:
    s, spread = a.size, 1.0 if view is View.PA else 0.45
    head = (side * (a.width_mm + 50 * s), 24 * s)
    elbow = (side * (a.width_mm + (60 + 105 * spread) * s), 310 * s)
    _add_pipe(bone, plane, [head, elbow], 10.5 * s, 0.65)
    ball = [head, (head[0] + side * 2 * s, head[1] + 6 * s)]
    _add_pipe(bone, plane, ball, 20 * s, 0.96)


def _add_pipe(
    bone: FloatArray,
    plane: Plane,
    points: Sequence[tuple[float, float]],
    radius_mm: float,
    hollow: float,
) -> None:
    part, path = tube(plane, points, radius_mm, hollow)
    bone[part] += path
