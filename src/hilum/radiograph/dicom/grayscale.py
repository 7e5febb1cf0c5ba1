"""What a viewer shows of a grayscale image: modality LUT, VOI LUT, polarity (PS3.4, N.2).

Every step is a function of one sample, so it is applied to the table of all 256 or 65,536 bit patterns,
and the picture is looked up in that table. Padding comes out black.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hilum.errors import CorruptFileError
from hilum.radiograph.dicom import bits, window
from hilum.radiograph.dicom.layout import Layout
from hilum.radiograph.dicom.lookup import first_lookup
from hilum.radiograph.dicom.samples import Samples, Stored
from hilum.radiograph.dicom.values import integer, numbers, text

__all__ = ["render"]

_COUNTED = 1 << 18  # samples at a time


def render(
    stored: Stored, layout: Layout, elements: Dataset, path: Path | str, factor: int = 1
) -> NDArray[np.float32]:
    """Render a MONOCHROME1 or MONOCHROME2 image as float32 (rows, columns) in [0, 1], bone bright.

    The first VOI LUT is used, else the first window. Without either, images of up to 8 bits are taken as
    display values, and deeper ones from the smallest to the largest pixel that is no padding. What is shown
    is reduced by `factor`.

    Raises
    ------
    CorruptFileError
        If the elements contradict each other or the pixels.
    """
    stored = bits.settle(stored, path)
    value = bits.values(stored)
    padding = _padding(value, bits.patterns(stored), elements, layout)
    output = _modality(value.astype(np.float64), elements, path, layout)
    if padding.any() and all(padding[strip].all() for strip in _strips(stored)):
        raise CorruptFileError("every pixel is padding", path=path)
    shown = _voi(output, partial(_range, output, padding, stored), elements, path, layout)
    if layout.photometric == "MONOCHROME1" or text(elements, "PresentationLUTShape") == "INVERSE":
        shown = 1 - shown  # once: DX states the same inversion in both elements
    shown[padding] = 0
    if not np.isfinite(shown).all():
        raise CorruptFileError("its window or rescale gives no finite values", path=path)
    return bits.look_up(np.clip(shown, 0, 1).astype(np.float32), stored.samples, factor)


def _strips(stored: Stored) -> Iterator[Samples]:
    step = max(1, _COUNTED // stored.samples.shape[1])
    return (stored.samples[start : start + step] for start in range(0, len(stored.samples), step))


def _range(output: NDArray[np.float64], padding: NDArray[np.bool_], stored: Stored) -> tuple[float, float]:
    """Return the smallest and the largest output of a pixel that is no padding."""
    least, most = int(stored.samples.min()), int(stored.samples.max())
    steps = np.diff(output[least : most + 1])
    if not padding[least : most + 1].any() and ((steps >= 0).all() or (steps <= 0).all()):
        ends = float(output[least]), float(output[most])
        return min(ends), max(ends)
    present = np.zeros(len(output), np.bool_)  # several times as slow
    for strip in _strips(stored):
        present[strip] = True
    shown = output[present & ~padding]
    return float(shown.min()), float(shown.max())


def _padding(
    value: NDArray[np.int64], pattern: NDArray[np.int64], elements: Dataset, layout: Layout
) -> NDArray[np.bool_]:
    """Tell which patterns are padding (PS3.3, C.7.5.1.1.2); its value may need more bits than are stored."""
    ends = numbers(elements, "PixelPaddingValue")[:1]
    if not ends:
        return np.zeros(len(value), np.bool_)
    ends += numbers(elements, "PixelPaddingRangeLimit")[:1]
    low, high = min(ends), max(ends)
    span = 1 << layout.bits_allocated
    whole = np.where(pattern >= span // 2, pattern - span, pattern) if layout.signed else pattern
    return ((value >= low) & (value <= high)) | ((whole >= low) & (whole <= high))


def _modality(
    value: NDArray[np.float64], elements: Dataset, path: Path | str, layout: Layout
) -> NDArray[np.float64]:
    lookup = first_lookup(elements, "ModalityLUTSequence", path, signed=layout.signed)
    if lookup:
        return lookup(value)
    slope = (numbers(elements, "RescaleSlope") or [1.0])[0]
    intercept = (numbers(elements, "RescaleIntercept") or [0.0])[0]
    if slope == 0:
        raise CorruptFileError("RescaleSlope is 0", path=path, remedy="Correct the element, or export again.")
    return value * slope + intercept


def _voi(
    output: NDArray[np.float64],
    extremes: Callable[[], tuple[float, float]],
    elements: Dataset,
    path: Path | str,
    layout: Layout,
) -> NDArray[np.float64]:
    lookup = first_lookup(elements, "VOILUTSequence", path, signed=bool(output.min() < 0))
    if lookup:
        return lookup(output) / lookup.maximum
    first = window.first_window(elements, path)
    if first:
        return first(output)
    if layout.bits_stored <= 8 and integer(elements, "RescaleSlope", 1) == 1 and not layout.signed:
        return output / ((1 << layout.bits_stored) - 1)
    low, high = extremes()
    return (output - low) / (high - low or 1.0)
