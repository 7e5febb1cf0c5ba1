"""The elements of a DICOM file: parsed up to the pixels (PS3.5, PS3.10), checked, and read as values."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import uid
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from hilum.errors import CorruptFileError, NotARadiographError, UnsupportedFormatError
from hilum.radiograph.radiograph import Header, Limits

__all__ = [
    "Layout",
    "Parsed",
    "PixelElement",
    "check_kind",
    "code",
    "integer",
    "numbers",
    "parse",
    "read_facts",
    "read_layout",
]

_HEADER_KEYWORDS = tuple(keyword for fact in Header.dicom_facts().values() for keyword in fact.keywords)
_IMAGE_KEYWORDS = (
    "SOPClassUID", "PresentationIntentType", "SamplesPerPixel", "PhotometricInterpretation",
    "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept",
    "ModalityLUTSequence", "VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction",
    "PresentationLUTShape", *(
        f"{segmented}{colour}PaletteColorLookupTable{part}"
        for colour in ("Red", "Green", "Blue")
        for segmented, part in (("", "Descriptor"), ("", "Data"), ("Segmented", "Data"))
    ),
)  # fmt: skip
_TAGS: list[BaseTag | int] = [
    tag for keyword in _HEADER_KEYWORDS + _IMAGE_KEYWORDS if (tag := tag_for_keyword(keyword)) is not None
]
_PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_PIXEL_DATA = 0x7FE00010
_UNDEFINED_LENGTH = 0xFFFFFFFF
_MOST_READS = 100_000  # a radiograph has a few hundred elements; each takes one to four reads
_DEFLATED_HEAD = 8 << 20  # bytes inflated at first: far more than precedes the pixels
_LARGEST_VALUE = 4 << 20  # of an element other than the pixels: a lookup table has 128 KiB


def numbers(elements: Dataset, keyword: str) -> list[float]:
    """Return the values of a numeric element; none where it is absent or empty."""
    value = elements.get(keyword)
    if value is None or value == "":
        return []
    return [float(item) for item in ([value] if isinstance(value, int | float | str) else value)]


def integer(elements: Dataset, keyword: str, default: int = -1) -> int:
    """Return the first value of an integer element, or `default` where there is none."""
    values = numbers(elements, keyword)
    return int(values[0]) if values else default


def code(elements: Dataset, keyword: str) -> str | None:
    """Return a code string in upper case; None where it is absent or empty."""
    return _text(elements, keyword, 16)


def _text(elements: Dataset, keyword: str, longest: int) -> str | None:
    value = elements.get(keyword)
    if not isinstance(value, str):
        return None
    return "".join(c for c in value if c.isprintable()).strip().upper()[:longest] or None


def _positive(elements: Dataset, keyword: str) -> float | None:
    """Return the first value if it is a number above 0; a malformed one is ignored, not an error."""
    try:
        value = next(iter(numbers(elements, keyword)), math.nan)
    except (ValueError, TypeError, OverflowError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _pair(elements: Dataset, keyword: str) -> tuple[float, float] | None:
    values = numbers(elements, keyword)
    if len(values) == 2 and all(math.isfinite(value) and value > 0 for value in values):
        return values[0], values[1]
    return None


# The longest code string (CS) and text (LO) have 16 and 64 characters (PS3.5, 6.2).
_READERS: dict[str, Callable[[Dataset, str], Any]] = {
    "code": code,
    "text": partial(_text, longest=64),
    "number": _positive,
    "pair": _pair,
}


def read_facts(elements: Dataset) -> dict[str, Any]:
    """Return the optional fields of `Header`, None where the file does not state them."""
    return {
        name: next(filter(None, (_READERS[fact.kind](elements, keyword) for keyword in fact.keywords)), None)
        for name, fact in Header.dicom_facts().items()
    }


@dataclass(frozen=True)
class PixelElement:
    """Pixel Data (7FE0,0010) as stored."""

    value: memoryview  # for encapsulated data everything after the element's header
    encapsulated: bool  # compressed, in fragments
    little_endian: bool
    words: bool  # stored as 16-bit words (OW)


@dataclass(frozen=True)
class Parsed:
    """The elements of a file, its transfer syntax and its pixels; the latter None where missing."""

    elements: Dataset
    syntax: str | None
    pixels: PixelElement | None


class _TooManyReadsError(Exception):
    pass


class _BoundedReads(BytesIO):
    """A stream with a bounded number of reads: 64 MB of 8-byte elements would take minutes and gigabytes."""

    reads_left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads_left -= 1
        if self.reads_left < 0:
            raise _TooManyReadsError
        return super().read(size)


def parse(content: bytes, path: Path | str, limits: Limits) -> Parsed:
    """Read the elements up to the pixels, and locate these without unpacking them.

    Preamble and file meta information may be missing. `limits` bound the size of an inflated data set.

    Raises
    ------
    CorruptFileError
        If it has too many elements, or ends within its pixels.
    OversizedImageError
        If it is deflated and declares more than the limits allow.
    """
    try:
        meta, start = _file_meta(content)
        syntax = str(meta.get("TransferSyntaxUID") or "").strip() or None
        if syntax == uid.DeflatedExplicitVRLittleEndian:
            content, start = _inflate(content[start:], path, limits), 0
        elements, pixel_start = _read_elements(content, start)
    except _TooManyReadsError as error:
        raise CorruptFileError(
            "too many elements before the pixels", path=path, expected=f"at most {_MOST_READS:,} reads"
        ) from error
    _check_lengths(elements, path)
    return Parsed(elements, syntax, _locate_pixels(content, pixel_start, elements, path))


def _file_meta(content: bytes) -> tuple[Dataset, int]:
    """Return the file meta information (group 0002), which may be absent, and the start of the data set."""
    start = 132 if content[128:132] == b"DICM" else 4 if content[:4] == b"DICM" else 0
    if content[start : start + 2] != b"\x02\0":
        return Dataset(), start
    stream = _BoundedReads(content)
    stream.seek(start)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 0x0002)
    return meta, stream.tell()


def _read_elements(content: bytes, start: int) -> tuple[Dataset, int]:
    """Return the elements from `start` on, and the start of the pixel element.

    The encoding follows from the first element, since the transfer syntax may be missing or wrong.
    """
    head = content[start : start + 8]
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    big = head[:1] == b"\0" and head[1:2] != b"\0"  # the first group, such as 0008, has a high byte of 0
    stream = _BoundedReads(content)
    stream.seek(start)
    elements = read_dataset(
        stream, not explicit, not big, stop_when=lambda tag, *_: tag in _PIXEL_TAGS, specific_tags=_TAGS
    )
    return elements, stream.tell()


def _inflate(packed: bytes, path: Path | str, limits: Limits) -> bytes:
    """Inflate a deflated data set (PS3.5, A.5): up to its pixels, then as far as their length says."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    head = stream.decompress(packed, _DEFLATED_HEAD)
    if stream.eof:
        return head
    elements, pixel_start = _read_elements(head, 0)
    _, start, length = _pixel_header(head, pixel_start, elements) or (b"", len(head), 0)
    limits.check_file(start + length, path)
    return head + stream.decompress(stream.unconsumed_tail, max(1, start + length - len(head)))


