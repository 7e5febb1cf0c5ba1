"""Rendering one synthetic chest radiograph: projection of the chest, exposure, and annotations."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from hilum.phantom import anatomy, tissue
from hilum.phantom.anatomy import Anatomy
from hilum.phantom.description import (
    Acquisition,
    Finding,
    FindingKind,
    Marker,
    MarkerStyle,
    Patient,
    View,
    require_within,
)
from hilum.phantom.geometry import FloatArray, Plane, blur, enlarge

__all__ = ["render"]

SOFT_PER_MM = 0.0205
"""Attenuation of water at 60 keV (NIST XCOM)."""
BONE_PER_MM = 0.038
"""What compact bone adds to that; below the tabulated value, since a real beam hardens."""
ORGANS = 2
"""Pixels of the plane of soft tissue, in pixels of the image."""
FINDINGS = 2
"""Pixels of the plane of findings, in pixels of the plane of soft tissue."""
FINE_VESSEL = 1.3
"""Radius in pixels up to which a vessel is drawn without a width of its own."""
SCATTER_MM = 38.0
SCATTER_STEP = 16
QUANTUM_NOISE = 0.0035
LEAST_ARRIVED = 1e-4
GAIN = 3.5
MID_GREY = 0.43
"""Attenuation shown as 0.5, between those of lung (0) and mediastinum (1)."""
LABEL = "SYNTHETIC"
INK = 0.96


def render(
    patient: Patient,
    finding: Finding,
    acquisition: Acquisition,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """Render a chest radiograph.

    `patient` decides the anatomy, `finding` the location of disease, `rng` only the noise.

    Parameters
    ----------
    patient : Patient
    finding : Finding
    acquisition : Acquisition
    size : (int, int)
        Rows and columns: 64 to 4096 each, with an aspect ratio of at most 4.
    rng : numpy.random.Generator

    Returns
    -------
    array, (rows, columns), float32
        Grey values in [0, 1], air dark and bone bright, with SYNTHETIC at the bottom left.

    Raises
    ------
    ValueError
        If the size is out of range.

    Examples
    --------
    >>> image = render(Patient(), Finding(), Acquisition(), (128, 128), np.random.default_rng(0))
    >>> image.shape, image.dtype
    ((128, 128), dtype('float32'))
    """
    require_within(64, 4096, rows=size[0], columns=size[1])
    require_within(0.25, 4, aspect=size[1] / size[0])
    chest = Anatomy.of(patient).seen(acquisition.view, acquisition.inspiration)
    plane = _image_plane(Anatomy.of(patient), acquisition, size)
    attenuation = _rotate(_attenuation(plane, chest, finding, acquisition), acquisition.rotation_deg, size)
    grey = _expose(attenuation, plane.pixel_mm, chest, acquisition, rng)
    _collimate(grey, acquisition.border)
    if acquisition.marker:
        _draw_marker(grey, acquisition.marker)
    if acquisition.text:
        _draw_text(grey, acquisition.text)
    _draw_label(grey)
    return grey.astype(np.float32, copy=False)


def _image_plane(a: Anatomy, taken: Acquisition, size: tuple[int, int]) -> Plane:
    """The part of the patient in the image, with a margin where the image will be rotated."""
    rows, columns = size
    wide = 2 * taken.field * (a.width_mm + a.coat_mm + 12 * a.size)
    tall = taken.field * (1.3 * a.height_mm + 75 * a.size)
    pixel_mm = max(wide / columns, tall / rows)
    slant = abs(math.sin(math.radians(taken.rotation_deg))) / 2
    more_rows, more_columns = math.ceil(slant * columns), math.ceil(slant * rows)
    left = (-0.5 - taken.shift_across) * columns - more_columns
    top = (-0.5 - taken.shift_down) * rows - more_rows
    centre_mm = 0.61 * a.height_mm - 28 * a.size
    return Plane(
        rows + 2 * more_rows,
        columns + 2 * more_columns,
        pixel_mm,
        left * pixel_mm,
        top * pixel_mm + centre_mm,
    )


def _attenuation(plane: Plane, a: Anatomy, finding: Finding, taken: Acquisition) -> FloatArray:
    """Attenuation along each ray: attenuation coefficient times path length, (rows, columns), no unit."""
    lean_mm = 0.35 * a.depth_mm * math.sin(math.radians(taken.yaw_deg))
    wide, fine = tissue.split_vessels(tissue.grow_vessels(a), FINE_VESSEL * plane.pixel_mm)
    region = tissue.lung_region(plane, a, ORGANS * FINDINGS)
    lung_plane, organs = plane.crop(*region), plane.coarse(ORGANS)
    air_mm, aerated = _air(lung_plane.coarse(ORGANS), a, finding, wide, lean_mm)
    soft = _soft_tissue(organs, a, taken.view)
    within = tuple(slice(part.start // ORGANS, -(-part.stop // ORGANS)) for part in region)
    soft[within] -= SOFT_PER_MM * air_mm
    total = plane.refine(soft, ORGANS)
    total += BONE_PER_MM * _bones(plane, a, lean_mm)
    total[region] += SOFT_PER_MM * tissue.draw_fine_vessels(lung_plane, fine, aerated)
    return np.maximum(total, 0, out=total)


def _air(
    organs: Plane, a: Anatomy, finding: Finding, wide: tissue.Vessels, lean_mm: float
) -> tuple[FloatArray, FloatArray]:
    """Air in the lungs along each ray, in mm, and the visibility of vessels there, 0 to 1."""
    air = np.maximum(tissue.lungs(organs, a) - tissue.mediastinum(organs, a, lean_mm), 0)
    air *= tissue.AIR_FRACTION
    if finding.kind is not FindingKind.NONE:
        air *= 1 - _replaced(organs, a, finding, wide)
    aerated = np.minimum(air / (30 * a.size), 1)
    return air - aerated * tissue.draw_wide_vessels(organs, wide), aerated


def _replaced(organs: Plane, a: Anatomy, finding: Finding, wide: tissue.Vessels) -> FloatArray:
    """Fraction of air that disease replaces, 0 to 1; in consolidated lung the bronchi stay aerated."""
    replaced = organs.refine(tissue.opacity(organs.coarse(FINDINGS), a, finding), FINDINGS)
    if finding.kind is FindingKind.CONSOLIDATION:
        bronchi = replace(wide, places=wide.places + np.float32(4 * a.size))
        replaced *= 1 - 0.15 * np.minimum(tissue.draw_wide_vessels(organs, bronchi) / (4 * a.size), 1)
    return replaced


def _soft_tissue(organs: Plane, a: Anatomy, view: View) -> FloatArray:
    """Attenuation of everything but the lungs' air, ribs, spine and clavicles."""
    soft = organs.refine(tissue.body(organs.coarse(2), a, view), 2)
    soft -= tissue.airways(organs, a)
    part, gas = tissue.gastric_gas(organs, a, view)
    soft[part] -= gas
    soft *= SOFT_PER_MM
    shoulders = np.zeros(organs.shape, dtype=np.float32)
    anatomy.add_shoulders(shoulders, organs, a, view)
    soft += BONE_PER_MM * shoulders
    return soft


