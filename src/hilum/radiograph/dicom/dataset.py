"""The elements of a DICOM file that matter for its picture, and where its pixels begin (PS3.5, PS3.10)."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom import uid
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from hilum.errors import CorruptFileError, NotARadiographError, UnsupportedFormatError
from hilum.radiograph.radiograph import Limits

__all__ = [
    "Layout",
    "Parsed",
    "PixelElement",
    "check",
    "integer",
    "numbers",
    "parse",
    "plan",
    "positive",
    "text",
]


def numbers(elements: Dataset, keyword: str) -> list[float]:
    """Return the values of a numeric element; none where it is absent or empty."""
    value = elements.get(keyword)
    if value is None or value == "":
        return []
    values = [value] if isinstance(value, int | float | str) else list(value)
    return [float(item) for item in values]


def integer(elements: Dataset, keyword: str, default: int = -1) -> int:
    """Return the first value of an integer element, or `default` where there is none."""
    values = numbers(elements, keyword)
    return int(values[0]) if values else default


def positive(elements: Dataset, keyword: str) -> float | None:
    """Return the first value of a numeric element if it is a number above 0; nothing hangs on it."""
    try:
        value = next(iter(numbers(elements, keyword)), math.nan)
    except (ValueError, TypeError, OverflowError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def text(elements: Dataset, keyword: str, longest: int = 16) -> str | None:
    """Return a text in upper case, cut to what its kind allows: a code string has 16 (PS3.5, 6.2)."""
    value = elements.get(keyword)
    if value is None or not isinstance(value, str):
        return None
    return "".join(c for c in value if c.isprintable()).strip().upper()[:longest] or None


_KEYWORDS = (
    "SOPClassUID", "Modality", "PresentationIntentType", "ViewPosition", "Manufacturer",
    "ManufacturerModelName", "DetectorType", "KVP", "DistanceSourceToDetector", "PixelSpacing",
    "ImagerPixelSpacing", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
    "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope",
    "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence", "WindowCenter", "WindowWidth",
    "VOILUTFunction", "PresentationLUTShape", "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData", "SegmentedBluePaletteColorLookupTableData",
)  # fmt: skip
_TAGS: list[BaseTag | int] = [tag for keyword in _KEYWORDS if (tag := tag_for_keyword(keyword)) is not None]
_PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_PIXEL_DATA = 0x7FE00010
_UNDEFINED = 0xFFFFFFFF
_MOST_READS = 100_000  # a radiograph has a few hundred elements; each takes one to four reads
_DEFLATED_HEAD = 8 << 20  # inflated at first: far more than stands before the pixels
_LARGEST_VALUE = 4 << 20  # of one element that is not the pixels: a lookup table has 128 KiB


@dataclass(frozen=True)
class PixelElement:
    """Pixel Data (7FE0,0010) as it lies in the file.

    Parameters
    ----------
    value : memoryview
        Its bytes; for encapsulated data all that follows the element's header.
    encapsulated : bool
        Whether compressed, that is, in fragments.
    little_endian : bool
        Byte order.
    words : bool
        Whether written as 16-bit words (OW).
    """

    value: memoryview
    encapsulated: bool
    little_endian: bool
    words: bool


@dataclass(frozen=True)
class Parsed:
    """The elements of a file, its transfer syntax where stated, and its pixels where there are any."""

    elements: Dataset
    syntax: str | None
    pixels: PixelElement | None


class _Metered(BytesIO):
    """A stream that allows so many reads: 64 MB of 8-byte elements would take minutes and gigabytes."""

    reads_left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads_left -= 1
        if self.reads_left < 0:
            raise _TooManyElementsError
        return super().read(size)


class _TooManyElementsError(Exception):
    """More reads than any radiograph takes."""


def parse(content: bytes, path: Path | str, limits: Limits) -> Parsed:
    """Read the elements up to the pixels, without unpacking these.

    Parameters
    ----------
    content : bytes
        A file with or without preamble and file meta information.
    path : Path or str
        For messages.
    limits : Limits
        Bounds what a deflated data set may inflate to.

    Raises
    ------
    CorruptFileError
        If it has too many elements, or ends within its pixels.
    OversizedImageError
        If it is deflated and declares more than the limits allow.
    """
    try:
        meta, start = _meta(content)
        syntax = str(meta.get("TransferSyntaxUID") or "").strip() or None
        if syntax == uid.DeflatedExplicitVRLittleEndian:
            content, start = _inflate(content[start:], path, limits), 0
        elements, begin = _elements(content, start)
    except _TooManyElementsError as error:
        raise CorruptFileError(
            "too many elements before the pixels", path=path, expected=f"at most {_MOST_READS:,} reads"
        ) from error
    _check_values(elements, path)
    pixels = _pixels(content, begin, elements, path)
    return Parsed(elements, syntax, pixels)


def _meta(content: bytes) -> tuple[Dataset, int]:
    """Return the file meta information (group 0002), which may be missing, and where the data set begins."""
    start = 132 if content[128:132] == b"DICM" else 4 if content[:4] == b"DICM" else 0
    stream = _Metered(content)
    stream.seek(start)
    if content[start : start + 2] != b"\x02\0":
        return Dataset(), start
    meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 0x0002)
    return meta, stream.tell()


def _encoding(head: bytes) -> tuple[bool, bool]:
    """Tell (implicit VR, little endian) from the first element, since labels may be missing or wrong."""
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    big = head[:1] == b"\0" and head[1:2] != b"\0"  # the first group, such as 0008, has a high byte of 0
    return not explicit, not big


def _elements(content: bytes, start: int) -> tuple[Dataset, int]:
    """Return the elements from `start` on, and where the pixel element begins."""
    implicit, little = _encoding(content[start : start + 8])
    stream = _Metered(content)
    stream.seek(start)
    elements = read_dataset(stream, implicit, little, stop_when=_at_pixels, specific_tags=_TAGS)
    return elements, stream.tell()


def _inflate(packed: bytes, path: Path | str, limits: Limits) -> bytes:
    """Inflate a deflated data set (PS3.5, A.5): up to its pixels, then as far as these say."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    head = stream.decompress(packed, _DEFLATED_HEAD)
    if stream.eof:
        return head
    elements, begin = _elements(head, 0)
    _, start, length = _pixel_header(head, begin, elements) or (b"", len(head), 0)
    limits.check_file(start + length, path)
    return head + stream.decompress(stream.unconsumed_tail, max(1, start + length - len(head)))


