"""The elements of a DICOM file that matter for its picture, and where its pixels begin (PS3.5, PS3.10)."""

from __future__ import annotations

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

from hilum.errors import CorruptFileError, OversizedImageError
from hilum.radiograph.limits import Limits

__all__ = ["Parsed", "PixelElement", "parse"]

_KEYWORDS = (
    "SOPClassUID", "Modality", "PresentationIntentType", "ViewPosition", "PixelSpacing",
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
    CorruptFileError, OversizedImageError
        If it has too many elements, or ends within its pixels.
    """
    try:
        meta, start = _meta(content)
        syntax = str(meta.get("TransferSyntaxUID") or "").strip() or None
        if syntax == uid.DeflatedExplicitVRLittleEndian:
            content, start = _inflate(content[start:], path, limits), 0
        implicit, little = _encoding(content[start : start + 8])
        stream = _Metered(content)
        stream.seek(start)
        elements = read_dataset(stream, implicit, little, stop_when=_at_pixels, specific_tags=_TAGS)
    except _TooManyElementsError as error:
        raise CorruptFileError(
            "too many elements before the pixels", path=path, expected=f"at most {_MOST_READS:,} reads"
        ) from error
    _check_values(elements, path)
    implicit = bool(elements.original_encoding[0])  # pydicom may know better
    pixels = _pixels(content, stream.tell(), path, implicit=implicit, little=little)
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


def _inflate(packed: bytes, path: Path | str, limits: Limits) -> bytes:
    """Inflate a deflated data set (PS3.5, A.5), but no further than the limits allow."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    most = min(limits.file_bytes, limits.unpacked_bytes)
    content = stream.decompress(packed, most + 1)
    if len(content) > most:
        raise OversizedImageError(
            "the deflated data set is too large", path=path, expected=f"at most {most:,} bytes inflated"
        )
    if not stream.eof:
        raise CorruptFileError("the deflated data set is cut short", path=path)
    return content


def _at_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag in _PIXEL_TAGS


def _check_values(elements: Dataset, path: Path | str) -> None:
    for tag in elements.keys():  # noqa: SIM118  iterating over a Dataset would convert its values
        length = getattr(elements.get_item(tag), "length", 0)
        if length is not None and _LARGEST_VALUE < length < _UNDEFINED:
            raise CorruptFileError(
                "an element is implausibly long", path=path, found=f"{tag}, {length:,} bytes"
            )


def _pixels(
    content: bytes, start: int, path: Path | str, *, implicit: bool, little: bool
) -> PixelElement | None:
    """Find the value of Pixel Data, whose element begins at `start`; None where there is none."""
    order = "<" if little else ">"
    if len(content) < start + 12:
        return None
    group, element, vr = struct.unpack_from(f"{order}HH2s", content, start)
    if (group << 16 | element) != _PIXEL_DATA:
        return None
    offset, header = (4, 8) if implicit else (8, 12)
    (length,) = struct.unpack_from(f"{order}I", content, start + offset)
    begin = start + header
    view = memoryview(content)
    words = implicit or vr == b"OW"
    if length == _UNDEFINED:
        return PixelElement(view[begin:], True, little, words)
    if begin + length > len(content):
        raise CorruptFileError(
            "the file ends within its pixels",
            path=path,
            expected=f"{length:,} bytes",
            found=f"{len(content) - begin:,}",
            remedy="Copy it again from its source.",
        )
    return PixelElement(view[begin : begin + length], False, little, words)
