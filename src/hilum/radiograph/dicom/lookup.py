"""Lookup tables of the modality and VOI LUT modules (PS3.3, C.11.1.1 and C.11.2.1.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hilum.errors import CorruptFileError
from hilum.radiograph.dicom.dataset import numbers, text

__all__ = ["Lookup", "Shape", "Window", "first_lookup", "first_window"]


@dataclass(frozen=True)
class Lookup:
    """A table from input values to output values.

    Parameters
    ----------
    first : int
        The input value that maps to the first entry; lower ones do too.
    entries : ndarray of int, shape (n,)
        Output values, 0 to `maximum`.
    maximum : int
        Full scale of the output.
    """

    first: int
    entries: NDArray[np.int64]
    maximum: int

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Look values up; those beyond the ends take the end's entry."""
        index = np.clip(np.rint(values - self.first), 0, len(self.entries) - 1)
        return self.entries[index.astype(np.intp)].astype(np.float64)


def first_lookup(elements: Dataset, keyword: str, path: Path | str, *, signed: bool) -> Lookup | None:
    """Return the first table of a sequence, None where there is none.

    Parameters
    ----------
    elements : Dataset
        The file's elements.
    keyword : str
        ``"ModalityLUTSequence"`` or ``"VOILUTSequence"``.
    path : Path or str
        For messages.
    signed : bool
        Whether input values are signed, for files that write a negative first value as unsigned.

    Raises
    ------
    CorruptFileError
        If descriptor and data contradict each other.
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
        order = "<" if little_endian else ">"
        return np.frombuffer(data, np.uint8 if bits <= 8 and len(data) < 2 * count else f"{order}u2").astype(
            np.int64
        )
    words = np.asarray(numbers(item, "LUTData"), np.int64) & 0xFFFF
    if bits <= 8 and len(words) < count:  # 8-bit entries, two in a word
        return words.astype("<u2").view(np.uint8).astype(np.int64)
    return words


class Shape(Enum):
    """VOILUTFunction."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True)
class Window:
    """A window on modality values.

    Parameters
    ----------
    center, width : float
        WindowCenter and WindowWidth; at least 1 wide for LINEAR, wider than 0 otherwise.
    shape : Shape
        The function within the window.

    Examples
    --------
    >>> Window(128, 256, Shape.LINEAR)(np.array([0.0, 255.0])).tolist()
    [0.0, 1.0]
    """

    center: float
    width: float
    shape: Shape = Shape.LINEAR

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width) and self.width > 0):
            msg = f"width: expected a finite number above 0, found {self.width} around {self.center}"
            raise ValueError(msg)
        if self.shape is Shape.LINEAR and self.width < 1:
            msg = f"width: expected at least 1 for LINEAR, found {self.width}"
            raise ValueError(msg)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map modality values to [0, 1]."""
        if self.shape is Shape.SIGMOID:
            exponent = np.clip(-4 * (values - self.center) / self.width, -700, 700)  # exp stays finite
            return np.asarray(1 / (1 + np.exp(exponent)))
        if self.shape is Shape.LINEAR_EXACT:
            return np.clip((values - self.center) / self.width + 0.5, 0, 1)
        if self.width == 1:
            return np.where(values <= self.center - 0.5, 0.0, 1.0)
        return np.clip((values - (self.center - 0.5)) / (self.width - 1) + 0.5, 0, 1)


def first_window(elements: Dataset, path: Path | str) -> Window | None:
    """Return the first window; None where there is none, or its width is one that the standard rules out.

    Raises
    ------
    CorruptFileError
        If VOILUTFunction is unknown.
    """
    center, width = numbers(elements, "WindowCenter"), numbers(elements, "WindowWidth")
    if not center or not width:
        return None
    name = text(elements, "VOILUTFunction") or Shape.LINEAR.value
    if name not in Shape.__members__:
        raise CorruptFileError(
            "an unknown VOILUTFunction", path=path, expected=", ".join(Shape.__members__), found=name
        )
    try:
        return Window(center[0], width[0], Shape[name])
    except ValueError:
        return None
