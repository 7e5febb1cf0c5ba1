"""The values that reading works with: a radiograph and its header, the file formats, and the limits."""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hilum.errors import CorruptFileError, OversizedImageError, UnsupportedFormatError

__all__ = ["DEFAULT_LIMITS", "DicomFact", "Format", "Header", "Limits", "Radiograph", "recognise"]


Kind: TypeAlias = Literal["code", "text", "number", "pair"]


@dataclass(frozen=True)
class DicomFact:
    """Where a DICOM file states a fact of the header, and how it is read.

    The first of the `keywords` with a value counts: a code string (of at most 16 characters) or text (of at
    most 64) in upper case, or one or two numbers above 0. `in_table` is whether `Header.as_row` includes it.
    """

    keywords: tuple[str, ...]
    kind: Kind
    in_table: bool = True


def _dicom(*keywords: str, kind: Kind, in_table: bool = True) -> Any:
    return field(default=None, metadata={"dicom": DicomFact(keywords, kind, in_table)})


@dataclass(frozen=True)
class Header:
    """What a file states about its image, besides the pixels.

    To add a fact that DICOM states, add a field: the DICOM reader, the cohort's table and the feature store's
    records derive from the fields. Never add what identifies a device, a place, a person or a day.

    Parameters
    ----------
    format : str
        ``"PNG"``, ``"JPEG"``, ``"DICOM"``, …, recognised by content.
    rows, columns : int
        Stored size in pixels, before any EXIF orientation.
    mode : str
        Pillow's mode of a raster file, PhotometricInterpretation of a DICOM file.
    bits : int
        Bits stored per sample.
    bytes : int
        Size of the file on disk.
    spacing_mm : tuple of float, optional
        Distance between pixel centres (rows, columns): in the patient's plane where calibrated, else at the
        detector (PS3.3, 10.7.1).
    view, modality : str, optional
        ``"PA"``, ``"AP"``, ``"LL"``, …; ``"CR"``, ``"DX"``, …
    manufacturer, model, detector : str, optional
        In upper case.
    kvp : float, optional
        Peak voltage of the tube in kV.
    distance_mm : float, optional
        From the source to the detector.
    """

    format: str
    rows: int
    columns: int
    mode: str
    bits: int
    bytes: int
    spacing_mm: tuple[float, float] | None = _dicom("PixelSpacing", "ImagerPixelSpacing", kind="pair")
    view: str | None = _dicom("ViewPosition", kind="code", in_table=False)
    modality: str | None = _dicom("Modality", kind="code", in_table=False)
    manufacturer: str | None = _dicom("Manufacturer", kind="text")
    model: str | None = _dicom("ManufacturerModelName", kind="text")
    detector: str | None = _dicom("DetectorType", kind="code")
    kvp: float | None = _dicom("KVP", kind="number")
    distance_mm: float | None = _dicom("DistanceSourceToDetector", kind="number")

    @staticmethod
    def dicom_facts() -> dict[str, DicomFact]:
        """Return the fields that a DICOM file may state."""
        return {fact.name: fact.metadata["dicom"] for fact in fields(Header) if "dicom" in fact.metadata}

    def as_dict(self) -> dict[str, Any]:
        """Return the facts as values that JSON can hold."""
        return asdict(self)

    def as_row(self) -> dict[str, Any]:
        """Return the facts as a row of a cohort's table: of the spacing the rows', without view and modality.

        The cohort's source states these two.

        Examples
        --------
        >>> Header("DICOM", 40, 50, "MONOCHROME2", 12, 4500, spacing_mm=(0.15, 0.2)).as_row()["spacing_mm"]
        0.15
        """
        left_out = {name for name, fact in self.dicom_facts().items() if not fact.in_table}
        values = {name: value for name, value in self.as_dict().items() if name not in left_out}
        return {name: value[0] if isinstance(value, tuple) else value for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A chest radiograph as read: air dark, bone bright.

    Parameters
    ----------
    pixels : ndarray of float32, shape (rows, columns), range [0, 1]
        Upright, after any EXIF orientation.
    header : Header
    extent : tuple of int, optional
        Rows and columns at full resolution, upright, where `pixels` are reduced by a whole factor; the last
        row and column of `pixels` extend beyond the image where the factor does not divide it. None where
        `pixels` are at full resolution.
    """

    pixels: NDArray[np.float32]
    header: Header
    extent: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.ndim != 2 or pixels.dtype != np.float32 or pixels.size == 0:
            raise ValueError(f"pixels: expected float32 (rows, columns), found {pixels.dtype} {pixels.shape}")
        if not (pixels.min() >= 0 and pixels.max() <= 1):  # false for NaN too
            raise ValueError("pixels: expected values in [0, 1]")
        if self.extent is not None:
            factor = -(-self.extent[0] // pixels.shape[0])
            expected = tuple(-(-length // factor) for length in self.extent)
            if factor < 1 or pixels.shape != expected:
                raise ValueError(f"extent: expected a whole multiple of {pixels.shape}, found {self.extent}")


@dataclass(frozen=True)
class Limits:
    """Resources that reading one file may use, checked against sizes and headers before anything is unpacked.

    The defaults admit a 35 cm × 43 cm film digitised at 50 µm in uncompressed 16-bit pixels (60 megapixels),
    and keep the memory added by a file of up to 64 MB below 512 MB.

    Parameters
    ----------
    file_bytes : int
        Size of the file on disk.
    pixels : int
        Rows × columns declared by the header.
    unpacked_bytes : int
        Peak memory of unpacking, estimated from the decoder's cost per pixel.

    Examples
    --------
    >>> Limits(pixels=1_000_000).file_bytes
    134217728
    """

    file_bytes: int = 128 << 20
    pixels: int = 64 << 20
    unpacked_bytes: int = 448 << 20

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 1:
                raise ValueError(f"{name}: expected at least 1, found {value}")

    def check_file(self, size: int, path: Path | str) -> None:
        """Raise `OversizedImageError` if `size` exceeds `file_bytes`."""
        if size > self.file_bytes:
            raise _oversized("the file is too large", path, f"at most {self.file_bytes:,} bytes", f"{size:,}")

    def check_image(self, rows: int, columns: int, bytes_per_pixel: int, path: Path | str) -> None:
        """Raise `OversizedImageError` if the pixels, or the memory to unpack them, exceed the limits."""
        allowed = min(self.pixels, self.unpacked_bytes // bytes_per_pixel)
        if rows * columns > allowed:
            raise _oversized(
                "the image is too large", path, f"at most {allowed:,} pixels", f"{rows} × {columns}"
            )


def _oversized(what: str, path: Path | str, expected: str, found: str) -> OversizedImageError:
    remedy = "Scale the image down, or raise Limits if the file is trusted."
    return OversizedImageError(what, path=path, expected=expected, found=found, remedy=remedy)


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


_SIGNATURES = (
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

# For the error message only; none of these is read.
_OTHER_SIGNATURES = (
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


def recognise(content: bytes, path: Path | str) -> Format:
    """Recognise the format of a file by its content: all of it, or at least the first 132 bytes.

    Raises
    ------
    CorruptFileError
        If the file is empty.
    UnsupportedFormatError
        If it is in no format of `Format`.

    Examples
    --------
    >>> recognise(b"GIF89a...", "film.png").name
    'GIF'
    """
    if not content:
        raise CorruptFileError("the file is empty", path=path, remedy="Copy it again from its source.")
    if content[128:132] == b"DICM":  # first: PS3.10 allows any preamble, even that of a TIFF file
        return Format.DICOM
    for signature, form in _SIGNATURES:
        if content.startswith(signature):
            return form
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Format.WEBP
    if content[:4] == b"DICM" or _starts_like_dicom(content):
        return Format.DICOM
    raise UnsupportedFormatError(
        "not an image that hilum reads",
        path=path,
        found=_other_format(content),
        remedy="Save the image as PNG, JPEG, TIFF or DICOM.",
    )


def _starts_like_dicom(content: bytes) -> bool:
    """Whether a data set starts at once, as in old files: with an early element of group 0002 or 0008."""
    if len(content) < 16:
        return False
    for order in "<>":
        group, element, length = struct.unpack_from(f"{order}HHI", content)
        if group in {0x0002, 0x0008} and element <= 0x0100:
            explicit = content[4:6].isalpha() and content[4:6].isupper()
            return bool(explicit or length <= len(content))
    return False


def _other_format(content: bytes) -> str:
    start = content.lstrip()[:64].lower()
    for signature, name in _OTHER_SIGNATURES:
        if content.startswith(signature) or (signature[:1] in b"<{" and start.startswith(signature)):
            return name
    return f"{len(content):,} bytes of an unknown format"
