"""PNG, JPEG, TIFF, WebP, BMP and GIF files, read with Pillow.

Colour becomes luma (ITU-R BT.601), transparency black. Integer samples are divided by their full scale: 255
for 8 bits; for 16 bits the smallest of 8, 10, 12, 14 and 16 bits that holds the largest sample, since images
of 10- to 14-bit detectors are commonly saved in 16 bits. Floating-point samples follow the same rule, but are
kept as they are where all lie in [0, 1]. A raster file does not state whether it was inverted or rotated,
except for EXIF's orientation, which is applied.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageChops, ImageOps

from hilum.errors import CorruptFileError, NotARadiographError, OversizedImageError, UnsupportedFormatError
from hilum.radiograph.preprocessing import ToDisplay, factor_for, render
from hilum.radiograph.radiograph import Format, Header, Limits, Radiograph, recognise

__all__ = ["decode", "is_truncated", "open_luma"]

# Peak memory per pixel in bytes: Pillow's image, its copies, and the float32 result.
_COST = {"1": 7, "L": 7, "P": 9, "LA": 10, "I;16": 8, "I;16B": 8, "I": 12, "F": 12}
_COST_COLOUR = 10
_COST_PROGRESSIVE = 8  # libjpeg keeps the coefficients of four channels, 16 bits each
_COST_WEBP = 17  # its decoder composes on two RGBA canvases
_BITS = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I;16N": 16, "I": 32, "F": 32}
_DEEP_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I", "F"})  # more than 8 bits
_TIFF_COLUMNS, _TIFF_ROWS, _TIFF_BITS, _TIFF_PHOTOMETRIC = 256, 257, 258, 262
_WHITE_IS_ZERO = 0
_TRANSPOSED = (5, 6, 7, 8)  # orientations that swap rows and columns
_REMEDY = "Copy it again from its source."


def decode(content: bytes, path: Path | str, limits: Limits, side: int | None = None) -> Radiograph:
    """Decode a raster file.

    Call `hilum.radiograph.decode`, which converts Pillow's exceptions to `RadiographError`.
    """
    form = recognise(content, path)
    image = _open(content, form, path)
    rows, columns = _stored_size(image, form)
    limits.check_image(rows, columns, _cost(image, form), path)
    _check_single(image, form, path)
    bits = _bits(image, content, form)
    header = Header(form.value, rows, columns, image.mode, bits, len(content))
    inverted = form is Format.TIFF and _is_white_zero(image)
    factor = factor_for(rows, columns, side)
    decoder_factor = _draft(image, factor) if form is Format.JPEG else 1
    _load(image, content, form, decoder_factor, path)
    transposed = image.getexif().get(ExifTags.Base.Orientation) in _TRANSPOSED
    ImageOps.exif_transpose(image, in_place=True)
    deep = image.mode in _DEEP_MODES
    samples, to_display = _deep(image, path, inverted=inverted) if deep else (_luma(image), _divide_by_255)
    if form is Format.PNG and bits == 16 and not deep:
        _check_low_bits(samples, path)
    pixels = render(samples, to_display, factor // decoder_factor)
    if factor == 1:
        return Radiograph(pixels, header)
    extent = samples.shape if decoder_factor == 1 else (columns, rows) if transposed else (rows, columns)
    return Radiograph(pixels, header, (extent[0], extent[1]))


def _open(content: bytes, form: Format, path: Path | str) -> Image.Image:
    try:
        return Image.open(BytesIO(content), formats=[form.value])
    except Image.DecompressionBombError as error:
        raise OversizedImageError(
            "the header declares more pixels than any radiograph has",
            path=path,
            remedy="Scale the image down.",
        ) from error
    except OSError as error:
        raise CorruptFileError(
            f"the {form.value} header is damaged or of an unsupported kind",
            path=path,
            remedy="Save the image again as 8- or 16-bit PNG.",
        ) from error


def _stored_size(image: Image.Image, form: Format) -> tuple[int, int]:
    if form is Format.TIFF:  # where Pillow's size is the one after orientation
        return image.tag_v2[_TIFF_ROWS], image.tag_v2[_TIFF_COLUMNS]  # type: ignore[attr-defined]
    return image.height, image.width


def _cost(image: Image.Image, form: Format) -> int:
    if form is Format.WEBP:
        return _COST_WEBP
    cost = _COST.get(image.mode, _COST_COLOUR)
    return cost + _COST_PROGRESSIVE if image.info.get("progressive") else cost


def _check_single(image: Image.Image, form: Format, path: Path | str) -> None:
    """Refuse animations and several pages, but not the previews that phones add to a JPEG (MPO)."""
    if form is Format.JPEG:
        return
    if _has_second_page(image) if form is Format.TIFF else getattr(image, "is_animated", False):
        raise NotARadiographError(
            f"the {form.value} contains several images",
            path=path,
            expected="one",
            remedy="Save each image in a file of its own.",
        )


def _has_second_page(image: Image.Image) -> bool:
    try:
        image.seek(1)
    except EOFError:
        return False
    return True


def _bits(image: Image.Image, content: bytes, form: Format) -> int:
    if form is Format.PNG:
        return content[24]  # IHDR's bit depth
    if form is Format.TIFF:
        return int(image.tag_v2.get(_TIFF_BITS, (1,))[0])  # type: ignore[attr-defined]
    return _BITS.get(image.mode, 8)


def _is_white_zero(image: Image.Image) -> bool:
    """Whether a TIFF is still to be inverted: Pillow inverts up to 8 bits only."""
    photometric = image.tag_v2.get(_TIFF_PHOTOMETRIC)  # type: ignore[attr-defined]
    return image.mode in _DEEP_MODES and photometric == _WHITE_IS_ZERO


def _load(image: Image.Image, content: bytes, form: Format, factor: int, path: Path | str) -> None:
    try:
        image.load()
    except OSError as error:
        raise CorruptFileError(
            f"the {form.value} is damaged or truncated",
            path=path,
            found=" ".join(str(error).split())[:80] or type(error).__name__,
            remedy=_REMEDY,
        ) from error
    if form is Format.JPEG and is_truncated(content, image, factor):
        raise CorruptFileError("the JPEG is truncated", path=path, remedy=_REMEDY)


def _luma(image: Image.Image) -> NDArray[np.uint8]:
    if image.has_transparency_data:
        image = image if image.mode in {"LA", "RGBA"} else image.convert("RGBA")
        # Luma is linear, so this is luma over black; colours under transparent pixels vanish.
        image = ImageChops.multiply(image.convert("L"), image.getchannel("A"))
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode != "L":
        image = (image if image.mode in {"RGB", "P"} else image.convert("RGB")).convert("L")
    return np.asarray(image)


def _divide_by_255(rows: NDArray[Any], out: NDArray[np.float32]) -> None:
    np.divide(rows, np.float32(255), out=out)


def _deep(image: Image.Image, path: Path | str, *, inverted: bool) -> tuple[NDArray[Any], ToDisplay]:
    """Return samples of more than 8 bits, and their mapping to display values."""
    samples = np.asarray(image)
    low, high = float(samples.min()), float(samples.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise CorruptFileError("its samples are not all finite", path=path, found="NaN or infinity")
    if low < 0:
        raise UnsupportedFormatError(
            "it has negative samples",
            path=path,
            found=f"{low:g}",
            remedy="Shift them to start at 0, or save 16-bit unsigned integers.",
        )
    scale = 1.0 if image.mode == "F" and high <= 1 else _full_scale(high)

    def to_display(rows: NDArray[Any], out: NDArray[np.float32]) -> None:
        out[:] = rows
        if "transparency" in image.info:  # the one gray value that is transparent
            out[out == image.info["transparency"]] = 0
        out /= np.float32(scale)
        if inverted:
            np.subtract(1, out, out=out)

    return samples, to_display


def _full_scale(maximum: float) -> float:
    """Return the sample value of white: of the smallest usual bit depth that holds the largest sample.

    Examples
    --------
    >>> _full_scale(255), _full_scale(3900), _full_scale(65535), _full_scale(70000)
    (255.0, 4095.0, 65535.0, 70000.0)
    """
    return next((2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if maximum < 2**bits), float(maximum))


def _check_low_bits(samples: NDArray[np.uint8], path: Path | str) -> None:
    """Refuse 16-bit colour that uses the low bits only: Pillow keeps the upper 8, and would give black."""
    if samples.max() < 64:
        raise UnsupportedFormatError(
            "16-bit colour that uses the lower bits only", path=path, remedy="Save it as 16-bit grayscale."
        )


_END_MARKER = b"\xff\xd9"
_FILL = 128  # gray of the blocks that libjpeg leaves without coefficients where the data ends early
# With restart markers, so that it is also consumed where an interval had just ended.
_NOISE = b"".join(bytes.fromhex("5aa33cc5691e") * 16 + bytes([0xFF, 0xD0 + index]) for index in range(8))
_ARITHMETIC = frozenset({0xC9, 0xCA})  # arithmetic coding may omit trailing zeros
_WITHOUT_LENGTH = frozenset({0x01, 0xFF, *range(0xD0, 0xD9)})


def open_luma(content: bytes, factor: int = 1) -> Image.Image:
    """Open a JPEG so that loading gives the luma as stored: exact, and at a quarter of the memory."""
    image = Image.open(BytesIO(content), formats=["JPEG"])
    _draft(image, factor)
    return image


def _draft(image: Image.Image, factor: int) -> int:
    """Configure the decoder of an opened JPEG to give luma reduced by `factor`, and return the factor used.

    It is 1 for CMYK, whose luma is not a mean of lumas; for progressive data, which may be truncated in
    detail that the reduced image does not show; and for a rotated image that the factor does not divide,
    since its partial last row or column would come first.
    """
    divides = not (image.width % factor or image.height % factor)
    upright = divides or image.getexif().get(ExifTags.Base.Orientation, 1) == 1
    plain = image.mode in {"L", "RGB"} and not image.info.get("progressive")
    factor = factor if plain and upright else 1
    image.draft("L", (image.width // factor, image.height // factor))
    return factor


def is_truncated(content: bytes, image: Image.Image, factor: int = 1) -> bool:
    """Whether JPEG data ends more than a block before the image is complete.

    A decoder reads no more bits than the image needs, so noise inserted before the end marker changes nothing
    unless bits are missing. The second decoding is skipped where the last pixel differs from the gray of
    missing blocks; progressive data and CMYK always need it. `image` is the loaded result of `open_luma`,
    which the decoder reduced by `factor`.
    """
    end = content.rfind(_END_MARKER)
    if end < 0 or _frame_marker(content) in _ARITHMETIC or not _may_be_filled(image):
        return False
    with open_luma(content[:end] + _NOISE + content[end:], factor) as noisy:
        noisy.load()
        return noisy.tobytes() != image.tobytes()


def _may_be_filled(image: Image.Image) -> bool:
    last = image.getpixel((image.width - 1, image.height - 1))
    return bool(image.info.get("progressive")) or image.mode != "L" or last == _FILL


def _frame_marker(content: bytes) -> int:
    """Return the second byte of the start-of-frame marker, 0 where there is none."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return marker
        if marker in _WITHOUT_LENGTH:
            place += 1 if marker == 0xFF else 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4])
    return 0
