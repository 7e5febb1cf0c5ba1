"""Luma of colour images: secondary captures of films are often saved in colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from hilum.errors import CorruptFileError
from hilum.radiograph import reduction
from hilum.radiograph.dicom import bits
from hilum.radiograph.dicom.layout import Layout
from hilum.radiograph.dicom.samples import Stored

__all__ = ["render"]

_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601, as the Y of YBR_FULL (PS3.3, C.7.6.3.1.2)


def render(
    stored: Stored, layout: Layout, elements: Dataset, path: Path | str, factor: int = 1
) -> NDArray[np.float32]:
    """Render RGB, YBR or palette colour as luma, float32 (rows, columns) in [0, 1], reduced by `factor`.

    Raises
    ------
    CorruptFileError
        If the samples are signed, which colours never are.
    """
    if layout.signed:
        raise CorruptFileError("its colours are signed", path=path)
    stored = bits.settle(stored, path) if stored.samples.ndim == 2 else stored
    if layout.photometric == "PALETTE COLOR":
        return bits.look_up(_palette(bits.values(stored), elements), stored.samples, factor)
    table = (bits.values(stored) / ((1 << layout.bits_stored) - 1)).astype(np.float32)
    if stored.samples.ndim == 2:
        return bits.look_up(table, stored.samples, factor)
    if stored.layout.photometric.startswith("YBR"):
        return bits.look_up(table, stored.samples[:, :, 0], factor)

    def show(rows: NDArray[np.uint8 | np.uint16], out: NDArray[np.float32]) -> None:
        luma = sum(table.take(rows[:, :, channel]) * np.float32(_WEIGHTS[channel]) for channel in range(3))
        np.clip(luma, 0, 1, out=out)

    return reduction.render(stored.samples, show, factor)


def _palette(values: NDArray[np.int64], elements: Dataset) -> NDArray[np.float32]:
    colours = apply_color_lut(values, elements)
    full = np.iinfo(colours.dtype).max
    return np.asarray(colours[:, :3] @ np.array(_WEIGHTS) / full, np.float32)
