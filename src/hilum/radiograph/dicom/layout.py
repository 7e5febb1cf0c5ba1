"""How the pixels of a DICOM file are laid out (PS3.3, C.7.6.3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from hilum.errors import CorruptFileError, UnsupportedFormatError
from hilum.radiograph.dicom.values import integer, text

__all__ = ["Layout", "plan"]

_SAMPLES = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_ICT": 3,
    "YBR_RCT": 3,
}


@dataclass(frozen=True)
class Layout:
    """The image pixel module, checked.

    Parameters
    ----------
    rows, columns : int
        Size in pixels.
    samples : int
        Samples per pixel: 1 or 3.
    bits_allocated : int
        8 or 16.
    bits_stored : int
        1 to `bits_allocated`.
    high_bit : int
        Position of the most significant bit, from 0.
    signed : bool
        Whether samples are in two's complement.
    planar : bool
        Whether colours are stored as planes.
    photometric : str
        PhotometricInterpretation.
    """

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar: bool
    photometric: str

    @property
    def is_grayscale(self) -> bool:
        """Whether MONOCHROME1 or MONOCHROME2."""
        return self.photometric.startswith("MONOCHROME")

    @property
    def size(self) -> int:
        """Number of samples."""
        return self.rows * self.columns * self.samples


def plan(elements: Dataset, path: Path | str) -> Layout:
    """Read and check the layout of the pixels.

    Raises
    ------
    CorruptFileError
        If it is missing or contradicts itself.
    UnsupportedFormatError
        If it is valid, but not read by hilum.
    """
    photometric = text(elements, "PhotometricInterpretation") or ""
    if photometric not in _SAMPLES:
        raise UnsupportedFormatError(
            "an unknown PhotometricInterpretation",
            path=path,
            expected=", ".join(_SAMPLES),
            found=photometric or "none",
        )
    allocated = integer(elements, "BitsAllocated")
    if allocated not in {8, 16}:
        raise UnsupportedFormatError(
            "an unusual number of bits per sample",
            path=path,
            expected="8 or 16 allocated",
            found=str(allocated),
        )
    stored = integer(elements, "BitsStored", allocated)
    layout = Layout(
        rows=integer(elements, "Rows"),
        columns=integer(elements, "Columns"),
        samples=integer(elements, "SamplesPerPixel", 1),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=integer(elements, "HighBit", stored - 1),
        signed=integer(elements, "PixelRepresentation", 0) == 1,
        planar=integer(elements, "PlanarConfiguration", 0) == 1,
        photometric=photometric,
    )
    _check(layout, path)
    return layout


def _check(layout: Layout, path: Path | str) -> None:
    bits = f"{layout.bits_stored} bits stored of {layout.bits_allocated}, high bit {layout.high_bit}"
    for good, what, found in (
        (min(layout.rows, layout.columns) > 0, "no rows or columns", f"{layout.rows} × {layout.columns}"),
        (layout.samples == _SAMPLES[layout.photometric], "a wrong number of samples", str(layout.samples)),
        (0 < layout.bits_stored <= layout.high_bit + 1 <= layout.bits_allocated, "impossible bits", bits),
    ):
        if not good:
            raise CorruptFileError(what, path=path, found=found)
