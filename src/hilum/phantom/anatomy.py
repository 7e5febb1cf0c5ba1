"""The dimensions of a patient's chest in millimetres, and its bones.

Proportions are chosen by eye and from textbook ranges: adult cardiothoracic ratio 0.40 to 0.50, up to 0.60
in infants; right diaphragm 10 to 20 mm above the left; more horizontal ribs and a wider thorax in children
(Goodman, *Felson's Principles of Chest Roentgenology*). No radiograph was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hilum.phantom.description import Patient, Sex, View
from hilum.phantom.geometry import FloatArray, Plane, chord, tube

__all__ = ["Anatomy", "add_clavicles", "add_ribs", "add_shoulders", "add_spine"]


@dataclass(frozen=True)
class Anatomy:
    """The dimensions of one chest, in the coordinates of `Plane`."""

    size: float  # length scale, 1 in an average adult, of small bones and vessels
    width_mm: float  # of the lungs: from the midline to the widest point
    height_mm: float  # of the lungs: from the apex to the right dome
    depth_mm: float  # of the lungs: from front to back
    apex_mm: float  # from the midline to an apex
    coat_mm: float  # soft tissue outside the ribs, at the side
    heart_ratio: float  # cardiothoracic ratio
    heart_round: float  # left ventricle from slender and upright (0) to round (1)
    dome_gap_mm: float  # right dome above left
    dome_rise_mm: float  # dome above its costophrenic angle
    rib_drop_mm: float  # fall of a rib from spine to side
    rib_pitch_mm: float  # distance between ribs
    rib_height_mm: float
    clavicle_rise_mm: float  # lateral end above medial end
    scapula_mm: float  # from the midline to the scapula's medial border
    curve_mm: float  # lateral curvature of the spine
    knob_mm: float  # radius of the aortic knob
    breast_mm: float  # thickness
    thymus_mm: float  # widening of the upper mediastinum in infants
    bubble_mm: float  # radius of the gastric bubble
    seed: int  # of vessels and other small structures

    @classmethod
    def of(cls, patient: Patient) -> Anatomy:
        """Return the chest of a patient, in a PA view at full inspiration."""
        z = np.random.default_rng((patient.seed, 1)).standard_normal(16).clip(-2, 2).tolist()
        grown, male = patient.growth, patient.sex is Sex.MALE
        adult = max(0.0, (grown - 0.6) / 0.4)
        size = (0.46 + 0.54 * grown) * (1 + 0.04 * z[0]) * (1.03 if male else 0.97 + 0.03 * (1 - adult))
        width = 138 * size * (1 + 0.03 * z[1]) * (1.06 - 0.06 * grown)
        height = width * (1.22 + 0.44 * grown + 0.07 * z[2] - 0.05 * patient.habitus)
        depth = width * (1.25 + 0.05 * z[3])
        age_heart = 0.03 * max(0.0, (patient.age_years - 40) / 60)
        return cls(
            size=size,
            width_mm=width,
            height_mm=height,
            depth_mm=depth,
            apex_mm=width * (0.42 + 0.02 * z[4]),
            coat_mm=size * (27 + 11 * patient.habitus + 2 * z[5]),
            heart_ratio=0.55 - 0.11 * grown + age_heart + 0.018 * z[6] + 0.02 * patient.habitus,
            heart_round=float(np.clip(0.75 - 0.35 * grown + 0.15 * z[7] + 0.15 * patient.habitus, 0, 1)),
            dome_gap_mm=size * (13 + 4 * z[8]),
            dome_rise_mm=height * (0.17 + 0.02 * z[9]),
            rib_drop_mm=width * (0.15 + 0.18 * grown + 0.02 * z[10]),
            rib_pitch_mm=height / (9.6 + 0.3 * z[10]),
            rib_height_mm=size * (12 + 0.6 * z[11]),
            clavicle_rise_mm=size * (22 + 7 * z[12]),
            scapula_mm=width * (0.93 + 0.04 * z[13]),
            curve_mm=size * 2.5 * z[14],
            knob_mm=size * (11 + 6 * grown + 3 * age_heart / 0.03 + z[15]),
            breast_mm=0.0 if male else adult * (18 + 8 * patient.habitus + 4 * z[13]),
            thymus_mm=max(0.0, 1 - patient.age_years / 4) * 14,
            bubble_mm=size * (21 + 5 * z[4]),
            seed=patient.seed,
        )

    def seen(self, view: View, inspiration: float) -> Anatomy:
        """Return the same chest in another view and at another depth of inspiration.

        An AP radiograph magnifies the heart by about a seventh, is taken supine or semi-erect (higher
        diaphragm, shallower breath) and leaves the scapulae over the lungs.
        """
        height = self.height_mm * (0.84 + 0.2 * inspiration)
        if view is View.PA:
            return replace(self, height_mm=height)
        return replace(
            self,
            height_mm=height * 0.93,
            heart_ratio=self.heart_ratio * 1.14,
            rib_drop_mm=self.rib_drop_mm * 0.9,
            clavicle_rise_mm=self.clavicle_rise_mm * 1.3,
            scapula_mm=self.scapula_mm * 0.84,
        )

    @property
    def body_depth_mm(self) -> float:
        """From the skin in front to the skin at the back."""
        return self.depth_mm + 1.7 * self.coat_mm

    @property
    def heart_width_mm(self) -> float:
        """Width of the heart."""
        return 2 * self.heart_ratio * self.width_mm

    def side_mm(self, y: FloatArray) -> FloatArray:
        """Distance of the lungs' lateral border from the midline at heights `y`; 0 above the apex."""
        t = np.clip(y / (0.85 * self.height_mm), 0, 1)
        grown = (1 - (1 - t) ** 2.3) ** 0.62
        side = self.apex_mm + (self.width_mm - self.apex_mm) * grown
        return np.where(y > 0, side, 0).astype(np.float32)

    def inner_mm(self, y: FloatArray) -> FloatArray:
        """Distance of the lungs' medial border from the midline; the apices are round."""
        t = np.clip(y / (0.3 * self.height_mm), 0, 1)
        inner: FloatArray = (self.apex_mm * (1 - np.sqrt(1 - (1 - t) ** 2))).astype(np.float32)
        return inner

    def dome_mm(self, x: FloatArray) -> FloatArray:
        """Height y of the diaphragm's outline at `x`."""
        left = 0.5 + 0.5 * np.tanh(x / (0.12 * self.width_mm))
        across = np.abs(x) / self.width_mm
        fall = np.where(across > 0.5, (across - 0.5) ** 2 * 4.6, (across - 0.5) ** 2 * 0.8)
        dome: FloatArray = self.height_mm + self.dome_gap_mm * left + self.dome_rise_mm * fall
        return dome


