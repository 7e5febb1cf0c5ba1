"""The stored values of a DICOM image, from plain or compressed pixel data (PS3.5, 8 and annex A)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid

from hilum.errors import CorruptFileError, NotARadiographError, UnsupportedFormatError
from hilum.radiograph.dicom import codestream, containment
from hilum.radiograph.dicom.codestream import Codec, Codestream
from hilum.radiograph.dicom.dataset import Parsed, PixelElement
from hilum.radiograph.dicom.layout import Layout
from hilum.radiograph.jpeg import is_cut_short, open_luma
from hilum.radiograph.limits import Limits

__all__ = ["Samples", "Stored", "unpack"]

Samples: TypeAlias = NDArray[np.uint8 | np.uint16]

# Memory at the peak, in bytes per sample: what the decoder takes and what comes out.
_COST = {Codec.JPEG: 4, Codec.JPEG_DEEP: 10, Codec.JPEG_LS: 6, Codec.JPEG_2000: 9}
_COST_PLAIN = 2
_COST_PIXEL = 4  # the float32 of the radiograph
_ITEM, _END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)


@dataclass(frozen=True)
class Stored:
    """Samples as stored, and the layout that the data turned out to have.

    Parameters
    ----------
    samples : ndarray of uint8 or uint16, shape (rows, columns) or (rows, columns, 3)
        Bit patterns as allocated: unused bits and signs are still in them. Of YBR, only the luma may be here.
    layout : Layout
        How to read them.
    """

    samples: Samples
    layout: Layout


def unpack(parsed: Parsed, layout: Layout, path: Path | str, limits: Limits) -> Stored:
    """Unpack the pixel data, if the limits allow it.

    Raises
    ------
    CorruptFileError, UnsupportedFormatError, OversizedImageError
        If there is none, it is damaged, or its compression is not read.
    """
    pixels = parsed.pixels
    if pixels is None:
        raise NotARadiographError(
            "it holds no pixels (7FE0,0010)", path=path, remedy="Export it again with its image."
        )
    if not pixels.encapsulated:
        limits.check_image(layout.rows, layout.columns, _COST_PIXEL + _COST_PLAIN * layout.samples, path)
        return _plain(pixels, layout, path)
    frame = _frame(pixels, path)
    stream = codestream.inspect(frame)
    if stream is None and parsed.syntax == uid.RLELossless:
        limits.check_image(layout.rows, layout.columns, _COST_PIXEL + 2 * _COST_PLAIN * layout.samples, path)
        return _shaped(_run_lengths(frame, layout, path), replace(layout, planar=True), path)
    if stream is None:
        raise UnsupportedFormatError("an unknown compression", path=path, found=_syntax_name(parsed.syntax))
    _check_header(stream, layout, path)
    limits.check_image(layout.rows, layout.columns, _COST_PIXEL + _COST[stream.codec] * layout.samples, path)
    return _decoded(stream, frame, layout, path)


def _plain(pixels: PixelElement, layout: Layout, path: Path | str) -> Stored:
    expected = layout.size * layout.bits_allocated // 8
    subsampled = layout.photometric == "YBR_FULL_422" and len(pixels.value) < expected
    expected = expected * 2 // 3 if subsampled else expected
    if len(pixels.value) < expected or _any(pixels.value[expected + expected % 2 :]):
        raise CorruptFileError(
            "rows and columns do not tell the amount of pixel data",
            path=path,
            expected=f"{expected:,} bytes",
            found=f"{len(pixels.value):,}",
        )
    samples = _words(pixels, expected) if layout.bits_allocated == 16 else _bytes(pixels, expected)
    if subsampled:  # two lumas, then two chromas (PS3.3, C.7.6.3.1.2); only the luma is wanted
        samples, layout = samples.reshape(-1, 4)[:, :2].reshape(-1), replace(layout, samples=1)
    return _shaped(samples, layout, path)


def _any(surplus: memoryview) -> bool:
    """Whether there is more than padding."""
    return bool(np.frombuffer(surplus, np.uint8).any())


def _words(pixels: PixelElement, length: int) -> Samples:
    return np.frombuffer(pixels.value[:length], "<u2" if pixels.little_endian else ">u2")


def _bytes(pixels: PixelElement, length: int) -> Samples:
    if pixels.little_endian or not pixels.words:
        return np.frombuffer(pixels.value[:length], np.uint8)
    even = bytes(pixels.value[: length + length % 2])  # bytes in big-endian words are swapped
    return np.frombuffer(even, ">u2").astype("<u2").view(np.uint8)[:length]


def _frame(pixels: PixelElement, path: Path | str) -> bytes:
    """Join the fragments of the only frame; its offset table tells nothing then, right or wrong."""
    order, value, position = "<" if pixels.little_endian else ">", pixels.value, 0
    fragments: list[memoryview] = []
    while position + 8 <= len(value):
        group, element, length = struct.unpack_from(f"{order}HHI", value, position)
        position += 8
        if (group, element) == _END:
            break
        if (group, element) != _ITEM or position + length > len(value):
            raise CorruptFileError("the compressed pixels are damaged or cut short", path=path)
        fragments.append(value[position : position + length])
        position += length
    return b"".join(fragments[1:])


def _run_lengths(frame: bytes, layout: Layout, path: Path | str) -> Samples:
    """Decode RLE (PS3.5, G): a plane for each byte of a sample, the most significant first.

    Pillow's PackBits decoder stops when a plane is full, whatever the runs promise.
    """
    width, pixels = layout.bits_allocated // 8, layout.rows * layout.columns
    count, *offsets = struct.unpack_from("<16I", frame)
    if count != width * layout.samples:
        raise CorruptFileError(
            "a wrong number of RLE segments",
            path=path,
            expected=str(width * layout.samples),
            found=str(count),
        )
    ends = [*offsets[1:count], len(frame)]
    samples = np.empty((layout.samples, pixels, width), np.uint8)
    for index, (start, end) in enumerate(zip(offsets[:count], ends, strict=True)):
        segment = frame[start:end]
        plane = Image.frombytes("L", (pixels, 1), segment, "packbits", "L")
        samples[index // width, :, width - 1 - index % width] = np.asarray(plane)[0]
    return samples.reshape(-1).view("<u2" if width == 2 else np.uint8)


def _check_header(stream: Codestream, layout: Layout, path: Path | str) -> None:
    found = (stream.rows, stream.columns, stream.samples)
    expected = (layout.rows, layout.columns, layout.samples)
    if found != expected or not 2 <= stream.bits <= layout.bits_allocated:
        raise CorruptFileError(
            f"the {stream.codec.value} data contradicts the file's header",
            path=path,
            expected="{} × {} pixels of {} samples in at most {} bits".format(
                *expected, layout.bits_allocated
            ),
            found="{} × {} of {} in {}".format(*found, stream.bits),
        )
    if not stream.complete:
        raise CorruptFileError(
            f"the {stream.codec.value} data is cut short", path=path, found="no end marker"
        )


def _decoded(stream: Codestream, frame: bytes, layout: Layout, path: Path | str) -> Stored:
    if stream.bits == layout.bits_stored:  # the data has no room for other bits
        layout = replace(layout, high_bit=layout.bits_stored - 1)
    elif layout.signed and stream.bits < layout.bits_stored:  # its sign is in its own highest bit
        layout = replace(layout, bits_stored=stream.bits, high_bit=stream.bits - 1)
    if stream.codec is Codec.JPEG:
        with open_luma(frame) as image:
            image.load()
            if is_cut_short(frame, image):
                raise CorruptFileError("the JPEG data ends before its picture does", path=path)
            samples: Samples = np.asarray(image.convert("L")).reshape(-1)
        layout = replace(layout, samples=1)
    else:
        samples = containment.decode(stream, frame, path)
    if layout.photometric in {"YBR_ICT", "YBR_RCT"}:  # transformed back by the decoder
        layout = replace(layout, photometric="RGB")
    return _shaped(samples, replace(layout, planar=False), path)


def _shaped(samples: Samples, layout: Layout, path: Path | str) -> Stored:
    if samples.size != layout.size:
        raise CorruptFileError(
            "a wrong number of samples", path=path, expected=f"{layout.size:,}", found=f"{samples.size:,}"
        )
    if layout.samples == 1:
        return Stored(samples.reshape(layout.rows, layout.columns), layout)
    if layout.planar:
        return Stored(np.moveaxis(samples.reshape(3, layout.rows, layout.columns), 0, 2), layout)
    return Stored(samples.reshape(layout.rows, layout.columns, 3), layout)


def _syntax_name(syntax: str | None) -> str:
    if syntax is None:
        return "no TransferSyntaxUID"
    known = uid.UID(syntax)
    return known.name if known.is_transfer_syntax else "an unknown TransferSyntaxUID"
