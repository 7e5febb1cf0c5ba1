"""One synthetic chest radiograph."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from hilum.cohort.phantom import film, lettering, skeleton, tissue, vessels
from hilum.cohort.phantom.acquisition import Acquisition, View
from hilum.cohort.phantom.anatomy import Anatomy
from hilum.cohort.phantom.bounds import require_within
from hilum.cohort.phantom.finding import Finding, FindingKind
from hilum.cohort.phantom.opacity import opacity
from hilum.cohort.phantom.patient import Patient
from hilum.cohort.phantom.plane import FloatArray, Plane

__all__ = ["render"]

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
    grey = film.expose(attenuation, plane.pixel_mm, _window(anatomy), acquisition, rng)
    film.collimate(grey, acquisition.border)
    if acquisition.marker:
        lettering.stamp_marker(grey, acquisition.marker)
    if acquisition.text:
        lettering.stamp_text(grey, acquisition.text)
    lettering.stamp_synthetic(grey)
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
    wide, fine = vessels.split(vessels.grow(a), FINE_VESSEL * plane.pixel_mm)
    chest = tissue.chest(plane, a, ORGANS * DISEASE)
    lung_plane, organs = plane.crop(*chest), plane.coarse(ORGANS)
    air_mm, aerated = _air(lung_plane.coarse(ORGANS), a, finding, wide, lean_mm)
    soft = _soft_parts(organs, a, taken.view)
    within = tuple(slice(part.start // ORGANS, -(-part.stop // ORGANS)) for part in chest)
    soft[within] -= film.SOFT_PER_MM * air_mm
    total = plane.refine(soft, ORGANS)
    total += film.BONE_PER_MM * _bones(plane, a, lean_mm)
    total[chest] += film.SOFT_PER_MM * vessels.draw_fine(lung_plane, fine, aerated)
    return np.maximum(total, 0, out=total)


def _bones(plane: Plane, a: Anatomy, lean_mm: float) -> FloatArray:
    """Ribs, spine and clavicles, mm of bone."""
    bone = np.zeros(plane.shape, dtype=np.float32)
    skeleton.add_ribs(bone, plane, a)
    skeleton.add_spine(bone, plane, a)
    skeleton.add_clavicles(bone, plane, a, lean_mm)
    return bone


def _air(
    organs: Plane, a: Anatomy, finding: Finding, wide: vessels.Markings, lean_mm: float
) -> tuple[FloatArray, FloatArray]:
    """Air in the lungs along each ray, in mm, and 0 to 1 how well a vessel shows there; on `organs`."""
    air = np.maximum(tissue.lungs(organs, a) - tissue.mediastinum(organs, a, lean_mm), 0)
    air *= tissue.AIR_SHARE
    if finding.kind is not FindingKind.NONE:
        air *= 1 - _lost(organs, a, finding, wide)
    aerated = np.minimum(air / (30 * a.size), 1)
    return air - aerated * vessels.draw_wide(organs, wide), aerated


def _lost(organs: Plane, a: Anatomy, finding: Finding, wide: vessels.Markings) -> FloatArray:
    """Share of air that disease replaces, 0 to 1; in consolidated lung the bronchi stay open."""
    lost = organs.refine(opacity(organs.coarse(DISEASE), a, finding), DISEASE)
    if finding.kind is FindingKind.CONSOLIDATION:
        bronchi = replace(wide, places=wide.places + np.float32(4 * a.size))
        lost *= 1 - 0.15 * np.minimum(vessels.draw_wide(organs, bronchi) / (4 * a.size), 1)
    return lost


def _soft_parts(organs: Plane, a: Anatomy, view: View) -> FloatArray:
    """Attenuation of all but the lungs' air, ribs, spine and clavicles, on `organs`."""
    soft = organs.refine(tissue.body(organs.coarse(2), a, view), 2)
    soft -= tissue.windpipe(organs, a)
    part, gas = tissue.gut_gas(organs, a, view)
    soft[part] -= gas
    soft *= film.SOFT_PER_MM
    shoulders = np.zeros(organs.shape, dtype=np.float32)
    skeleton.add_shoulders(shoulders, organs, a, view)
    soft += film.BONE_PER_MM * shoulders
    return soft


def _window(a: Anatomy) -> film.Window:
    """Levels for this patient, as a machine's automatic exposure would find them, disease aside."""
    lung = a.body_depth_mm - 0.92 * tissue.AIR_SHARE * a.depth_mm
    mediastinum = a.body_depth_mm - 0.12 * a.depth_mm
    return film.Window(film.SOFT_PER_MM * lung, film.SOFT_PER_MM * mediastinum)


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
