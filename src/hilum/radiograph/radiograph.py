"""The one value that reading gives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Header", "Radiograph"]


@dataclass(frozen=True)
class Header:
    """What a file says about its image, besides the pixels.

    Parameters
    ----------
    format : str
        ``"PNG"``, ``"JPEG"``, ``"DICOM"``, …, recognised by content.
    rows, columns : int
        Stored size in pixels, before any EXIF orientation.
    mode : str
        Pillow's mode of a raster file, the PhotometricInterpretation of a DICOM file.
    bits : int
        Bits stored per sample.
    bytes : int
        Size of the file on disk.
    spacing_mm : tuple of float, optional
        Distance between pixel centres (rows, columns) in mm, where the file states it.
    view : str, optional
        DICOM ViewPosition (``"PA"``, ``"AP"``, ``"LL"``, …).
    modality : str, optional
        DICOM Modality (``"CR"``, ``"DX"``, …).
    """

    format: str
    rows: int
    columns: int
    mode: str
    bits: int
    bytes: int
    spacing_mm: tuple[float, float] | None = None
    view: str | None = None
    modality: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as values that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A chest radiograph as read: air dark, bone bright.

    Parameters
    ----------
    pixels : ndarray of float32, shape (rows, columns), range [0, 1]
        Upright, as a person would see it.
    header : Header
        The facts of the file.
    """

    pixels: NDArray[np.float32]
    header: Header

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.ndim != 2 or pixels.dtype != np.float32 or pixels.size == 0:
            msg = f"pixels: expected float32 (rows, columns), found {pixels.dtype} {pixels.shape}"
            raise ValueError(msg)
        if not (pixels.min() >= 0 and pixels.max() <= 1):  # false for NaN too
            msg = "pixels: expected values in [0, 1]"
            raise ValueError(msg)
