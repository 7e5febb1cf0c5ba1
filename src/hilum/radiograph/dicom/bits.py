"""From the bits that a sample occupies to its value (PS3.5, 8.1.1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.errors import CorruptFileError
from hilum.radiograph.dicom.samples import Samples, Stored
from hilum.radiograph.reduction import render

__all__ = ["look_up", "patterns", "settle", "values"]

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
