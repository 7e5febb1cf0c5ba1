"""Lung markings: arteries and veins that branch from the hila, and the fine meshwork between."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hilum.cohort.phantom.anatomy import Anatomy
from hilum.cohort.phantom.plane import FloatArray, Plane, soften
from hilum.cohort.phantom.solid import deposit

__all__ = ["Markings", "draw_fine", "draw_wide", "grow", "split"]

STEPS = (40, 30, 24, 18, 14, 10)
"""Pieces of a branch, from the first fork to the last."""
TRUNKS = 11


@dataclass(frozen=True)
class Markings:
    """Vessels as small pieces.

    Parameters
    ----------
    places : array, (2, n), float32
        x and y of each piece, mm.
    radii_mm, lengths_mm : array, (n,), float32
        Of each piece.
    """

    places: FloatArray
    radii_mm: FloatArray
    lengths_mm: FloatArray

    @property
    def volumes_mm3(self) -> FloatArray:
        """Volume of each piece."""
        return (np.pi * self.radii_mm**2 * self.lengths_mm).astype(np.float32)


def grow(anatomy: Anatomy) -> Markings:
    """The vessels of both lungs; the same anatomy gives the same trees.

    From each hilum TRUNKS branches leave like a fan, and fork at each of STEPS' levels. Both lungs grow
    at once, as if on the same side.
    """
    a, generator = anatomy, np.random.default_rng((anatomy.seed, 3))
    side = np.repeat(np.array([-1, 1], dtype=np.float32), TRUNKS)
    start, angle, radius, length = _trunks(a, side, generator)
    pieces = []
    for steps in STEPS:
        path, angle = _branches(start, angle, length, steps, generator)
        ends = path[:, :, -1].copy()
        path[0] *= np.resize(side, len(angle))[:, None]
        thin = np.linspace(1.0, 0.84, steps, dtype=np.float32) * radius[:, None]
        pieces.append((path.reshape(2, -1), thin.ravel(), np.repeat(length / steps, steps)))
        start, angle, radius, length = _fork(ends, angle, radius, length, generator)
    return Markings(*(np.concatenate(parts, axis=-1) for parts in zip(*pieces, strict=True)))


def _trunks(
    a: Anatomy, side: FloatArray, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Starts (2, branches), directions, radii and lengths of the first branches."""
    jitter = generator.standard_normal((3, side.size), dtype=np.float32)
    across = 0.24 * a.width_mm + 3 * a.size * jitter[0]
    down = np.where(side < 0, np.float32(0.50 * a.height_mm), np.float32(0.46 * a.height_mm))
    fan = np.linspace(-1.35, 1.4, TRUNKS, dtype=np.float32)
    angle = np.resize(fan, side.size) + np.float32(0.12) * jitter[2]
    width, reach = generator.random((2, side.size), dtype=np.float32)
    radius = a.size * (3.2 + 2.4 * width) * (0.8 + 0.35 * np.abs(np.sin(angle)))
    length = 0.15 * a.height_mm * (0.6 + 0.8 * reach)
    return np.stack([across, down + 8 * a.size * jitter[1]]), angle, radius, length


def _branches(
    start: FloatArray, angle: FloatArray, length: FloatArray, steps: int, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Slightly winding paths (2, branches, steps), and the directions at their ends."""
    heading = generator.standard_normal((angle.size, steps), dtype=np.float32)
    heading *= 0.32 / math.sqrt(steps)
    np.cumsum(heading, axis=1, out=heading)
    heading += angle[:, None]
    path = np.stack([np.cos(heading), np.sin(heading)])
    path *= (length / steps)[:, None]
    np.cumsum(path, axis=2, out=path)
    path += start[:, :, None]
    return path, heading[:, -1]


def _fork(
    ends: FloatArray,
    angle: FloatArray,
    radius: FloatArray,
    length: FloatArray,
    generator: np.random.Generator,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Two children each; the squares of their radii add up to a little less than the parent's."""
    share, spread, left, right = generator.random((4, angle.size), dtype=np.float32)
    share = 0.35 + 0.3 * share
    spread = 0.35 + 0.65 * spread
    radii = 0.98 * np.concatenate([radius * np.sqrt(share), radius * np.sqrt(1 - share)])
    angles = np.concatenate([angle + spread * (1 - share), angle - spread * share])
    lengths = np.concatenate([length * (0.6 + 0.45 * left), length * (0.6 + 0.45 * right)])
    return np.concatenate([ends, ends], axis=1), angles, radii, lengths


def split(markings: Markings, radius_mm: float) -> tuple[Markings, Markings]:
    """Those wider than `radius_mm`, and the others."""
    wide = markings.radii_mm > radius_mm
    return _chosen(markings, np.flatnonzero(wide)), _chosen(markings, np.flatnonzero(~wide))


def _chosen(markings: Markings, which: npt.NDArray[np.intp]) -> Markings:
    return Markings(markings.places[:, which], markings.radii_mm[which], markings.lengths_mm[which])


def draw_wide(plane: Plane, markings: Markings) -> FloatArray:
    """Blood in vessels of some pixels' width, (rows, columns), mm; narrow and wide ones in two strokes."""
    blood = np.zeros(plane.shape, dtype=np.float32)
    for stroke in split(markings, 1.3 * plane.pixel_mm):
        if stroke.radii_mm.size:
            layer = deposit(plane, stroke.places, stroke.volumes_mm3)
            sigma = 0.5 * float(stroke.radii_mm.mean()) / plane.pixel_mm
            blood += soften(layer, sigma)
    return blood


def draw_fine(plane: Plane, markings: Markings, aerated: FloatArray) -> FloatArray:
    """Blood in vessels too narrow to need a width: the film blurs them, (rows, columns), mm.

    `aerated` is 0 to 1 on ``plane.coarse(2)``: how much lung there is for a vessel to be seen in.
    """
    coarse = plane.coarse(2)
    across = (markings.places[0] - coarse.left_mm) / coarse.pixel_mm
    down = (markings.places[1] - coarse.top_mm) / coarse.pixel_mm
    column = np.clip(across, 0, coarse.columns - 1).astype(np.intp)
    row = np.clip(down, 0, coarse.rows - 1).astype(np.intp)
    return deposit(plane, markings.places, markings.volumes_mm3 * aerated[row, column])
