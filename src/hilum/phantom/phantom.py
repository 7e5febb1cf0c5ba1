"""One synthetic chest radiograph."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from hilum.phantom import anatomy, tissue
from hilum.phantom.anatomy import Anatomy
from hilum.phantom.description import Acquisition, Finding, FindingKind, Marker, MarkerStyle, Patient, View
from hilum.phantom.geometry import FloatArray, Plane, enlarge, require_within, soften
from hilum.phantom.tissue import opacity

__all__ = [
    "BONE_PER_MM",
    "SOFT_PER_MM",
    "SYNTHETIC",
    "Window",
    "collimate",
    "expose",
    "render",
    "stamp_marker",
    "stamp_synthetic",
    "stamp_text",
]


SOFT_PER_MM = 0.0205
"""Attenuation of water at 60 keV (NIST XCOM)."""
BONE_PER_MM = 0.038
"""What compact bone adds to that; below its full value, since a real beam hardens."""
SCATTER_MM = 38.0
SCATTER_STEP = 16
QUANTUM_NOISE = 0.0035
FLOOR = 1e-4
GAIN = 3.5
MIDDLE = 0.43


@dataclass(frozen=True)
class Window:
    """Attenuations (no unit) that the display shows as dark lung and bright mediastinum."""

    lung: float
    mediastinum: float


def expose(
    attenuation: FloatArray, pixel_mm: float, window: Window, taken: Acquisition, rng: np.random.Generator
) -> FloatArray:
    """Grey values in [0, 1], (rows, columns), of a map of attenuation (mu times length, no unit).

    Noise is that of counted quanta: its share grows as fewer of them arrive.
    """
    blurred = soften(attenuation, taken.blur_mm / pixel_mm)
    arrived = np.negative(blurred)
    np.exp(arrived, out=arrived)
    if taken.scatter > 0:
        sideways = _scattered(blurred, arrived, pixel_mm, taken.scatter)
        arrived *= 1 - taken.scatter
        arrived += sideways
    if taken.noise > 0:
        grain = rng.standard_normal(arrived.shape, dtype=np.float32)
        grain *= QUANTUM_NOISE * taken.noise / math.sqrt(taken.exposure)
        grain *= np.sqrt(arrived)
        arrived += grain
    return _displayed(arrived, window, taken)


def _displayed(arrived: FloatArray, window: Window, taken: Acquisition) -> FloatArray:
    """A logistic curve of attenuation, in place: toe and shoulder of a film."""
    span = window.mediastinum - window.lung
    middle = window.lung + MIDDLE * span + math.log(taken.exposure)
    gain = GAIN * taken.contrast / span
    grey = np.log(np.maximum(arrived, FLOOR, out=arrived), out=arrived)
    grey += middle
    grey *= gain
    np.exp(grey, out=grey)
    grey += 1
    return np.reciprocal(grey, out=grey)


def _scattered(attenuation: FloatArray, arrived: FloatArray, pixel_mm: float, share: float) -> FloatArray:
    """Radiation that tissue sends sideways: none from rays that met air alone."""
    rows, columns = (
        np.minimum(np.arange(SCATTER_STEP // 2, size + SCATTER_STEP // 2, SCATTER_STEP), size - 1)
        for size in arrived.shape
    )
    cells = np.ix_(rows, columns)
    source = share * arrived[cells] * np.minimum(0.5 * attenuation[cells], 1)
    spread = soften(source, SCATTER_MM / (pixel_mm * SCATTER_STEP))
    return enlarge(spread, SCATTER_STEP, (arrived.shape[0], arrived.shape[1]))


def collimate(grey: FloatArray, border: float) -> None:
    """Blacken a frame of `border` times the shorter side, in place."""
    width = round(border * min(grey.shape))
    if width == 0:
        return
    for edge in (grey[:width], grey[-width:], grey[:, :width], grey[:, -width:]):
        edge[:] = 0.02


SYNTHETIC = "SYNTHETIC"
INK = 0.96


def stamp_marker(grey: FloatArray, marker: Marker) -> None:
    """Draw a side marker, in place; it is moved inwards where it would leave the image."""
    height = max(round(marker.height * grey.shape[0]), 5)
    stencil = _marker_stencil(marker.letter, marker.style, height)
    _lay(grey, stencil, marker.across * grey.shape[1], marker.down * grey.shape[0])


def stamp_text(grey: FloatArray, text: str) -> None:
    """Burn `text` in at the top right, in place."""
    stencil = _words(text, max(round(0.03 * grey.shape[0]), 5))
    _lay(grey, stencil, grey.shape[1], 0.035 * grey.shape[0])


def stamp_synthetic(grey: FloatArray) -> None:
    """Write SYNTHETIC at the bottom left, in place: the same pixels on every image of one size."""
    stencil = _words(SYNTHETIC, max(round(0.022 * grey.shape[0]), 6))
    part = grey[-stencil.shape[0] :, : stencil.shape[1]]
    part[:] = (0.08 + 0.62 * stencil)[: part.shape[0], : part.shape[1]]


def _lay(grey: FloatArray, stencil: FloatArray, across: float, down: float) -> None:
    rows, columns = stencil.shape
    top = int(np.clip(down - rows / 2, 0, max(grey.shape[0] - rows, 0)))
    left = int(np.clip(across - columns / 2, 0, max(grey.shape[1] - columns, 0)))
    part = grey[top : top + rows, left : left + columns]
    part += stencil[: part.shape[0], : part.shape[1]] * (INK - part)


@lru_cache(maxsize=64)
def _words(text: str, height: int) -> FloatArray:
    """Coverage 0 to 1 of a line of text, (about 1.5 * height, columns)."""
    font = ImageFont.load_default(height)
    left, top, right, bottom = font.getbbox(text)
    pad = max(height // 4, 1)
    size = (int(right - left) + 2 * pad, int(bottom - top) + 2 * pad)
    image = Image.new("L", size)
    ImageDraw.Draw(image).text((pad - left, pad - top), text, fill=255, font=font)
    return _coverage(image)


@lru_cache(maxsize=64)
def _marker_stencil(letter: str, style: MarkerStyle, height: int) -> FloatArray:
    """Coverage 0 to 1 of a marker, (height, height)."""
    solid = style is MarkerStyle.BOX
    image = Image.new("L", (height, height), 255 if solid else 0)
    drawing = ImageDraw.Draw(image)
    if style is MarkerStyle.DISC:
        drawing.ellipse((0, 0, height - 1, height - 1), outline=255, width=max(height // 10, 1))
    font = ImageFont.load_default(height if style is MarkerStyle.PLAIN else 0.7 * height)
    drawing.text((height / 2, height / 2), letter, fill=0 if solid else 255, font=font, anchor="mm")
    return _coverage(image)


def _coverage(image: Image.Image) -> FloatArray:
    coverage = np.asarray(image, dtype=np.float32) / 255
    coverage.flags.writeable = False
    return coverage


ORGANS = 2
"""How much coarser than the image soft parts are drawn."""
DISEASE = 2
"""How much coarser than the organs disease is drawn."""
FINE_VESSEL = 1.3
"""Radius in pixels up to which a vessel is drawn without a width of its own."""


def render(
    patient: Patient,
    finding: Finding,
    acquisition: Acquisition,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """Draw a chest radiograph.

    Anatomy follows from `patient`, the place of disease from `finding`; `rng` gives the noise alone.

    Parameters
    ----------
    patient : Patient
    finding : Finding
    acquisition : Acquisition
    size : (int, int)
        Rows and columns, 64 to 4096 each, at most four to one.
    rng : numpy.random.Generator

    Returns
    -------
    array, (rows, columns), float32
        Grey values in [0, 1], air dark and bone bright, with SYNTHETIC at the bottom left.

    Raises
    ------
    ValueError
        The size is outside its range.

    Examples
    --------
    >>> image = render(Patient(), Finding(), Acquisition(), (128, 128), np.random.default_rng(0))
    >>> image.shape, image.dtype
    ((128, 128), dtype('float32'))
    """
    require_within(64, 4096, rows=size[0], columns=size[1])
    require_within(0.25, 4, aspect=size[1] / size[0])
    anatomy = Anatomy.of(patient).seen(acquisition.view, acquisition.inspiration)
    plane = _frame(Anatomy.of(patient), acquisition, size)
    attenuation = _turned(_attenuation(plane, anatomy, finding, acquisition), acquisition.rotation_deg, size)
    grey = expose(attenuation, plane.pixel_mm, _window(anatomy), acquisition, rng)
    collimate(grey, acquisition.border)
    if acquisition.marker:
        stamp_marker(grey, acquisition.marker)
    if acquisition.text:
        stamp_text(grey, acquisition.text)
    stamp_synthetic(grey)
    return grey.astype(np.float32, copy=False)


def _frame(anatomy: Anatomy, taken: Acquisition, size: tuple[int, int]) -> Plane:
    """The part of the patient on the film, with a margin where the film will be turned."""
    rows, columns = size
    a = anatomy
    wide = 2 * taken.field * (a.width_mm + a.coat_mm + 12 * a.size)
    tall = taken.field * (1.3 * a.height_mm + 75 * a.size)
    pixel_mm = max(wide / columns, tall / rows)
    slant = abs(math.sin(math.radians(taken.rotation_deg))) / 2
    more_rows, more_columns = math.ceil(slant * columns), math.ceil(slant * rows)
    left = (-0.5 - taken.shift_across) * columns - more_columns
    top = (-0.5 - taken.shift_down) * rows - more_rows
    middle_mm = 0.61 * a.height_mm - 28 * a.size
    return Plane(
        rows + 2 * more_rows,
        columns + 2 * more_columns,
        pixel_mm,
        left * pixel_mm,
        top * pixel_mm + middle_mm,
    )


def _attenuation(plane: Plane, a: Anatomy, finding: Finding, taken: Acquisition) -> FloatArray:
    """Attenuation along each ray, (rows, columns), no unit."""
    lean_mm = 0.35 * a.depth_mm * math.sin(math.radians(taken.yaw_deg))
    wide, fine = tissue.split(tissue.grow(a), FINE_VESSEL * plane.pixel_mm)
    chest = tissue.chest(plane, a, ORGANS * DISEASE)
    lung_plane, organs = plane.crop(*chest), plane.coarse(ORGANS)
    air_mm, aerated = _air(lung_plane.coarse(ORGANS), a, finding, wide, lean_mm)
    soft = _soft_parts(organs, a, taken.view)
    within = tuple(slice(part.start // ORGANS, -(-part.stop // ORGANS)) for part in chest)
    soft[within] -= SOFT_PER_MM * air_mm
    total = plane.refine(soft, ORGANS)
    total += BONE_PER_MM * _bones(plane, a, lean_mm)
    total[chest] += SOFT_PER_MM * tissue.draw_fine(lung_plane, fine, aerated)
    return np.maximum(total, 0, out=total)


def _bones(plane: Plane, a: Anatomy, lean_mm: float) -> FloatArray:
    """Ribs, spine and clavicles, mm of bone."""
    bone = np.zeros(plane.shape, dtype=np.float32)
    anatomy.add_ribs(bone, plane, a)
    anatomy.add_spine(bone, plane, a)
    anatomy.add_clavicles(bone, plane, a, lean_mm)
    return bone


def _air(
    organs: Plane, a: Anatomy, finding: Finding, wide: tissue.Markings, lean_mm: float
) -> tuple[FloatArray, FloatArray]:
    """Air in the lungs along each ray, in mm, and 0 to 1 how well a vessel shows there; on `organs`."""
    air = np.maximum(tissue.lungs(organs, a) - tissue.mediastinum(organs, a, lean_mm), 0)
    air *= tissue.AIR_SHARE
    if finding.kind is not FindingKind.NONE:
        air *= 1 - _lost(organs, a, finding, wide)
    aerated = np.minimum(air / (30 * a.size), 1)
    return air - aerated * tissue.draw_wide(organs, wide), aerated


def _lost(organs: Plane, a: Anatomy, finding: Finding, wide: tissue.Markings) -> FloatArray:
    """Share of air that disease replaces, 0 to 1; in consolidated lung the bronchi stay open."""
    lost = organs.refine(opacity(organs.coarse(DISEASE), a, finding), DISEASE)
    if finding.kind is FindingKind.CONSOLIDATION:
        bronchi = replace(wide, places=wide.places + np.float32(4 * a.size))
        lost *= 1 - 0.15 * np.minimum(tissue.draw_wide(organs, bronchi) / (4 * a.size), 1)
    return lost


def _soft_parts(organs: Plane, a: Anatomy, view: View) -> FloatArray:
    """Attenuation of all but the lungs' air, ribs, spine and clavicles, on `organs`."""
    soft = organs.refine(tissue.body(organs.coarse(2), a, view), 2)
    soft -= tissue.windpipe(organs, a)
    part, gas = tissue.gut_gas(organs, a, view)
    soft[part] -= gas
    soft *= SOFT_PER_MM
    shoulders = np.zeros(organs.shape, dtype=np.float32)
    anatomy.add_shoulders(shoulders, organs, a, view)
    soft += BONE_PER_MM * shoulders
    return soft


def _window(a: Anatomy) -> Window:
    """Levels for this patient, as a machine's automatic exposure would find them, disease aside."""
    lung = a.body_depth_mm - 0.92 * tissue.AIR_SHARE * a.depth_mm
    mediastinum = a.body_depth_mm - 0.12 * a.depth_mm
    return Window(SOFT_PER_MM * lung, SOFT_PER_MM * mediastinum)


def _turned(values: FloatArray, rotation_deg: float, size: tuple[int, int]) -> FloatArray:
    """Turn about the middle, clockwise, and cut to `size`."""
    if rotation_deg == 0:
        return values
    (rows, columns), (have_rows, have_columns) = size, values.shape
    cos, sin = math.cos(math.radians(rotation_deg)), math.sin(math.radians(rotation_deg))
    left = (have_columns - cos * columns - sin * rows) / 2
    top = (have_rows + sin * columns - cos * rows) / 2
    turned = Image.fromarray(values).transform(
        (columns, rows),
        Image.Transform.AFFINE,
        (cos, sin, left, -sin, cos, top),
        Image.Resampling.BILINEAR,
    )
    return np.array(turned, dtype=np.float32)