def _bones(plane: Plane, a: Anatomy, lean_mm: float) -> FloatArray:
    """Ribs, spine and clavicles, in mm of bone."""
    bone = np.zeros(plane.shape, dtype=np.float32)
    anatomy.add_ribs(bone, plane, a)
    anatomy.add_spine(bone, plane, a)
    anatomy.add_clavicles(bone, plane, a, lean_mm)
    return bone


def _rotate(values: FloatArray, rotation_deg: float, size: tuple[int, int]) -> FloatArray:
    """Rotate clockwise about the centre, and crop to `size`."""
    if rotation_deg == 0:
        return values
    (rows, columns), (have_rows, have_columns) = size, values.shape
    cos, sin = math.cos(math.radians(rotation_deg)), math.sin(math.radians(rotation_deg))
    left = (have_columns - cos * columns - sin * rows) / 2
    top = (have_rows + sin * columns - cos * rows) / 2
    rotated = Image.fromarray(values).transform(
        (columns, rows), Image.Transform.AFFINE, (cos, sin, left, -sin, cos, top), Image.Resampling.BILINEAR
    )
    return np.array(rotated, dtype=np.float32)


def _expose(
    attenuation: FloatArray, pixel_mm: float, a: Anatomy, taken: Acquisition, rng: np.random.Generator
) -> FloatArray:
    """Grey values in [0, 1]: blur, scatter, quantum noise, and the display curve."""
    blurred = blur(attenuation, taken.blur_mm / pixel_mm)
    arrived = np.negative(blurred)
    np.exp(arrived, out=arrived)
    if taken.scatter > 0:
        scattered = _scattered(blurred, arrived, pixel_mm, taken.scatter)
        arrived *= 1 - taken.scatter
        arrived += scattered
    if taken.noise > 0:  # of counted quanta: relatively larger where fewer arrive
        noise = rng.standard_normal(arrived.shape, dtype=np.float32)
        noise *= QUANTUM_NOISE * taken.noise / math.sqrt(taken.exposure)
        noise *= np.sqrt(arrived)
        arrived += noise
    return _display(arrived, a, taken)


