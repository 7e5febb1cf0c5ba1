"""A process that runs native decoders, so that their crashes do not end hilum's process.

gdcm crashes, CharLS hangs and OpenJPEG takes gigabytes on a few of a thousand damaged codestreams. This file
is run as a script by `hilum.radiograph.dicom.decoding`; it imports nothing of hilum, so that it starts in a
fraction of a second.

A request is ``codec, rows, columns, samples, bits, milliseconds, length`` and the codestream; an answer is
``bits allocated, length`` and the samples, where 0 bits means that the codestream cannot be decoded. The
operating system ends the process when a request exceeds its processor time or its memory.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import gdcm
import jpeg_ls  # type: ignore[import-untyped]
import numpy as np
from openjpeg.utils import decode_pixel_data

REQUEST = struct.Struct("<8sIIIIQQ")
ANSWER = struct.Struct("<BQ")
MEMORY_BYTES = 768 << 20


def jpeg(data: bytes, rows: int, columns: int, samples: int, bits: int) -> tuple[int, Any]:
    """Decode lossless JPEG, or extended JPEG of 12 bits."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(data)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.RGB if samples == 3 else gdcm.PhotometricInterpretation.MONOCHROME2
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    if samples > 1:
        image.SetPlanarConfiguration(0)
    lossless = b"\xff\xc3" in data[:4096]  # the frame header's marker
    syntax = gdcm.TransferSyntax
    kind = syntax.JPEGLosslessProcess14_1 if lossless else syntax.JPEGExtendedProcess2_4
    image.SetTransferSyntax(gdcm.TransferSyntax(kind))
    allocated = 8 if bits <= 8 else 16
    image.SetPixelFormat(gdcm.PixelFormat(samples, allocated, bits, bits - 1, 0))
    # gdcm returns bytes as text, and None where it fails
    return allocated, image.GetBuffer().encode("utf-8", "surrogateescape")


def jpeg_ls_(data: bytes, _rows: int, _columns: int, samples: int, _bits: int) -> tuple[int, Any]:
    """Decode JPEG-LS, to samples interleaved by pixel."""
    decoded, info = jpeg_ls.decode_buffer(data)
    width = 1 if info["bits_per_sample"] <= 8 else 2
    if samples > 1 and info["interleave_mode"] == 0:  # by plane
        decoded = np.frombuffer(decoded, f"<u{width}").reshape(samples, -1).T.tobytes()
    return 8 * width, decoded


def jpeg_2000(data: bytes, _rows: int, _columns: int, _samples: int, bits: int) -> tuple[int, Any]:
    """Decode JPEG 2000 and HTJ2K, to samples interleaved by pixel."""
    return 8 if bits <= 8 else 16, decode_pixel_data(data, version=2)


DECODERS: dict[bytes, Callable[[bytes, int, int, int, int], tuple[int, Any]]] = {
    b"JPEG": jpeg,
    b"JPEG-LS": jpeg_ls_,
    b"JPEG2000": jpeg_2000,
}


def answer(request: bytes, data: bytes) -> tuple[int, Any]:
    """Return bits allocated and samples; 0 bits where the codestream cannot be decoded."""
    codec, rows, columns, samples, bits, milliseconds, _ = REQUEST.unpack(request)
    _limit_time(milliseconds / 1000)
    try:
        return DECODERS[codec.rstrip(b"\0")](data, rows, columns, samples, bits)
    except Exception:
        return 0, b""
    finally:
        _limit_time(0)


def _limit_time(seconds: float) -> None:
    """Limit the processor time that remains; 0 removes the limit."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory() -> None:
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until the pipe is closed."""
    answers.write(ANSWER.pack(1, 0))  # ready
    answers.flush()
    while len(request := requests.read(REQUEST.size)) == REQUEST.size:
        data = requests.read(REQUEST.unpack(request)[-1])
        bits, samples = answer(request, data)
        answers.write(ANSWER.pack(bits, len(samples)))
        answers.write(samples)
        answers.flush()
        del data, samples


if __name__ == "__main__":
    _limit_memory()
    with os.fdopen(os.dup(1), "wb") as pipe:  # the decoders print to 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        main(sys.stdin.buffer, pipe)
