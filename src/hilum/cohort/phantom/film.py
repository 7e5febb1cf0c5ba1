"""From attenuation to grey: Beer and Lambert, scatter, blur, quantum noise, and the display curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hilum.cohort.phantom.acquisition import Acquisition
from hilum.cohort.phantom.plane import FloatArray, enlarge, soften

__all__ = ["BONE_PER_MM", "SOFT_PER_MM", "Window", "collimate", "expose"]

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
