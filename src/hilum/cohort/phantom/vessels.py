"""Lung markings: arteries and veins that branch from the hila, and the fine meshwork between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hilum.cohort.phantom.anatomy import Anatomy
from hilum.cohort.phantom.plane import FloatArray, Plane
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
    places : array, (n, 2), float32
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
    """The vessels of both lungs; the same anatomy gives the same tree."""
    generator = np.random.default_rng((anatomy.seed, 3))
    return _joined([_lung(anatomy, side, generator) for side in (-1, 1)])


def _lung(a: Anatomy, side: int, generator: np.random.Generator) -> Markings:
    """One tree: TRUNKS branches leave the hilum like a fan, and fork at each of STEPS' levels."""
    hilum: FloatArray = np.array([0.24 * a.width_mm, (0.50 if side < 0 else 0.46) * a.height_mm])
    start: FloatArray = hilum + generator.normal(0, 1, (TRUNKS, 2)) * a.size * (3.0, 8.0)
    angle: FloatArray = np.linspace(-1.35, 1.4, TRUNKS) + generator.normal(0, 0.12, TRUNKS)
    radius: FloatArray = a.size * generator.uniform(3.2, 5.6, TRUNKS) * (0.8 + 0.35 * np.abs(np.sin(angle)))
    length: FloatArray = 0.15 * a.height_mm * generator.uniform(0.6, 1.4, TRUNKS)
    pieces = []
    for steps in STEPS:
        path, ends, angle = _branches(start, angle, length, steps, generator)
        thin = np.linspace(1.0, 0.84, steps)[None, :] * radius[:, None]
        step = np.repeat(length / steps, steps)
        pieces.append((path.reshape(-1, 2), thin.ravel(), step))
        start, angle, radius, length = _fork(ends, angle, radius, length, generator)
    places, radii, lengths = (np.concatenate(parts).astype(np.float32) for parts in zip(*pieces, strict=True))
    places[:, 0] *= side
    return Markings(places, radii, lengths)


def _branches(
    start: FloatArray, angle: FloatArray, length: FloatArray, steps: int, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Slightly winding paths (branches, steps, 2), their ends, and the directions there."""
    bend = np.cumsum(generator.normal(0, 0.32 / np.sqrt(steps), (angle.size, steps)), axis=1)
    heading = angle[:, None] + bend
    pieces = np.stack([np.cos(heading), np.sin(heading)], axis=-1) * (length / steps)[:, None, None]
    path = start[:, None, :] + np.cumsum(pieces, axis=1)
    return path, path[:, -1], heading[:, -1]


def _fork(
    ends: FloatArray,
    angle: FloatArray,
    radius: FloatArray,
    length: FloatArray,
    generator: np.random.Generator,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Two children each; the squares of their radii add up to a little less than the parent's."""
    share = generator.uniform(0.35, 0.65, angle.size)
    spread = generator.uniform(0.35, 1.0, angle.size)
    radii = np.concatenate([radius * np.sqrt(share), radius * np.sqrt(1 - share)]) * 0.98
    angles = np.concatenate([angle + spread * (1 - share), angle - spread * share])
    lengths = np.concatenate([length, length]) * generator.uniform(0.6, 1.05, 2 * angle.size)
    return np.concatenate([ends, ends]), angles, radii, lengths


def _joined(parts: list[Markings]) -> Markings:
    return Markings(
        np.concatenate([part.places for part in parts]),
        np.concatenate([part.radii_mm for part in parts]),
        np.concatenate([part.lengths_mm for part in parts]),
    )


def split(markings: Markings, radius_mm: float) -> tuple[Markings, Markings]:
    """Those wider than `radius_mm`, and the others."""
    wide = markings.radii_mm > radius_mm
    return _chosen(markings, wide), _chosen(markings, ~wide)


def _chosen(markings: Markings, which: npt.NDArray[np.bool_]) -> Markings:
    return Markings(markings.places[which], markings.radii_mm[which], markings.lengths_mm[which])


def draw_wide(plane: Plane, markings: Markings) -> FloatArray:
    """Blood in vessels of some pixels' width, (rows, columns), mm; narrow and wide ones in two strokes."""
    blood = np.zeros(plane.shape, dtype=np.float32)
    for stroke in split(markings, 1.3 * plane.pixel_mm):
        if stroke.radii_mm.size:
            layer = deposit(plane, stroke.places, stroke.volumes_mm3)
            sigma = 0.5 * float(stroke.radii_mm.mean()) / plane.pixel_mm
            blood += gaussian_filter(layer, sigma, truncate=2.5)
    return blood


def draw_fine(plane: Plane, markings: Markings, aerated: FloatArray) -> FloatArray:
    """Blood in vessels too narrow to need a width: the film blurs them, (rows, columns), mm.

    `aerated` is 0 to 1 on ``plane.coarse(2)``: how much lung there is for a vessel to be seen in.
    """
    coarse = plane.coarse(2)
    across = (markings.places[:, 0] - coarse.left_mm) / coarse.pixel_mm
    down = (markings.places[:, 1] - coarse.top_mm) / coarse.pixel_mm
    column = np.clip(across, 0, coarse.columns - 1).astype(np.intp)
    row = np.clip(down, 0, coarse.rows - 1).astype(np.intp)
    return deposit(plane, markings.places, markings.volumes_mm3 * aerated[row, column])
