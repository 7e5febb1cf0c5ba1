"""From a DICOM file to a `Radiograph`: decode its samples and render them as a viewer would.

All steps from a sample to its display value (bits, sign, padding, modality, VOI, polarity) are computed once
for each possible bit pattern, and the image is looked up in that table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from hilum.errors import CorruptFileError
from hilum.radiograph.dicom import dataset
from hilum.radiograph.dicom.dataset import Layout, code, integer, numbers
from hilum.radiograph.dicom.decoding import Samples, Stored, unpack
from hilum.radiograph.dicom.lookup import first_lookup, first_window
from hilum.radiograph.preprocessing import factor_for, render
from hilum.radiograph.radiograph import Header, Limits, Radiograph

__all__ = ["decode"]

_LUMA_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601, as the Y of YBR_FULL (PS3.3, C.7.6.3.1.2)
_STRIP_SAMPLES = 1 << 18
_COMPARED_ROWS = 512


def decode(content: bytes, path: Path | str, limits: Limits, side: int | None = None) -> Radiograph:
    """Decode a DICOM file.

    Call `hilum.radiograph.decode`, which converts pydicom's exceptions to `RadiographError`.
    """
    parsed = dataset.parse(content, path, limits)
    elements = parsed.elements
    dataset.check_kind(elements, path)
    layout = dataset.read_layout(elements, path)
    stored = unpack(parsed, layout, path, limits)
    header = Header(
        "DICOM",
        layout.rows,
        layout.columns,
        layout.photometric,
        layout.bits_stored,
        len(content),
        **dataset.read_facts(elements),
    )
    factor = factor_for(layout.rows, layout.columns, side)
    rendered = _render_grayscale if layout.is_grayscale else _render_colour
    pixels = rendered(stored, layout, elements, path, factor)
    return Radiograph(pixels, header, (layout.rows, layout.columns) if factor > 1 else None)


def _render_grayscale(
    stored: Stored, layout: Layout, elements: Dataset, path: Path | str, factor: int
) -> NDArray[np.float32]:
    """Render MONOCHROME1 or MONOCHROME2 in [0, 1], bone bright.

    The first VOI LUT is used, else the first window. Without either, unsigned images of up to 8 bits are
    taken as display values, and others are scaled from their smallest to their largest pixel, padding left
    out.
    """
    stored = _reconcile_bits(stored, path)
    value = _sample_values(stored.layout)
    padding = _is_padding(value, elements, layout)
    output = _apply_modality(value.astype(np.float64), elements, path, layout)
    if padding.any() and all(padding[strip].all() for strip in _strips(stored.samples)):
        raise CorruptFileError("every pixel is padding", path=path)
    display = _apply_voi(output, partial(_range, output, padding, stored.samples), elements, path, layout)
    if layout.photometric == "MONOCHROME1" or code(elements, "PresentationLUTShape") == "INVERSE":
        display = 1 - display  # once: DX states the same inversion in both elements
    display[padding] = 0
    if not np.isfinite(display).all():
        raise CorruptFileError("its window or rescale gives no finite values", path=path)
    return _look_up(np.clip(display, 0, 1).astype(np.float32), stored.samples, factor)


def _look_up(table: NDArray[np.float32], samples: Samples, factor: int) -> NDArray[np.float32]:
    # The table covers all bit patterns; mode="clip" only skips the bounds check, and its buffer.
    return render(samples, lambda rows, out: table.take(rows, out=out, mode="clip"), factor)


def _strips(samples: Samples) -> Iterator[Samples]:
    step = max(1, _STRIP_SAMPLES // samples.shape[1])
    return (samples[start : start + step] for start in range(0, len(samples), step))


def _sample_values(layout: Layout) -> NDArray[np.int64]:
    """Return the value of each bit pattern: shifted to the high bit, masked, with its sign."""
    pattern = np.arange(1 << layout.bits_allocated)
    value = (pattern >> (layout.high_bit + 1 - layout.bits_stored)) & ((1 << layout.bits_stored) - 1)
    if layout.signed:
        value = np.where(value >> (layout.bits_stored - 1), value - (1 << layout.bits_stored), value)
    return value


def _reconcile_bits(stored: Stored, path: Path | str) -> Stored:
    """Check the bits in use against the header, and correct a HighBit that is clearly wrong.

    Bits above those stored are masked where they are an overlay, or anything else independent of the image;
    where the image continues in them, BitsStored is wrong, and `CorruptFileError` is raised.
    """
    layout, samples = stored.layout, stored.samples
    used = int(np.bitwise_or.reduce(samples, axis=None))
    contradiction = CorruptFileError(
        "the pixels use bits outside those that the header declares",
        path=path,
        expected=f"{layout.bits_stored} bits with high bit {layout.high_bit}",
        found=f"bits {used:#x} in use",
    )
    below = layout.high_bit + 1 - layout.bits_stored
    if below and used & ((1 << below) - 1):
        if used >> layout.bits_stored:
            raise contradiction
        return Stored(samples, replace(layout, high_bit=layout.bits_stored - 1))
    if used >> (layout.high_bit + 1) and not _is_sign_extended(stored) and _continues_above(stored):
        raise contradiction
    return stored


def _is_sign_extended(stored: Stored) -> bool:
    if not stored.layout.signed:
        return False
    dtype = stored.samples.dtype
    signed = stored.samples.view(f"{dtype.byteorder}i{dtype.itemsize}")
    limit = 1 << stored.layout.high_bit
    return bool(-limit <= signed.min() and signed.max() < limit)


def _continues_above(stored: Stored) -> bool:
    """Whether neighbours that differ in the bits above are closer with these bits than without."""
    samples = stored.samples[:: 1 + len(stored.samples) // _COMPARED_ROWS].astype(np.int64)
    bits = stored.layout.high_bit + 1
    changed = np.diff(samples >> bits, axis=1) != 0
    with_bits = np.abs(np.diff(samples, axis=1))[changed]
    without = np.abs(np.diff(samples & ((1 << bits) - 1), axis=1))[changed]
    return bool(changed.any() and np.median(with_bits) < np.median(without))


def _is_padding(value: NDArray[np.int64], elements: Dataset, layout: Layout) -> NDArray[np.bool_]:
    """Which bit patterns are padding (PS3.3, C.7.5.1.1.2), whose value may need more bits than are stored."""
    ends = numbers(elements, "PixelPaddingValue")[:1]
    if not ends:
        return np.zeros(len(value), np.bool_)
    ends += numbers(elements, "PixelPaddingRangeLimit")[:1]
    low, high = min(ends), max(ends)
    whole, span = np.arange(len(value)), len(value)
    if layout.signed:
        whole = np.where(whole >= span // 2, whole - span, whole)
    return ((value >= low) & (value <= high)) | ((whole >= low) & (whole <= high))


def _apply_modality(
    value: NDArray[np.float64], elements: Dataset, path: Path | str, layout: Layout
) -> NDArray[np.float64]:
    table = first_lookup(elements, "ModalityLUTSequence", path, signed=layout.signed)
    if table:
        return table(value)
    slope = (numbers(elements, "RescaleSlope") or [1.0])[0]
    intercept = (numbers(elements, "RescaleIntercept") or [0.0])[0]
    if slope == 0:
        raise CorruptFileError("RescaleSlope is 0", path=path, remedy="Correct the element, or export again.")
    return value * slope + intercept


def _apply_voi(
    output: NDArray[np.float64],
    extremes: Callable[[], tuple[float, float]],
    elements: Dataset,
    path: Path | str,
    layout: Layout,
) -> NDArray[np.float64]:
    table = first_lookup(elements, "VOILUTSequence", path, signed=bool(output.min() < 0))
    if table:
        return table(output) / table.maximum
    window = first_window(elements, path)
    if window:
        return window(output)
    if layout.bits_stored <= 8 and integer(elements, "RescaleSlope", 1) == 1 and not layout.signed:
        return output / ((1 << layout.bits_stored) - 1)
    low, high = extremes()
    return (output - low) / (high - low or 1.0)


def _range(output: NDArray[np.float64], padding: NDArray[np.bool_], samples: Samples) -> tuple[float, float]:
    """Return the smallest and the largest output of a pixel that is not padding."""
    least, most = int(samples.min()), int(samples.max())
    steps = np.diff(output[least : most + 1])
    if not padding[least : most + 1].any() and ((steps >= 0).all() or (steps <= 0).all()):
        ends = float(output[least]), float(output[most])
        return min(ends), max(ends)
    present = np.zeros(len(output), np.bool_)  # several times as slow
    for strip in _strips(samples):
        present[strip] = True
    outputs = output[present & ~padding]
    return float(outputs.min()), float(outputs.max())


def _render_colour(
    stored: Stored, layout: Layout, elements: Dataset, path: Path | str, factor: int
) -> NDArray[np.float32]:
    """Render RGB, YBR or palette colour as luma in [0, 1]."""
    if layout.signed:
        raise CorruptFileError("its colours are signed", path=path)
    stored = _reconcile_bits(stored, path) if stored.samples.ndim == 2 else stored
    values = _sample_values(stored.layout)
    if layout.photometric == "PALETTE COLOR":
        return _look_up(_palette_luma(values, elements), stored.samples, factor)
    table = (values / ((1 << layout.bits_stored) - 1)).astype(np.float32)
    if stored.samples.ndim == 2:
        return _look_up(table, stored.samples, factor)
    if stored.layout.photometric.startswith("YBR"):
        return _look_up(table, stored.samples[:, :, 0], factor)

    def to_display(rows: Samples, out: NDArray[np.float32]) -> None:
        weighted = (table.take(rows[:, :, i]) * np.float32(weight) for i, weight in enumerate(_LUMA_WEIGHTS))
        np.clip(sum(weighted), 0, 1, out=out)

    return render(stored.samples, to_display, factor)


def _palette_luma(values: NDArray[np.int64], elements: Dataset) -> NDArray[np.float32]:
    colours = apply_color_lut(values, elements)
    full = np.iinfo(colours.dtype).max
    return np.asarray(colours[:, :3] @ np.array(_LUMA_WEIGHTS) / full, np.float32)
