"""Soft tissue and air: body, lungs, mediastinum, pulmonary vessels, and findings in the lungs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from hilum.phantom.anatomy import Anatomy
from hilum.phantom.description import Finding, FindingKind, View
from hilum.phantom.geometry import FloatArray, Plane, Region, blur, chord, deposit, ellipsoid, tube

__all__ = [
    "AIR_FRACTION",
    "Vessels",
    "airways",
    "body",
    "draw_fine_vessels",
    "draw_wide_vessels",
    "gastric_gas",
    "grow_vessels",
    "lung_region",
    "lungs",
    "mediastinum",
    "opacity",
    "split_vessels",
]


RECESS_MM = 38
"""Depth of the lung behind the liver, below the dome, in an average adult."""
AIR_FRACTION = 0.74
"""Of an inflated lung; the rest attenuates as soft tissue."""


def body(plane: Plane, anatomy: Anatomy, view: View) -> FloatArray:
    """Thickness from skin to skin, (rows, columns), mm, as if the lungs were solid."""
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


def lung_region(plane: Plane, anatomy: Anatomy, grid: int) -> Region:
    """The part of the plane that contains the lungs, in whole steps of `grid` pixels."""
    a = anatomy
    bottom = a.height_mm + a.dome_gap_mm + 1.15 * a.dome_rise_mm + RECESS_MM * a.size
    rows, columns = plane.window(-a.width_mm, a.width_mm, 0, bottom)
    return _on_grid(rows, plane.rows, grid), _on_grid(columns, plane.columns, grid)


def _on_grid(span: slice, size: int, grid: int) -> slice:
    return slice(span.start // grid * grid, min((span.stop // grid + 1) * grid, size))


def lungs(plane: Plane, anatomy: Anatomy) -> FloatArray:
    """Depth of the thoracic cavity above the diaphragm, (rows, columns), mm.

    Below the diaphragm's outline a wedge of lung extends into the recess behind the liver.
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
    """Depth of heart and great vessels, (rows, columns), mm; anterior structures are shifted by `lean_mm`.

    At each height it is an ellipse between the two visible borders: superior vena cava and right atrium on
    one side; aortic knob, pulmonary trunk and left ventricle on the other.
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
    """A smooth curve through the given points, constant beyond them."""
    line = PchipInterpolator(levels, widths)(np.clip(y, levels[0], levels[-1]))
    return np.asarray(line, dtype=np.float32)


def airways(plane: Plane, anatomy: Anatomy) -> FloatArray:
    """Air in trachea and main bronchi, (rows, columns), mm."""
    s, h = anatomy.size, anatomy.height_mm
    air = np.zeros(plane.shape, dtype=np.float32)
    carina = (3 * s, 0.38 * h)
    tubes = (
        ([(0, -110 * s), (1 * s, 0.1 * h), carina], 8.5 * s),
        ([carina, (-30 * s, 0.47 * h)], 5.5 * s),
        ([carina, (38 * s, 0.48 * h)], 5 * s),
    )
    for points, radius in tubes:
        part, path = tube(plane, points, radius)
        np.maximum(air[part], path, out=air[part])
    return air


def gastric_gas(plane: Plane, anatomy: Anatomy, view: View) -> tuple[Region, FloatArray]:
    """The part of the plane that the gastric bubble covers, and its gas, mm; with a fluid level in PA."""
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


SEGMENTS = (40, 30, 24, 18, 14, 10)
"""Segments of a branch, by generation."""
FIRST_BRANCHES = 11
"""Of each hilum."""


@dataclass(frozen=True)
class Vessels:
    """Pulmonary vessels as n small segments, float32."""

    places: FloatArray  # (2, n), x and y in mm
    radii_mm: FloatArray  # (n,)
    lengths_mm: FloatArray  # (n,)

    @property
    def volumes_mm3(self) -> FloatArray:
        """Volume of each segment."""
        return (np.pi * self.radii_mm**2 * self.lengths_mm).astype(np.float32)


def grow_vessels(anatomy: Anatomy) -> Vessels:
    """Return the vessels of both lungs; equal anatomy gives equal trees.

    From each hilum a fan of branches starts, which fork in two in each generation. Both lungs are grown
    together, on the same side, and one is mirrored.
    """
    a, generator = anatomy, np.random.default_rng((anatomy.seed, 3))
    side = np.repeat(np.array([-1, 1], dtype=np.float32), FIRST_BRANCHES)
    start, angle, radius, length = _first_branches(a, side, generator)
    segments = []
    for steps in SEGMENTS:
        path, angle = _branches(start, angle, length, steps, generator)
        ends = path[:, :, -1].copy()
        path[0] *= np.resize(side, len(angle))[:, None]
        thin = np.linspace(1.0, 0.84, steps, dtype=np.float32) * radius[:, None]
        segments.append((path.reshape(2, -1), thin.ravel(), np.repeat(length / steps, steps)))
        start, angle, radius, length = _fork(ends, angle, radius, length, generator)
    return Vessels(*(np.concatenate(parts, axis=-1) for parts in zip(*segments, strict=True)))


def _first_branches(
    a: Anatomy, side: FloatArray, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Starts (2, branches), angles, radii and lengths of the first generation."""
    jitter = generator.standard_normal((3, side.size), dtype=np.float32)
    across = 0.24 * a.width_mm + 3 * a.size * jitter[0]
    down = np.where(side < 0, np.float32(0.50 * a.height_mm), np.float32(0.46 * a.height_mm))
    fan = np.linspace(-1.35, 1.4, FIRST_BRANCHES, dtype=np.float32)
    angle = np.resize(fan, side.size) + np.float32(0.12) * jitter[2]
    width, reach = generator.random((2, side.size), dtype=np.float32)
    radius = a.size * (3.2 + 2.4 * width) * (0.8 + 0.35 * np.abs(np.sin(angle)))
    length = 0.15 * a.height_mm * (0.6 + 0.8 * reach)
    return np.stack([across, down + 8 * a.size * jitter[1]]), angle, radius, length


