"""What compressed data say of themselves: JPEG, JPEG-LS and JPEG 2000 headers.

The codestream decides how it is decoded, not the transfer syntax that labels it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

__all__ = ["Codec", "Codestream", "inspect"]


class Codec(Enum):
    """The families of codestreams in DICOM, by the decoder that reads them."""

    JPEG = "JPEG"
    JPEG_DEEP = "JPEG of more than 8 bits, or lossless"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"  # HTJ2K too


@dataclass(frozen=True)
class Codestream:
    """The header of a codestream.

    Parameters
    ----------
    codec : Codec
        Its family.
    rows, columns, samples, bits : int
        What it declares.
    signed : bool
        Whether its samples are signed (JPEG 2000 only).
    complete : bool
        Whether it ends with its end marker.
    """

    codec: Codec
    rows: int
    columns: int
    samples: int
    bits: int
    signed: bool
    complete: bool


_LOSSLESS, _JPEG_LS = 0xC3, 0xF7
_SUPPORTED = {
    0xC0: Codec.JPEG,
    0xC1: Codec.JPEG,
    0xC2: Codec.JPEG,
    _LOSSLESS: Codec.JPEG_DEEP,
    _JPEG_LS: Codec.JPEG_LS,
}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def inspect(data: bytes) -> Codestream | None:
    """Read the header of a codestream; None if it is none that hilum decodes.

    Parameters
    ----------
    data : bytes
        One frame.
    """
    complete = b"\xff\xd9" in data[-64:].rstrip(b"\0")[-3:]
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data, complete=complete)
    start = 0 if data.startswith(b"\xff\x4f\xff\x51") else _boxed(data)
    return None if start < 0 else _jpeg_2000(data[start : start + 64], complete=complete)


def _boxed(data: bytes) -> int:
    """Return where the codestream begins in a JP2 file, which some writers store; -1 if nowhere."""
    return data.find(b"\xff\x4f\xff\x51", 0, 4096) if data.startswith(b"\0\0\0\x0cjP  ") else -1


def _jpeg(data: bytes, *, complete: bool) -> Codestream | None:
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF or marker in _ALONE:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in _SUPPORTED and position + 10 <= len(data):
            bits, rows, columns, samples = struct.unpack_from(">BHHB", data, position + 4)
            codec = _SUPPORTED[marker]
            if codec is Codec.JPEG and bits > 8:
                codec = Codec.JPEG_DEEP
            return Codestream(codec, rows, columns, samples, bits, False, complete)
        position += 2 + int(struct.unpack_from(">H", data, position + 2)[0])
    return None


def _jpeg_2000(head: bytes, *, complete: bool) -> Codestream | None:
    """Read the SIZ marker segment (ISO/IEC 15444-1, A.5.1)."""
    if len(head) < 43:
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", head, 8)
    samples, depth, step_x, step_y = struct.unpack_from(">HBBB", head, 40)
    if step_x != 1 or step_y != 1:
        return None
    return Codestream(
        Codec.JPEG_2000, bottom - top, right - left, samples, (depth & 0x7F) + 1, bool(depth & 0x80), complete
    )
