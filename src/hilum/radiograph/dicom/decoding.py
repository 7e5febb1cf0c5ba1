"""The stored samples of a DICOM image, from plain or compressed pixel data (PS3.5, 8 and annex A).

Baseline JPEG and RLE are decoded by Pillow. The other compressions need native decoders, which run in
separate processes (`worker`) with bounded time and memory. Except for RLE, the data decides how it is
decoded, not the transfer syntax.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import struct
import subprocess
import sys
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid

from hilum.errors import CorruptFileError, NotARadiographError, UnsupportedFormatError
from hilum.radiograph.dicom import worker
from hilum.radiograph.dicom.dataset import Layout, Parsed, PixelElement
from hilum.radiograph.radiograph import Limits
from hilum.radiograph.raster import is_truncated, open_luma

__all__ = ["Samples", "Stored", "unpack"]

Samples: TypeAlias = NDArray[np.uint8 | np.uint16]


class Codec(Enum):
    """The families of codestreams in DICOM, by the decoder that reads them."""

    JPEG = "JPEG"
    JPEG_DEEP = "JPEG of more than 8 bits, or lossless"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"  # HTJ2K too


# Peak memory in bytes per sample, of the decoder and its result.
_COST = {Codec.JPEG: 4, Codec.JPEG_DEEP: 10, Codec.JPEG_LS: 6, Codec.JPEG_2000: 9}
_COST_PLAIN = 2
_COST_PIXEL = 4  # the float32 of the radiograph
_ITEM, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_END_MARKER = b"\xff\xd9"


@dataclass(frozen=True)
class Stored:
    """Samples as stored, and the layout that they turned out to have.

    The samples, of shape (rows, columns) or (rows, columns, 3), are bit patterns as allocated, with unused
    bits and signs. Of YBR, there may be only the luma.
    """

    samples: Samples
    layout: Layout


def unpack(parsed: Parsed, layout: Layout, path: Path | str, limits: Limits) -> Stored:
    """Unpack the pixel data, or raise the `RadiographError` that says why not."""
    pixels = parsed.pixels
    if pixels is None:
        raise NotARadiographError(
            "it has no pixel data (7FE0,0010)", path=path, remedy="Export it again with its image."
        )

    def check_memory(cost: int) -> None:
        limits.check_image(layout.rows, layout.columns, _COST_PIXEL + cost * layout.samples, path)

    if not pixels.encapsulated:
        check_memory(_COST_PLAIN)
        return _unpack_plain(pixels, layout, path)
    frame = _join_fragments(pixels, path)
    stream = read_codestream(frame)
    if stream is None and parsed.syntax == uid.RLELossless:
        check_memory(2 * _COST_PLAIN)
        return _shape(_decode_rle(frame, layout, path), replace(layout, planar=True), path)
    if stream is None:
        raise UnsupportedFormatError("an unknown compression", path=path, found=_syntax_name(parsed.syntax))
    _check_codestream(stream, layout, path)
    check_memory(_COST[stream.codec])
    return _decode_frame(stream, frame, layout, path)


def _syntax_name(syntax: str | None) -> str:
    if syntax is None:
        return "no TransferSyntaxUID"
    known = uid.UID(syntax)
    return known.name if known.is_transfer_syntax else "an unknown TransferSyntaxUID"


def _unpack_plain(pixels: PixelElement, layout: Layout, path: Path | str) -> Stored:
    expected = layout.size * layout.bits_allocated // 8
    subsampled = layout.photometric == "YBR_FULL_422" and len(pixels.value) < expected
    expected = expected * 2 // 3 if subsampled else expected
    surplus = np.frombuffer(pixels.value[expected + expected % 2 :], np.uint8)
    if len(pixels.value) < expected or surplus.any():  # zeros are padding
        raise CorruptFileError(
            "the amount of pixel data contradicts rows and columns",
            path=path,
            expected=f"{expected:,} bytes",
            found=f"{len(pixels.value):,}",
        )
    if layout.bits_allocated == 16:
        samples: Samples = np.frombuffer(pixels.value[:expected], "<u2" if pixels.little_endian else ">u2")
    else:
        samples = _bytes(pixels, expected)
    if subsampled:  # two lumas, then two chromas (PS3.3, C.7.6.3.1.2); only the luma is needed
        samples, layout = samples.reshape(-1, 4)[:, :2].reshape(-1), replace(layout, samples=1)
    return _shape(samples, layout, path)


def _bytes(pixels: PixelElement, length: int) -> Samples:
    if pixels.little_endian or not pixels.words:
        return np.frombuffer(pixels.value[:length], np.uint8)
    even = bytes(pixels.value[: length + length % 2])  # bytes in big-endian words are swapped
    return np.frombuffer(even, ">u2").astype("<u2").view(np.uint8)[:length]


def _join_fragments(pixels: PixelElement, path: Path | str) -> bytes:
    """Join the fragments of the only frame; the offset table is not needed, and may be wrong."""
    order, value, position = "<" if pixels.little_endian else ">", pixels.value, 0
    fragments: list[memoryview] = []
    while position + 8 <= len(value):
        group, element, length = struct.unpack_from(f"{order}HHI", value, position)
        position += 8
        if (group, element) == _SEQUENCE_END:
            break
        if (group, element) != _ITEM or position + length > len(value):
            raise CorruptFileError("the compressed pixels are damaged or truncated", path=path)
        fragments.append(value[position : position + length])
        position += length
    return b"".join(fragments[1:])


def _decode_rle(frame: bytes, layout: Layout, path: Path | str) -> Samples:
    """Decode RLE (PS3.5, G): a plane for each byte of a sample, the most significant first.

    Pillow's PackBits decoder stops when a plane is full, whatever the run lengths declare.
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
        plane = Image.frombytes("L", (pixels, 1), frame[start:end], "packbits", "L")
        samples[index // width, :, width - 1 - index % width] = np.asarray(plane)[0]
    return samples.reshape(-1).view("<u2" if width == 2 else np.uint8)


@dataclass(frozen=True)
class Codestream:
    """What the header of a codestream declares; `complete` is whether it ends with its end marker."""

    codec: Codec
    rows: int
    columns: int
    samples: int
    bits: int
    complete: bool


_JPEG_CODECS = {
    0xC0: Codec.JPEG,
    0xC1: Codec.JPEG,
    0xC2: Codec.JPEG,
    0xC3: Codec.JPEG_DEEP,  # lossless
    0xF7: Codec.JPEG_LS,
}
"""By the start-of-frame marker."""
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})  # markers