def _check_lengths(elements: Dataset, path: Path | str) -> None:
    for tag in elements.keys():  # noqa: SIM118  iterating over a Dataset would convert its values
        length = getattr(elements.get_item(tag), "length", 0)
        if length is not None and _LARGEST_VALUE < length < _UNDEFINED_LENGTH:
            raise CorruptFileError(
                "an element is implausibly long", path=path, found=f"{tag}, {length:,} bytes"
            )


def _locate_pixels(
    content: bytes, pixel_start: int, elements: Dataset, path: Path | str
) -> PixelElement | None:
    header = _pixel_header(content, pixel_start, elements)
    if header is None:
        return None
    vr, start, length = header
    little = bool(elements.original_encoding[1])
    view, words = memoryview(content), vr != b"OB"
    if length == _UNDEFINED_LENGTH:
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


def _pixel_header(content: bytes, pixel_start: int, elements: Dataset) -> tuple[bytes, int, int] | None:
    """Return the VR of Pixel Data (empty where implicit), the start of its value, and its length."""
    implicit, little = elements.original_encoding  # pydicom may have corrected our guess
    order = "<" if little else ">"
    if len(content) < pixel_start + 12:
        return None
    group, element, vr = struct.unpack_from(f"{order}HH2s", content, pixel_start)
    if (group << 16 | element) != _PIXEL_DATA:
        return None
    offset, size = (4, 8) if implicit else (8, 12)
    (length,) = struct.unpack_from(f"{order}I", content, pixel_start + offset)
    return b"" if implicit else vr, pixel_start + size, length