def _at_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag in _PIXEL_TAGS


def _check_values(elements: Dataset, path: Path | str) -> None:
    for tag in elements.keys():  # noqa: SIM118  iterating over a Dataset would convert its values
        length = getattr(elements.get_item(tag), "length", 0)
        if length is not None and _LARGEST_VALUE < length < _UNDEFINED:
            raise CorruptFileError(
                "an element is implausibly long", path=path, found=f"{tag}, {length:,} bytes"
            )


def _pixels(content: bytes, begin: int, elements: Dataset, path: Path | str) -> PixelElement | None:
    """Find the value of Pixel Data, whose element begins at `begin`; None where there is none."""
    header = _pixel_header(content, begin, elements)
    if header is None:
        return None
    vr, start, length = header
    little = bool(elements.original_encoding[1])
    view, words = memoryview(content), vr != b"OB"
    if length == _UNDEFINED:
        return PixelElement(view[start:], True, little, words)
    if start + length > len(content):
        raise CorruptFileError(
            "the file ends within its pixels",
            path=path,
            expected=f"{length:,} bytes",
            found=f"{len(content) - start:,}",
            remedy="Copy it again from its source.",
        )
    return PixelElement(view[start : start + length], False, little, words)


def _pixel_header(content: bytes, begin: int, elements: Dataset) -> tuple[bytes, int, int] | None:
    """Return the VR of Pixel Data (empty where implicit), where its value starts, and its length."""
    implicit, little = elements.original_encoding  # pydicom may know better than we did
    order = "<" if little else ">"
    if len(content) < begin + 12:
        return None
    group, element, vr = struct.unpack_from(f"{order}HH2s", content, begin)
    if (group << 16 | element) != _PIXEL_DATA:
        return None
    offset, size = (4, 8) if implicit else (8, 12)
    (length,) = struct.unpack_from(f"{order}I", content, begin + offset)
    return b"" if implicit else vr, begin + size, length


# The file must be of one of these classes, or of none …
_CLASSES = frozenset({
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
})  # fmt: skip
# … and of one of these modalities; a secondary capture (a scanned film) may also be OT, or say nothing.
_MODALITIES = frozenset({"CR", "DX", "DR", "RG", "XR"})
_CAPTURED = frozenset({"OT", "SC", None})
_REMEDY = "hilum reads CR, DX and secondary captures of projection radiographs."


def check(elements: Dataset, path: Path | str) -> None:
    """Refuse what is no single projection radiograph for presentation.

    Raises
    ------
    NotARadiographError
        For other SOP classes (CT, MR, SR, a DICOMDIR, …), other modalities, raw detector data
        (FOR PROCESSING), and several frames.
    """
    sop_class = str(elements.get("SOPClassUID") or "").strip()
    modality = text(elements, "Modality")
    if not _is_accepted(sop_class, modality):
        raise NotARadiographError(
            "it is no projection radiograph",
            path=path,
            expected="modality CR or DX, or a secondary capture",
            found=_describe(sop_class, modality),
            remedy=_REMEDY,
        )
    if text(elements, "PresentationIntentType") == "FOR PROCESSING":
        raise NotARadiographError(
            "it holds raw detector data (FOR PROCESSING)",
            path=path,
            remedy="Export the image FOR PRESENTATION.",
        )
    frames = integer(elements, "NumberOfFrames", 1)
    if frames > 1:
        raise NotARadiographError("it holds several frames", path=path, expected="one", found=str(frames))


def _is_accepted(sop_class: str, modality: str | None) -> bool:
    if sop_class and sop_class not in _CLASSES:
        return False
    captured = sop_class not in {
        "",
        uid.ComputedRadiographyImageStorage,
        uid.DigitalXRayImageStorageForPresentation,
    }
    return modality in _MODALITIES or (captured and modality in _CAPTURED)


def _describe(sop_class: str, modality: str | None) -> str:
    name = uid.UID(sop_class).name if sop_class else "no SOP class"
    known = name if not sop_class or name != sop_class else "an unknown SOP class"
    return f"modality {modality or 'not stated'}, {known}"


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