def read_codestream(data: bytes) -> Codestream | None:
    """Read the header of a frame's codestream; None if hilum does not decode it."""
    complete = _END_MARKER in data[-64:].rstrip(b"\0")[-3:]
    if data.startswith(b"\xff\xd8\xff"):
        return _read_jpeg(data, complete=complete)
    if data.startswith(b"\xff\x4f\xff\x51"):
        return _read_jpeg_2000(data[:64], complete=complete)
    if data.startswith(b"\0\0\0\x0cjP  "):  # a JP2 file, which some writers store
        start = data.find(b"\xff\x4f\xff\x51", 0, 4096)
        return None if start < 0 else _read_jpeg_2000(data[start : start + 64], complete=complete)
    return None


def _read_jpeg(data: bytes, *, complete: bool) -> Codestream | None:
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in _JPEG_CODECS and position + 10 <= len(data):
            bits, rows, columns, samples = struct.unpack_from(">BHHB", data, position + 4)
            codec = _JPEG_CODECS[marker]
            if codec is Codec.JPEG and bits > 8:
                codec = Codec.JPEG_DEEP
            return Codestream(codec, rows, columns, samples, bits, complete)
        position += 2 + int(struct.unpack_from(">H", data, position + 2)[0])
    return None


def _read_jpeg_2000(head: bytes, *, complete: bool) -> Codestream | None:
    """Read the SIZ marker segment (ISO/IEC 15444-1, A.5.1)."""
    if len(head) < 43:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", head, 8)
    samples, depth, step_x, step_y = struct.unpack_from(">HBBB", head, 40)
    if step_x != 1 or step_y != 1:
        return None
    return Codestream(Codec.JPEG_2000, bottom - top, right - left, samples, (depth & 0x7F) + 1, complete)


def _check_codestream(stream: Codestream, layout: Layout, path: Path | str) -> None:
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
            f"the {stream.codec.value} data is truncated", path=path, found="no end marker"
        )


