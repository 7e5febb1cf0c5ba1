"""The one value that reading gives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Header", "Radiograph"]

_OF_THE_STUDY = ("view", "modality")
"""Facts that a cohort's table has from its source."""


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
    manufacturer, model, detector : str, optional
        DICOM Manufacturer, ManufacturerModelName and DetectorType, in upper case. What names a single device,
        a place, a person or a day is not kept.
    kvp : float, optional
        DICOM KVP: peak voltage of the tube in kV.
    distance_mm : float, optional
        DICOM DistanceSourceToDetector.
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
    manufacturer: str | None = None
    model: str | None = None
    detector: str | None = None
    kvp: float | None = None
    distance_mm: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as values that JSON can hold."""
        return asdict(self)

    def as_row(self) -> dict[str, Any]:
        """Return the facts as a line of a cohort's table: one spacing, the rows'; no view, no modality.

        Examples
        --------
        >>> Header("DICOM", 40, 50, "MONOCHROME2", 12, 4500, spacing_mm=(0.15, 0.2)).as_row()["spacing_mm"]
        0.15
        """
        facts = self.as_dict() | {"spacing_mm": self.spacing_mm and self.spacing_mm[0]}
        return {name: value for name, value in facts.items() if name not in _OF_THE_STUDY}


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A chest radiograph as read: air dark, bone bright.

    Parameters
    ----------
    pixels : ndarray of float32, shape (rows, columns), range [0, 1]
        Upright, as a person would see it.
    header : Header
        The facts of the file.
    extent : tuple of int, optional
        Rows and columns of the picture, upright, where `pixels` hold it reduced: by a whole factor, the last
        row and column reaching beyond its end where it does not divide. As many as `pixels` have otherwise.
    """

    pixels: NDArray[np.float32]
    header: Header
    extent: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.ndim != 2 or pixels.dtype != np.float32 or pixels.size == 0:
            msg = f"pixels: expected float32 (rows, columns), found {pixels.dtype} {pixels.shape}"
            raise ValueError(msg)
        if not (pixels.min() >= 0 and pixels.max() <= 1):  # false for NaN too
            msg = "pixels: expected values in [0, 1]"
            raise ValueError(msg)
        if self.extent is not None:
            self._check_extent(self.extent)

    def _check_extent(self, extent: tuple[int, int]) -> None:
        factor = -(-extent[0] // self.pixels.shape[0])
        expected = tuple(-(-length // factor) for length in extent)
        if factor < 1 or self.pixels.shape != expected:
            msg = f"extent: expected a whole multiple of {self.pixels.shape}, found {extent}"
            raise ValueError(msg)