def add_ribs(bone: FloatArray, plane: Plane, anatomy: Anatomy) -> None:
    """Add twelve pairs of ribs to `bone`, (rows, columns), in place.

    A rib is a tilted hoop in the chest wall. In projection its posterior half descends slowly, then steeply
    at the side, where its anterior half continues downwards to the midline. One division gives the rib that a
    pixel lies on, so all ribs are drawn at once.
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
    fore *= np.clip(5 * (across - 0.40), 0, 0.5)  # cartilage, towards the midline, is hardly visible
    back += fore
    back *= wall
    return back


def _bands(level: FloatArray, fill: float, last: int) -> FloatArray:
    """Bone where `level` is near 0, 1 ... `last`: flat tubes with a dense rim, of height `fill`."""
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
    """Add the vertebrae with discs, pedicles, spinous and transverse processes, in place."""
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
    """Add the clavicles, in place, with their medial ends shifted by `lean_mm`."""
    a, s = anatomy, anatomy.size
    t = np.linspace(0, 1, 9)
    y = 36 * s - a.clavicle_rise_mm * t - 5 * s * np.sin(2 * np.pi * t**0.8)
    for side in (-1, 1):
        inner, outer = 13 * s + side * lean_mm, a.width_mm + 20 * s
        x = side * (inner + (outer - inner) * t)
        _add_tube(bone, plane, list(zip(x.tolist(), y.tolist(), strict=True)), 6.4 * s, 0.62)


def add_shoulders(bone: FloatArray, plane: Plane, anatomy: Anatomy, view: View) -> None:
    """Add scapulae and humeri, in place."""
    for side in (-1, 1):
        _add_scapula(bone, plane, anatomy, side)
        _add_humerus(bone, plane, anatomy, view, side)


def _add_scapula(bone: FloatArray, plane: Plane, a: Anatomy, side: int) -> None:
    s, inner = a.size, a.scapula_mm
    top, tip = (side * 0.92 * inner, 6 * s), (side * (inner + 8 * s), 128 * s)
    socket = (side * (a.width_mm + 30 * s), 28 * s)
    acromion = (side * (a.width_mm + 40 * s), -4 * s)
    _add_plate(bone, plane, np.array([top, tip, socket]), 1.6 * s)
    _add_tube(bone, plane, [tip, socket], 4 * s, 0.7)
    _add_tube(bone, plane, [top, tip], 1.8 * s, 0.0)
    _add_tube(bone, plane, [top, socket], 2.2 * s, 0.4)
    _add_tube(bone, plane, [(side * 0.95 * inner, 34 * s), acromion], 4.5 * s, 0.75)
    _add_tube(bone, plane, [socket, (side * (a.width_mm + 16 * s), 10 * s)], 6 * s, 0.8)


def _add_plate(bone: FloatArray, plane: Plane, corners: FloatArray, thickness_mm: float) -> None:
    """Add a triangular plate whose edges taper over a few millimetres."""
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
    _add_tube(bone, plane, [head, elbow], 10.5 * s, 0.65)
    ball = [head, (head[0] + side * 2 * s, head[1] + 6 * s)]
    _add_tube(bone, plane, ball, 20 * s, 0.96)


def _add_tube(
    bone: FloatArray, plane: Plane, points: Sequence[tuple[float, float]], radius_mm: float, hollow: float
) -> None:
    part, path = tube(plane, points, radius_mm, hollow)
    bone[part] += path
