"""Lookup tables of the modality and VOI LUT modules (PS3.3, C.11.1.1 and C.11.2.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hilum.errors import CorruptFileError
from hilum.radiograph.dicom.values import numbers

__all__ = ["Lookup", "first_lookup"]


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
