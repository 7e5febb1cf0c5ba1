"""The one value that reading gives."""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.errors import CorruptFileError, OversizedImageError, UnsupportedFormatError

__all__ = ["DEFAULT_LIMITS", "Format", "Header", "Limits", "Radiograph", "recognise"]


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


_OVERSIZED_REMEDY = "Scale the image down, or raise Limits if the file is trusted."


@dataclass(frozen=True)
class Limits:
    """What reading one file may cost; checked from sizes and headers, before anything is unpacked.

    The defaults admit a 35 cm × 43 cm film digitised at 50 µm in plain 16-bit pixels (60 megapixels), and
    keep what a file of up to 64 MB adds below 512 MB of memory.

    Parameters
    ----------
    file_bytes : int
        Size of the file on disk.
    pixels : int
        Rows × columns that the header declares.
    unpacked_bytes : int
        Memory that unpacking takes at its peak, as the decoder's cost per pixel tells.

    Examples
    --------
    >>> Limits(pixels=1_000_000).file_bytes
    134217728
    """

    file_bytes: int = 128 << 20
    pixels: int = 64 << 20
    unpacked_bytes: int = 448 << 20

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                msg = f"{field.name}: expected at least 1, found {getattr(self, field.name)}"
                raise ValueError(msg)

    def check_file(self, size: int, path: Path | str) -> None:
        """Refuse a file of `size` bytes that is too large.

        Raises
        ------
        OversizedImageError
            If `size` exceeds `file_bytes`.
        """
        if size > self.file_bytes:
            raise OversizedImageError(
                "the file is too large",
                path=path,
                expected=f"at most {self.file_bytes:,} bytes",
                found=f"{size:,}",
                remedy=_OVERSIZED_REMEDY,
            )

    def check_image(self, rows: int, columns: int, bytes_per_pixel: int, path: Path | str) -> None:
        """Refuse an image of `rows` × `columns` whose unpacking takes too much.

        Raises
        ------
        OversizedImageError
            If the pixels, or the pixels times `bytes_per_pixel`, exceed the limits.
        """
        allowed = min(self.pixels, self.unpacked_bytes // bytes_per_pixel)
        if rows * columns > allowed:
            raise OversizedImageError(
                "the image is too large",
                path=path,
                expected=f"at most {allowed:,} pixels",
                found=f"{rows} × {columns}",
                remedy=_OVERSIZED_REMEDY,
            )


DEFAULT_LIMITS = Limits()


class Format(Enum):
    """The formats that hilum reads."""

    PNG = "PNG"
    JPEG = "JPEG"
    TIFF = "TIFF"
    WEBP = "WEBP"
    BMP = "BMP"
    GIF = "GIF"
    DICOM = "DICOM"


_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"\xff\xd8\xff", Format.JPEG),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"II+\0", Format.TIFF),  # BigTIFF
    (b"MM\0+", Format.TIFF),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"BM", Format.BMP),
)

# Only to tell people what they have; none of these is read.
_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "an EPS file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 file"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 codestream"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"{", "text"),
    (b"<svg", "an SVG drawing"),
    (b"<", "HTML or XML"),
)

_FORMAT_REMEDY = "Save the image as PNG, JPEG, TIFF or DICOM."


def recognise(content: bytes, path: Path | str) -> Format:
    """Tell the format of a file from its content.

    Parameters
    ----------
    content : bytes
        The whole file, or at least its first 132 bytes.
    path : Path or str
        For the message.

    Raises
    ------
    CorruptFileError
        If there are no bytes.
    UnsupportedFormatError
        If it is something else.

    Examples
    --------
    >>> recognise(b"GIF89a...", "film.png").name
    'GIF'
    """
    if not content:
        raise CorruptFileError("the file is empty", path=path, remedy="Copy it again from its source.")
    if content[128:132] == b"DICM":  # first: PS3.10 lets anything, even a TIFF, stand in the preamble
        return Format.DICOM
    for magic, form in _MAGIC:
        if content.startswith(magic):
            return form
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Format.WEBP
    if content[:4] == b"DICM" or _starts_like_dicom(content):
        return Format.DICOM
    raise UnsupportedFormatError(
        "no image that hilum reads", path=path, found=_foreign(content), remedy=_FORMAT_REMEDY
    )


def _starts_like_dicom(content: bytes) -> bool:
    """Whether a data set begins at once: an early element of group 0002 or 0008, as old files do."""
    if len(content) < 16:
        return False
    for order in "<>":
        group, element, length = struct.unpack_from(f"{order}HHI", content)
        if group in {0x0002, 0x0008} and element <= 0x0100:
            explicit = content[4:6].isalpha() and content[4:6].isupper()
            return bool(explicit or length <= len(content))
    return False


def _foreign(content: bytes) -> str:
    start = content.lstrip()[:64].lower()
    for magic, name in _FOREIGN:
        if content.startswith(magic) or (magic.startswith((b"<", b"{")) and start.startswith(magic)):
            return name
    return f"{len(content):,} bytes of an unknown format"
