"""Soft tissue and air: the body's outline, the lungs, and what lies between them."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from hilum.cohort.phantom.acquisition import View
from hilum.cohort.phantom.anatomy import Anatomy
from hilum.cohort.phantom.plane import FloatArray, Plane
from hilum.cohort.phantom.solid import Part, chord, ellipsoid, tube

__all__ = ["AIR_SHARE", "body", "chest", "gut_gas", "lungs", "mediastinum", "windpipe"]

RECESS_MM = 38
"""How far lung reaches down behind the liver, in an average adult."""
AIR_SHARE = 0.74
"""Share of an inflated lung that is air; the rest weighs as soft tissue."""


def body(plane: Plane, anatomy: Anatomy, view: View) -> FloatArray:
    """Thickness from skin to skin, (rows, columns), mm, as if the lungs were full."""
    a, depth = anatomy, anatomy.body_depth_mm
    torso_side = np.maximum(a.side_mm(plane.y), 0.86 * a.width_mm) + a.coat_mm
    upper = 0.66 + 0.34 * _ramp(plane.y / (0.4 * a.height_mm))
    below_neck = _ramp((plane.y + 15 * a.size) / (70 * a.size))
    thickness = depth * upper * below_neck * chord(np.abs(plane.x / torso_side) ** 3.4)
    np.maximum(thickness, _shoulders(plane, a), out=thickness)
    np.maximum(thickness, _neck(plane, a), out=thickness)
    _add_arms(thickness, plane, a, view)
    if a.breast_mm > 0:
        for side in (-1, 1):
            centre = (side * 0.56 * a.width_mm, 0.80 * a.height_mm)
            radii = (0.5 * a.width_mm, 0.3 * a.height_mm)
            part, breast = ellipsoid(plane, centre, radii, a.breast_mm, side * 0.15)
            thickness[part] += breast
    return thickness


def _shoulders(plane: Plane, a: Anatomy) -> FloatArray:
    s, neck = a.size, 46 * a.size
    reach = a.width_mm + 72 * s
    slope = np.clip((np.abs(plane.x) - neck) / (a.width_mm + 40 * s - neck), 0, 1.5)
    top = s * (-70 + 56 * slope**0.75)
    depth = np.sqrt(_ramp((plane.y - top) / (80 * s))) * chord((plane.x / reach) ** 4)
    fold = 45 * s + 95 * s * np.clip((reach - np.abs(plane.x)) / (reach - a.width_mm), 0, 1)
    return (0.8 * a.body_depth_mm * depth * _ramp(1 - (plane.y - fold) / (50 * s))).astype(np.float32)


def _neck(plane: Plane, a: Anatomy) -> FloatArray:
    width = a.size * (50 + 0.25 * np.maximum(plane.y + 90 * a.size, 0))
    return (0.62 * a.body_depth_mm * chord((plane.x / width) ** 2) * _ramp(1 - plane.y / 60)).astype(
        np.float32
    )


def _add_arms(thickness: FloatArray, plane: Plane, a: Anatomy, view: View) -> None:
    s, spread = a.size, 1.0 if view is View.PA else 0.45
    for side in (-1, 1):
        shoulder = (side * (a.width_mm + 44 * s), 24 * s)
        wrist = (side * (a.width_mm + (56 + 160 * spread) * s), 460 * s)
        part, arm = tube(plane, [shoulder, wrist], 42 * s + 0.2 * a.coat_mm)
        np.maximum(thickness[part], arm, out=thickness[part])


def chest(plane: Plane, anatomy: Anatomy, grid: int) -> Part:
    """The part of the plane outside which there is no lung, in whole steps of `grid` pixels."""
    a = anatomy
    bottom = a.height_mm + a.dome_gap_mm + 1.15 * a.dome_rise_mm + RECESS_MM * a.size
    rows, columns = plane.window(-a.width_mm, a.width_mm, 0, bottom)
    return _on_grid(rows, plane.rows, grid), _on_grid(columns, plane.columns, grid)


def _on_grid(span: slice, size: int, grid: int) -> slice:
    return slice(span.start // grid * grid, min((span.stop // grid + 1) * grid, size))


def lungs(plane: Plane, anatomy: Anatomy) -> FloatArray:
    """Depth of the chest's cavity above the diaphragm, (rows, columns), mm.

    Below the diaphragm's outline the recess behind the liver still holds a wedge of lung.
    """
    a = anatomy
    side = np.maximum(a.side_mm(plane.y), 1e-3)
    depth = a.depth_mm * (0.5 + 0.5 * _ramp(plane.y / (0.45 * a.height_mm)))
    inner = _ramp((np.abs(plane.x) - a.inner_mm(plane.y)) / (5 * a.size) + 1)
    across = np.abs(plane.x) * (1 / side)
    cavity = depth * inner * chord(across * across * across)
    below = (plane.y - a.dome_mm(plane.x)) / a.size
    share = np.where(below < 0, 1 - 0.76 * _ramp(1 + below / 2.5), 0.24 * _ramp(1 - below / RECESS_MM))
    return cavity * share.astype(np.float32)


def mediastinum(plane: Plane, anatomy: Anatomy, lean_mm: float) -> FloatArray:
    """Depth of heart and great vessels, (rows, columns), mm; the front is shifted by `lean_mm`.

    At each height an ellipse between the two borders that a reader follows: superior vena cava and
    right atrium on one side; aortic knob, pulmonary trunk and left ventricle on the other.
    """
    a, y = anatomy, plane.y / anatomy.height_mm
    left, right = _left_border(y, a), _right_border(y, a)
    front = _ramp((y - 0.1) / 0.5) * lean_mm
    square = ((plane.x - front - (left + right) / 2) / ((left - right) / 2)) ** 2
    depth = a.depth_mm * (0.56 + 0.2 * _ramp((y - 0.35) / 0.5))
    return (depth * chord(square)).astype(np.float32)


def _left_border(y: FloatArray, a: Anatomy) -> FloatArray:
    s, heart, bulge = a.size, a.heart_width_mm, 0.08 * a.heart_round
    thymus = a.thymus_mm * _ramp(1.7 - y / 0.4)
    levels = [-0.4, 0.14, 0.21, 0.27, 0.33, 0.38, 0.45, 0.55, 0.70, 0.84, 0.95, 1.04, 1.15, 1.3]
    vessels = [24 * s, 25 * s, 22 * s + 0.9 * a.knob_mm, 23 * s + a.knob_mm, 20 * s + 0.9 * a.knob_mm, 33 * s]
    ventricle = [0.33, 0.40 + bulge, 0.54 + bulge, 0.64 + 0.4 * bulge, 0.66, 0.64, 0.60, 0.52]
    return _curve(y, levels, vessels + [heart * share for share in ventricle]) + thymus


def _right_border(y: FloatArray, a: Anatomy) -> FloatArray:
    s, heart = a.size, a.heart_width_mm
    thymus = a.thymus_mm * _ramp(1.7 - y / 0.4)
    levels = [-0.4, 0.1, 0.3, 0.45, 0.55, 0.68, 0.80, 0.92, 1.02, 1.3]
    atrium = [0.24, 0.31, 0.34, 0.33, 0.32, 0.30]
    vessels = [24 * s, 25 * s, 28 * s, 29 * s]
    return -_curve(y, levels, vessels + [heart * share for share in atrium]) - thymus


def _curve(y: FloatArray, levels: list[float], widths: list[float]) -> FloatArray:
    """A smooth line through the given points, straight beyond them."""
    line = PchipInterpolator(levels, widths)(np.clip(y, levels[0], levels[-1]))
    return np.asarray(line, dtype=np.float32)


def windpipe(plane: Plane, anatomy: Anatomy) -> FloatArray:
    """Air in trachea and main bronchi, (rows, columns), mm."""
    s, h = anatomy.size, anatomy.height_mm
    air = np.zeros(plane.shape, dtype=np.float32)
    carina = (3 * s, 0.38 * h)
    pipes = (
        ([(0, -110 * s), (1 * s, 0.1 * h), carina], 8.5 * s),
        ([carina, (-30 * s, 0.47 * h)], 5.5 * s),
        ([carina, (38 * s, 0.48 * h)], 5 * s),
    )
    for points, radius in pipes:
        part, path = tube(plane, points, radius)
        np.maximum(air[part], path, out=air[part])
    return air


def gut_gas(plane: Plane, anatomy: Anatomy, view: View) -> tuple[Part, FloatArray]:
    """Gas in the stomach, mm, and the part of the plane it covers; a fluid level where the patient stands."""
    a, r = anatomy, anatomy.bubble_mm
    x, y = 0.46 * a.width_mm, a.height_mm + a.dome_gap_mm + 1.15 * r
    part, gas = ellipsoid(plane, (x, y), (1.35 * r, r), 2.2 * r, -0.15)
    if view is View.PA:
        gas *= plane.y[part[0]] < y + 0.35 * r
    return part, gas


def _ramp(t: FloatArray) -> FloatArray:
    """Smooth step from 0 at 0 to 1 at 1."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)
