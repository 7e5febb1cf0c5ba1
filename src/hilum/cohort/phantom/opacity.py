"""Disease: which share of the lungs' air is replaced at each place."""

from __future__ import annotations

import numpy as np

from hilum.cohort.phantom.anatomy import Anatomy
from hilum.cohort.phantom.finding import Finding, FindingKind
from hilum.cohort.phantom.plane import FloatArray, Plane

__all__ = ["opacity"]

PATCHES = 7
LOBES = (
    # side, top and bottom as shares of the height, inner and outer as shares of the width
    (-1, 0.02, 0.47, 0.05, 1.0),
    (-1, 0.50, 0.86, 0.05, 0.75),
    (-1, 0.55, 1.10, 0.20, 1.0),
    (1, 0.02, 0.52, 0.05, 1.0),
    (1, 0.55, 1.10, 0.20, 1.0),
)


def opacity(plane: Plane, anatomy: Anatomy, finding: Finding) -> FloatArray:
    """Share of air that is gone, (rows, columns), 0 to 1; 0 everywhere without a finding."""
    if finding.kind is FindingKind.NONE or finding.severity == 0:
        return np.zeros(plane.shape, dtype=np.float32)
    generator = np.random.default_rng((finding.seed, 4))
    if finding.kind is FindingKind.GROUND_GLASS:
        full = _ground_glass(plane, anatomy, generator)
        return 0.8 * finding.severity * full
    full = _consolidation(plane, anatomy, generator)
    return np.float32(finding.severity**0.8) * full


def _ground_glass(plane: Plane, a: Anatomy, generator: np.random.Generator) -> FloatArray:
    clear = np.ones(plane.shape, dtype=np.float32)
    for side in (-1, 1):
        for _ in range(PATCHES):
            down = generator.triangular(0.25, 0.85, 1.02)
            height = np.float32(down * a.height_mm)
            centre = side * generator.uniform(0.62, 0.95) * float(a.side_mm(np.array([height]))[0])
            radii = (a.size * generator.uniform(18, 38), a.size * generator.uniform(24, 55))
            _add_patch(clear, plane, (centre, float(height)), radii, generator.uniform(0.45, 0.8))
    cloud = _cloud(plane, a, 11, generator)
    return ((1 - clear) * (0.72 + 0.28 * cloud)).astype(np.float32)


def _add_patch(
    clear: FloatArray,
    plane: Plane,
    centre: tuple[float, float],
    radii: tuple[float, float],
    dense: float,
) -> None:
    left, right = centre[0] - 2 * radii[0], centre[0] + 2 * radii[0]
    part = plane.window(left, right, centre[1] - 2 * radii[1], centre[1] + 2 * radii[1])
    dx, dy = (plane.x[:, part[1]] - centre[0]) / radii[0], (plane.y[part[0]] - centre[1]) / radii[1]
    clear[part] *= 1 - dense * np.exp(-((dx**2 + dy**2) ** 1.4))


def _consolidation(plane: Plane, a: Anatomy, generator: np.random.Generator) -> FloatArray:
    side, top, bottom, inner, outer = LOBES[generator.integers(len(LOBES))]
    x, y = side * plane.x / a.width_mm, plane.y / a.height_mm
    cloud = _cloud(plane, a, 22, generator)
    tilt = generator.uniform(-0.1, 0.2)
    ragged = 0.05 * cloud
    lower = _edge(bottom - y + tilt * x, 0.012 if bottom < 0.5 else 0.06)
    upper = _edge(y - top - tilt * x + ragged, 0.012 if 0.45 < top < 0.52 else 0.12)
    within = _edge(x - inner + ragged, 0.08) * _edge(outer - x + ragged, 0.1)
    return (0.93 * lower * upper * within * (0.9 + 0.1 * cloud)).astype(np.float32)


def _edge(distance: FloatArray, soft: float) -> FloatArray:
    share: FloatArray = np.clip(0.5 + distance / (2 * soft), 0, 1)
    return share


def _cloud(plane: Plane, a: Anatomy, grain_mm: float, generator: np.random.Generator) -> FloatArray:
    """Smooth noise in -1 to 1 that stays where it is in the patient, whatever the plane."""
    grain, reach = grain_mm * a.size, 1.3 * a.width_mm
    columns, rows = int(2 * reach / grain) + 2, int(1.6 * a.height_mm / grain) + 2
    noise = generator.uniform(-1, 1, (rows, columns)).astype(np.float32)
    left, top = (plane.left_mm + reach) / grain, (plane.top_mm + 0.2 * a.height_mm) / grain
    across = np.clip(left + plane.pixel_mm / grain * np.arange(plane.columns), 0, columns - 1.001)
    down = np.clip(top + plane.pixel_mm / grain * np.arange(plane.rows), 0, rows - 1.001)
    return _bilinear(noise, down.astype(np.float32), across.astype(np.float32))


def _bilinear(grid: FloatArray, down: FloatArray, across: FloatArray) -> FloatArray:
    row, column = down.astype(np.intp), across.astype(np.intp)
    below, right = (down - row)[:, None], (across - column)[None, :]
    rows = grid[row] * (1 - below) + grid[row + 1] * below
    values: FloatArray = rows[:, column] * (1 - right) + rows[:, column + 1] * right
    return values