def _scattered(attenuation: FloatArray, arrived: FloatArray, pixel_mm: float, share: float) -> FloatArray:
    """Scattered radiation; rays that met only air scatter nothing."""
    rows, columns = (
        np.minimum(np.arange(SCATTER_STEP // 2, size + SCATTER_STEP // 2, SCATTER_STEP), size - 1)
        for size in arrived.shape
    )
    cells = np.ix_(rows, columns)
    source = share * arrived[cells] * np.minimum(0.5 * attenuation[cells], 1)
    spread = blur(source, SCATTER_MM / (pixel_mm * SCATTER_STEP))
    return enlarge(spread, SCATTER_STEP, (arrived.shape[0], arrived.shape[1]))


def _display(arrived: FloatArray, a: Anatomy, taken: Acquisition) -> FloatArray:
    """A logistic curve of attenuation, in place.

    Its levels are those of this patient's lung and mediastinum without disease, as automatic exposure control
    sets them.
    """
    lung = SOFT_PER_MM * (a.body_depth_mm - 0.92 * tissue.AIR_FRACTION * a.depth_mm)
    span = SOFT_PER_MM * (a.body_depth_mm - 0.12 * a.depth_mm) - lung
    centre = lung + MID_GREY * span + math.log(taken.exposure)
    gain = GAIN * taken.contrast / span
    grey = np.log(np.maximum(arrived, LEAST_ARRIVED, out=arrived), out=arrived)
    grey += centre
    grey *= gain
    np.exp(grey, out=grey)
    grey += 1
    return np.reciprocal(grey, out=grey)


def _collimate(grey: FloatArray, border: float) -> None:
    """Blacken a border of `border` times the shorter side, in place."""
    width = round(border * min(grey.shape))
    if width:
        for edge in (grey[:width], grey[-width:], grey[:, :width], grey[:, -width:]):
            edge[:] = 0.02


def _draw_marker(grey: FloatArray, marker: Marker) -> None:
    """Draw a side marker, in place, moved inwards where it would cross the image's edge."""
    height = max(round(marker.height * grey.shape[0]), 5)
    stencil = _marker_stencil(marker.letter, marker.style, height)
    _draw(grey, stencil, marker.across * grey.shape[1], marker.down * grey.shape[0])


def _draw_text(grey: FloatArray, text: str) -> None:
    """Burn in text at the top right, in place."""
    stencil = _text_stencil(text, max(round(0.03 * grey.shape[0]), 5))
    _draw(grey, stencil, grey.shape[1], 0.035 * grey.shape[0])


def _draw_label(grey: FloatArray) -> None:
    """Write SYNTHETIC at the bottom left, in place: the same pixels in every image of one size."""
    stencil = _text_stencil(LABEL, max(round(0.022 * grey.shape[0]), 6))
    part = grey[-stencil.shape[0] :, : stencil.shape[1]]
    part[:] = (0.08 + 0.62 * stencil)[: part.shape[0], : part.shape[1]]


def _draw(grey: FloatArray, stencil: FloatArray, across: float, down: float) -> None:
    rows, columns = stencil.shape
    top = int(np.clip(down - rows / 2, 0, max(grey.shape[0] - rows, 0)))
    left = int(np.clip(across - columns / 2, 0, max(grey.shape[1] - columns, 0)))
    part = grey[top : top + rows, left : left + columns]
    part += stencil[: part.shape[0], : part.shape[1]] * (INK - part)


@lru_cache(maxsize=64)
def _text_stencil(text: str, height: int) -> FloatArray:
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
