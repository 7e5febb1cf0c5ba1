"""The tables and windows of the modality and VOI LUT modules (PS3.3, C.11.1.1 and C.11.2.1).

`pydicom.pixels` applies them too, but not to all files that occur: it raises on 12-bit modality tables, on
8-bit entries stored as bytes and on windows of no width, ignores a slope without an intercept, and wraps
around where the input of an 8-bit VOI table exceeds its end by more than 255.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hilum.errors import CorruptFileError
from hilum.radiograph.dicom.dataset import code, numbers

__all__ = ["Lookup", "first_lookup", "first_window", "linear", "linear_exact", "sigmoid"]

Transform: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Lookup:
    """A lookup table."""

    first: int  # input value of the first entry
    entries: NDArray[np.int64]  # (n,), output values from 0 to `maximum`
    maximum: int  # full scale of the output

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Look up input values; those beyond an end get the entry at that end."""
        index = np.clip(np.rint(values - self.first), 0, len(self.entries) - 1)
        return self.entries[index.astype(np.intp)].astype(np.float64)


def first_lookup(elements: Dataset, keyword: str, path: Path | str, *, signed: bool) -> Lookup | None:
    """Return the first table of a sequence (its `keyword`), None where there is none.

    `signed` is whether input values are, for files that store a negative first value as unsigned.
    `CorruptFileError` is raised if descriptor and data are inconsistent.
    """
    sequence = elements.get(keyword)
    if not sequence:
        return None
    item = sequence[0]
    count, first, bits = (int(number) for number in numbers(item, "LUTDescriptor"))
    count = count & 0xFFFF or 1 << 16  # 0 stands for 65536
    first = first - (1 << 16) if signed and first >= 1 << 15 else first
    entries = _entries(item, count, bits, little_endian=bool(elements.original_encoding[1]))
    if len(entries) < count or not 1 <= bits <= 16 or int(entries[:count].max()) >= 1 << bits:
        raise CorruptFileError(
            f"the lookup table of {keyword} contradicts its descriptor",
            path=path,
            expected=f"{count} entries of {bits} bits",
            found=f"{len(entries)} entries up to {int(entries.max(initial=0))}",
        )
    return Lookup(first, entries[:count], (1 << bits) - 1)


def _entries(item: Dataset, count: int, bits: int, *, little_endian: bool) -> NDArray[np.int64]:
    data = item.get("LUTData")
    if isinstance(data, bytes):
        dtype = np.uint8 if bits <= 8 and len(data) < 2 * count else "<u2" if little_endian else ">u2"
        return np.frombuffer(data, dtype).astype(np.int64)
    words = np.asarray(numbers(item, "LUTData"), np.int64) & 0xFFFF
    if bits <= 8 and len(words) < count:  # 8-bit entries, two in a word
        return words.astype("<u2").view(np.uint8).astype(np.int64)
    return words


def linear(values: NDArray[np.float64], center: float, width: float) -> NDArray[np.float64]:
    """Map modality values to [0, 1] by VOILUTFunction LINEAR (PS3.3, C.11.2.1.2.1).

    Examples
    --------
    >>> linear(np.array([0.0, 255.0]), 128, 256).tolist()
    [0.0, 1.0]
    """
    if width == 1:
        return np.where(values <= center - 0.5, 0.0, 1.0)
    return np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1)


def linear_exact(values: NDArray[np.float64], center: float, width: float) -> NDArray[np.float64]:
    """Map modality values to [0, 1] by VOILUTFunction LINEAR_EXACT."""
    return np.clip((values - center) / width + 0.5, 0, 1)


def sigmoid(values: NDArray[np.float64], center: float, width: float) -> NDArray[np.float64]:
    """Map modality values to [0, 1] by VOILUTFunction SIGMOID."""
    exponent = np.clip(-4 * (values - center) / width, -700, 700)  # exp stays finite
    return np.asarray(1 / (1 + np.exp(exponent)))


_FUNCTIONS = {"LINEAR": linear, "LINEAR_EXACT": linear_exact, "SIGMOID": sigmoid}


def first_window(elements: Dataset, path: Path | str) -> Transform | None:
    """Return the mapping of the first window to [0, 1], None where there is no valid one.

    The standard rules out widths below 1 for LINEAR, and of 0 or less otherwise.
    """
    centers, widths = numbers(elements, "WindowCenter"), numbers(elements, "WindowWidth")
    if not centers or not widths:
        return None
    name = code(elements, "VOILUTFunction") or "LINEAR"
    if name not in _FUNCTIONS:
        raise CorruptFileError(
            "an unknown VOILUTFunction", path=path, expected=", ".join(_FUNCTIONS), found=name
        )
    center, width = centers[0], widths[0]
    finite = math.isfinite(center) and math.isfinite(width)
    if not finite or width <= 0 or (name == "LINEAR" and width < 1):
        return None
    return partial(_FUNCTIONS[name], center=center, width=width)
