"""From the bytes of a DICOM file to a `Radiograph`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from hilum.errors import CorruptFileError
from hilum.radiograph import preprocessing
from hilum.radiograph.dicom import dataset, decoding, lookup
from hilum.radiograph.dicom.dataset import Layout, integer, numbers, positive, text
from hilum.radiograph.dicom.decoding import Samples, Stored
from hilum.radiograph.dicom.lookup import first_lookup
from hilum.radiograph.preprocessing import factor_for, render
from hilum.radiograph.radiograph import Header, Limits, Radiograph

__all__ = ["decode", "look_up", "patterns", "render_colour", "render_grayscale", "settle", "values"]


_MOST_ROWS = 512


def patterns(stored: Stored) -> NDArray[np.int64]:
    """Return all bit patterns that a sample can have, 0 to 2**allocated - 1."""
    return np.arange(1 << stored.layout.bits_allocated)


def values(stored: Stored) -> NDArray[np.int64]:
    """Return the value of each bit pattern: shifted to the high bit, masked, with its sign."""
    layout = stored.layout
    value = (patterns(stored) >> (layout.high_bit + 1 - layout.bits_stored)) & ((1 << layout.bits_stored) - 1)
    if layout.signed:
        value = np.where(value >> (layout.bits_stored - 1), value - (1 << layout.bits_stored), value)
    return value


def look_up(table: NDArray[np.float32], samples: Samples, factor: int = 1) -> NDArray[np.float32]:
    """Return ``table[samples]``, reduced by `factor`, within little memory."""

    def show(rows: Samples, out: NDArray[np.float32]) -> None:
        table.take(rows, out=out, mode="clip")  # which only says that no check is owed

    return render(samples, show, factor)


def settle(stored: Stored, path: Path | str) -> Stored:
    """Check the bits in use against the header, and correct a wrong HighBit where the data leaves no doubt.

    Bits above those stored are masked if they are an overlay (or anything else that is independent of the
    picture); if the picture continues in them, BitsStored is wrong.

    Raises
    ------
    CorruptFileError
        If header and data contradict each other.
    """
    layout, samples = stored.layout, stored.samples
    used = int(np.bitwise_or.reduce(samples, axis=None))
    below = layout.high_bit + 1 - layout.bits_stored
    if below and used & ((1 << below) - 1):
        if used >> layout.bits_stored:
            raise _contradiction(used, layout.bits_stored, layout.high_bit, path)
        return Stored(samples, replace(layout, high_bit=layout.bits_stored - 1))
    if used >> (layout.high_bit + 1) and not _is_sign_extended(stored) and _continues_above(stored):
        raise _contradiction(used, layout.bits_stored, layout.high_bit, path)
    return stored


def _is_sign_extended(stored: Stored) -> bool:
    layout = stored.layout
    if not layout.signed:
        return False
    signed = stored.samples.view(f"{stored.samples.dtype.byteorder}i{stored.samples.dtype.itemsize}")
    limit = 1 << layout.high_bit
    return bool(-limit <= signed.min() and signed.max() < limit)


def _continues_above(stored: Stored) -> bool:
    """Whether neighbours that differ in the high bits are nearer with these bits than without."""
    samples = stored.samples[:: 1 + len(stored.samples) // _MOST_ROWS].astype(np.int64)
    bits = stored.layout.high_bit + 1
    changed = np.diff(samples >> bits, axis=1) != 0
    with_bits = np.abs(np.diff(samples, axis=1))[changed]
    without = np.abs(np.diff(samples & ((1 << bits) - 1), axis=1))[changed]
    return bool(changed.any() and np.median(with_bits) < np.median(without))


def _contradiction(used: int, stored: int, high_bit: int, path: Path | str) -> CorruptFileError:
    return CorruptFileError(
        "the pixels use other bits than the header tells",
        path=path,
        expected=f"{stored} bits with high bit {high_bit}",
        found=f"bits {used:#x} in use",
    )


_COUNTED = 1 << 18  # samples at a time


def render_grayscale(
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
    stored = settle(stored, path)
    value = values(stored)
    padding = _padding(value, patterns(stored), elements, layout)
    output = _modality(value.astype(np.float64), elements, path, layout)
    if padding.any() and all(padding[strip].all() for strip in _strips(stored)):
        raise CorruptFileError("every pixel is padding", path=path)
    shown = _voi(output, partial(_range, output, padding, stored), elements, path, layout)
    if layout.photometric == "MONOCHROME1" or text(elements, "PresentationLUTShape") == "INVERSE":
        shown = 1 - shown  # once: DX states the same inversion in both elements
    shown[padding] = 0
    if not np.isfinite(shown).all():
        raise CorruptFileError("its window or rescale gives no finite values", path=path)
    return look_up(np.clip(shown, 0, 1).astype(np.float32), stored.samples, factor)


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
    table = first_lookup(elements, "VOILUTSequence", path, signed=bool(output.min() < 0))
    if table:
        return table(output) / table.maximum
    first = lookup.first_window(elements, path)
    if first:
        return first(output)
    if layout.bits_stored <= 8 and integer(elements, "RescaleSlope", 1) == 1 and not layout.signed:
        return output / ((1 << layout.bits_stored) - 1)
    low, high = extremes()
    return (output - low) / (high - low or 1.0)


_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601, as the Y of YBR_FULL (PS3.3, C.7.6.3.1.2)


def render_colour(
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
    stored = settle(stored, path) if stored.samples.ndim == 2 else stored
    if layout.photometric == "PALETTE COLOR":
        return look_up(_palette(values(stored), elements), stored.samples, factor)
    table = (values(stored) / ((1 << layout.bits_stored) - 1)).astype(np.float32)
    if stored.samples.ndim == 2:
        return look_up(table, stored.samples, factor)
    if stored.layout.photometric.startswith("YBR"):
        return look_up(table, stored.samples[:, :, 0], factor)

    def show(rows: NDArray[np.uint8 | np.uint16], out: NDArray[np.float32]) -> None:
        luma = sum(table.take(rows[:, :, channel]) * np.float32(_WEIGHTS[channel]) for channel in range(3))
        np.clip(luma, 0, 1, out=out)

    return preprocessing.render(stored.samples, show, factor)


def _palette(values: NDArray[np.int64], elements: Dataset) -> NDArray[np.float32]:
    colours = apply_color_lut(values, elements)
    full = np.iinfo(colours.dtype).max
    return np.asarray(colours[:, :3] @ np.array(_WEIGHTS) / full, np.float32)


_LONG_STRING = 64  # characters of the value representation LO (PS3.5, 6.2)


def decode(content: bytes, path: Path | str, limits: Limits, side: int | None = None) -> Radiograph:
    """Decode a DICOM file.

    See `hilum.radiograph.decode`, which converts what pydicom raises besides `RadiographError`.
    """
    parsed = dataset.parse(content, path, limits)
    elements = parsed.elements
    dataset.check(elements, path)
    plan = dataset.plan(elements, path)
    stored = decoding.unpack(parsed, plan, path, limits)
    render = render_grayscale if plan.is_grayscale else render_colour
    header = Header(
        "DICOM",
        plan.rows,
        plan.columns,
        plan.photometric,
        plan.bits_stored,
        len(content),
        spacing_mm=_spacing_mm(elements),
        view=text(elements, "ViewPosition"),
        modality=text(elements, "Modality"),
        manufacturer=text(elements, "Manufacturer", _LONG_STRING),
        model=text(elements, "ManufacturerModelName", _LONG_STRING),
        detector=text(elements, "DetectorType"),
        kvp=positive(elements, "KVP"),
        distance_mm=positive(elements, "DistanceSourceToDetector"),
    )
    factor = factor_for(plan.rows, plan.columns, side)
    pixels = render(stored, plan, elements, path, factor)
    return Radiograph(pixels, header, (plan.rows, plan.columns) if factor > 1 else None)


def _spacing_mm(elements: Dataset) -> tuple[float, float] | None:
    """Pixel distance at the patient where calibrated, else at the detector (PS3.3, 10.7.1)."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        spacing = numbers(elements, keyword)
        if len(spacing) == 2 and all(math.isfinite(step) and step > 0 for step in spacing):
            return spacing[0], spacing[1]
    return None