def _decode_frame(stream: Codestream, frame: bytes, layout: Layout, path: Path | str) -> Stored:
    if stream.bits == layout.bits_stored:  # the data has no room for other bits
        layout = replace(layout, high_bit=layout.bits_stored - 1)
    elif layout.signed and stream.bits < layout.bits_stored:  # the sign is the highest bit of the data
        layout = replace(layout, bits_stored=stream.bits, high_bit=stream.bits - 1)
    if stream.codec is Codec.JPEG:
        with open_luma(frame) as image:
            image.load()
            if is_truncated(frame, image):
                raise CorruptFileError("the JPEG data is truncated", path=path)
            samples: Samples = np.asarray(image.convert("L")).reshape(-1)
        layout = replace(layout, samples=1)
    else:
        samples = decode_codestream(stream, frame, path)
    if layout.photometric in {"YBR_ICT", "YBR_RCT"}:  # the decoder returns RGB
        layout = replace(layout, photometric="RGB")
    return _shape(samples, replace(layout, planar=False), path)


def _shape(samples: Samples, layout: Layout, path: Path | str) -> Stored:
    if samples.size != layout.size:
        raise CorruptFileError(
            "a wrong number of samples", path=path, expected=f"{layout.size:,}", found=f"{samples.size:,}"
        )
    if layout.samples == 1:
        return Stored(samples.reshape(layout.rows, layout.columns), layout)
    if layout.planar:
        return Stored(np.moveaxis(samples.reshape(3, layout.rows, layout.columns), 0, 2), layout)
    return Stored(samples.reshape(layout.rows, layout.columns, 3), layout)


_WORKER_NAMES = {Codec.JPEG_DEEP: b"JPEG", Codec.JPEG_LS: b"JPEG-LS", Codec.JPEG_2000: b"JPEG2000"}
_LEAST_MS = 3000
_MS_PER_MB = 2000  # of compressed data; OpenJPEG, the slowest, takes 300


def decode_codestream(stream: Codestream, data: bytes, path: Path | str) -> Samples:
    """Decode a codestream in a worker process, to (rows * columns * samples,) samples.

    `CorruptFileError` is raised if it cannot be decoded, the decoder crashes, or it takes too long.
    """
    process = _take_process()
    request = worker.REQUEST.pack(
        _WORKER_NAMES[stream.codec],
        stream.rows,
        stream.columns,
        stream.samples,
        stream.bits,
        _LEAST_MS + _MS_PER_MB * len(data) // 1_000_000,
        len(data),
    )
    try:
        answer = process.decode(request, data)
    except BaseException:  # an interrupt: the pipes are out of step
        process.close()
        raise
    if answer is None:
        timed_out = process.close() == -getattr(signal, "SIGPROF", 0)
        fate = "took too long" if timed_out else "crashed on damaged data"
        raise _decoding_error(f"the {stream.codec.value} decoder {fate}", path)
    _idle.append(process)
    bits, samples = answer
    if bits == 0:
        raise _decoding_error(f"the {stream.codec.value} data is damaged or truncated", path)
    return np.frombuffer(samples, np.uint8 if bits == 8 else np.dtype("<u2"))


def _decoding_error(what: str, path: Path | str) -> CorruptFileError:
    return CorruptFileError(what, path=path, remedy="Export the image again from its source.")


class _Process:
    """A worker process and the pipes to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own file
            [sys.executable, "-P", worker.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        if self._receive() is None:
            self.close()
            raise UnsupportedFormatError(
                "the decoders of compressed DICOM cannot start",
                remedy="Reinstall python-gdcm, pylibjpeg-openjpeg and pyjpegls.",
            )

    def decode(self, request: bytes, data: bytes) -> tuple[int, bytes] | None:
        """Return (bits allocated, samples); None if the process ended before it answered."""
        assert self._process.stdin is not None  # noqa: S101  a pipe was asked for
        try:
            self._process.stdin.write(request)
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        return self._receive()

    def _receive(self) -> tuple[int, bytes] | None:
        assert self._process.stdout is not None  # noqa: S101
        head = self._process.stdout.read(worker.ANSWER.size)
        if len(head) < worker.ANSWER.size:
            return None
        bits, length = worker.ANSWER.unpack(head)
        samples = self._process.stdout.read(length)
        return (bits, samples) if len(samples) == length else None

    def close(self) -> int:
        """End the process and return its exit status."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe and pipe.close()
        try:
            return self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def disown(self) -> None:
        """Forget a process that belongs to the parent of a forked process."""
        self._process.returncode = 0


_idle: deque[_Process] = deque()


def _take_process() -> _Process:
    try:
        return _idle.pop()  # atomic, so that no two threads get the same process
    except IndexError:
        return _Process()


def _close_idle() -> None:
    while _idle:
        _idle.pop().close()


def _disown_idle() -> None:
    while _idle:
        _idle.pop().disown()


atexit.register(_close_idle)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_idle)
