"""What a file is, by its first bytes; its name is never asked."""

from __future__ import annotations

import struct
from enum import Enum
from pathlib import Path

from hilum.errors import CorruptFileError, UnsupportedFormatError

__all__ = ["Format", "recognise"]


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

_REMEDY = "Save the image as PNG, JPEG, TIFF or DICOM."


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
        "no image that hilum reads", path=path, found=_foreign(content), remedy=_REMEDY
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