# A file must state one of these classes, or none …
_DIRECT_CLASSES = frozenset({
    "",
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
})  # fmt: skip
_CAPTURE_CLASSES = frozenset({
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
})  # fmt: skip
# … and one of these modalities; a secondary capture (a digitised film) may also state OT, SC or none.
_MODALITIES = frozenset({"CR", "DX", "DR", "RG", "XR"})
_CAPTURE_MODALITIES = _MODALITIES | {"OT", "SC", None}


def check_kind(elements: Dataset, path: Path | str) -> None:
    """Raise `NotARadiographError` for all but a single projection radiograph for presentation.

    That is for other SOP classes (CT, MR, SR, a DICOMDIR, …), other modalities, raw detector data
    (FOR PROCESSING), and several frames.
    """
    sop_class, modality = str(elements.get("SOPClassUID") or "").strip(), code(elements, "Modality")
    if not (
        (sop_class in _DIRECT_CLASSES and modality in _MODALITIES)
        or (sop_class in _CAPTURE_CLASSES and modality in _CAPTURE_MODALITIES)
    ):
        raise NotARadiographError(
            "not a projection radiograph",
            path=path,
            expected="modality CR or DX, or a secondary capture",
            found=f"modality {modality or 'not stated'}, {_class_name(sop_class)}",
            remedy="hilum reads CR, DX and secondary captures of projection radiographs.",
        )
    if code(elements, "PresentationIntentType") == "FOR PROCESSING":
        raise NotARadiographError(
            "it contains raw detector data (FOR PROCESSING)",
            path=path,
            remedy="Export the image FOR PRESENTATION.",
        )
    frames = integer(elements, "NumberOfFrames", 1)
    if frames > 1:
        raise NotARadiographError("it has several frames", path=path, expected="one", found=str(frames))


def _class_name(sop_class: str) -> str:
    if not sop_class:
        return "no SOP class"
    name = uid.UID(sop_class).name
    return "an unknown SOP class" if name == sop_class else name


_SAMPLES_PER_PIXEL = {
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
    """The image pixel module (PS3.3, C.7.6.3), checked."""

    rows: int
    columns: int
    samples: int  # per pixel: 1 or 3
    bits_allocated: int  # 8 or 16
    bits_stored: int
    high_bit: int  # position of the most significant bit, from 0
    signed: bool  # two's complement
    planar: bool  # colours stored as planes
    photometric: str

    @property
    def is_grayscale(self) -> bool:
        """Whether MONOCHROME1 or MONOCHROME2."""
        return self.photometric.startswith("MONOCHROME")

    @property
    def size(self) -> int:
        """Number of samples."""
        return self.rows * self.columns * self.samples


def read_layout(elements: Dataset, path: Path | str) -> Layout:
    """Read and check the layout of the pixels."""
    photometric = code(elements, "PhotometricInterpretation") or ""
    if photometric not in _SAMPLES_PER_PIXEL:
        raise UnsupportedFormatError(
            "an unknown PhotometricInterpretation",
            path=path,
            expected=", ".join(_SAMPLES_PER_PIXEL),
            found=photometric or "none",
        )
    allocated = integer(elements, "BitsAllocated")
    if allocated not in {8, 16}:
        raise UnsupportedFormatError(
            "an unsupported number of bits per sample",
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
    _check_layout(layout, path)
    return layout


def _check_layout(layout: Layout, path: Path | str) -> None:
    samples, expected = layout.samples, _SAMPLES_PER_PIXEL[layout.photometric]
    bits = f"{layout.bits_stored} bits stored of {layout.bits_allocated}, high bit {layout.high_bit}"
    for good, what, found in (
        (min(layout.rows, layout.columns) > 0, "no rows or columns", f"{layout.rows} × {layout.columns}"),
        (samples == expected, "a wrong number of samples per pixel", str(samples)),
        (0 < layout.bits_stored <= layout.high_bit + 1 <= layout.bits_allocated, "impossible bits", bits),
    ):
        if not good:
            raise CorruptFileError(what, path=path, found=found)