def _branches(
    start: FloatArray, angle: FloatArray, length: FloatArray, steps: int, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Slightly winding paths (2, branches, steps), and the angles at their ends."""
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
    """Two children of each branch; the squares of their radii add up to a little less than the parent's."""
    share, spread, left, right = generator.random((4, angle.size), dtype=np.float32)
    share = 0.35 + 0.3 * share
    spread = 0.35 + 0.65 * spread
    radii = 0.98 * np.concatenate([radius * np.sqrt(share), radius * np.sqrt(1 - share)])
    angles = np.concatenate([angle + spread * (1 - share), angle - spread * share])
    lengths = np.concatenate([length * (0.6 + 0.45 * left), length * (0.6 + 0.45 * right)])
    return np.concatenate([ends, ends], axis=1), angles, radii, lengths


def split_vessels(vessels: Vessels, radius_mm: float) -> tuple[Vessels, Vessels]:
    """Return the segments wider than `radius_mm`, and the others."""
    wide = vessels.radii_mm > radius_mm
    return _selected(vessels, np.flatnonzero(wide)), _selected(vessels, np.flatnonzero(~wide))


def _selected(vessels: Vessels, which: npt.NDArray[np.intp]) -> Vessels:
    return Vessels(vessels.places[:, which], vessels.radii_mm[which], vessels.lengths_mm[which])


def draw_wide_vessels(plane: Plane, vessels: Vessels) -> FloatArray:
    """Blood in vessels wider than a pixel, (rows, columns), mm; drawn with two widths."""
    blood = np.zeros(plane.shape, dtype=np.float32)
    for group in split_vessels(vessels, 1.3 * plane.pixel_mm):
        if group.radii_mm.size:
            layer = deposit(plane, group.places, group.volumes_mm3)
            sigma = 0.5 * float(group.radii_mm.mean()) / plane.pixel_mm
            blood += blur(layer, sigma)
    return blood


def draw_fine_vessels(plane: Plane, vessels: Vessels, aerated: FloatArray) -> FloatArray:
    """Blood in vessels narrower than a pixel, (rows, columns), mm.

    `aerated` is the visibility of vessels, 0 to 1, on ``plane.coarse(2)``.
    """
    coarse = plane.coarse(2)
    across = (vessels.places[0] - coarse.left_mm) / coarse.pixel_mm
    down = (vessels.places[1] - coarse.top_mm) / coarse.pixel_mm
    column = np.clip(across, 0, coarse.columns - 1).astype(np.intp)
    row = np.clip(down, 0, coarse.rows - 1).astype(np.intp)
    return deposit(plane, vessels.places, vessels.volumes_mm3 * aerated[row, column])


PATCHES = 7
"""Of ground glass in each lung."""
LOBES = (
    # side; top and bottom as fractions of the height; medial and lateral edge as fractions of the width
    (-1, 0.02, 0.47, 0.05, 1.0),
    (-1, 0.50, 0.86, 0.05, 0.75),
    (-1, 0.55, 1.10, 0.20, 1.0),
    (1, 0.02, 0.52, 0.05, 1.0),
    (1, 0.55, 1.10, 0.20, 1.0),
)


def opacity(plane: Plane, anatomy: Anatomy, finding: Finding) -> FloatArray:
    """Fraction of the air that the finding replaces, (rows, columns), 0 to 1."""
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
    clear: FloatArray, plane: Plane, centre: tuple[float, float], radii: tuple[float, float], dense: float
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
    """Smooth noise in -1 to 1, fixed in the patient's coordinates."""
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
