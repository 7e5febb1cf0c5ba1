"""JPEG data that was cut and then closed with an end marker, which decoders fill up with gray in silence."""

from __future__ import annotations

from io import BytesIO

from PIL import ExifTags, Image

__all__ = ["draft", "is_cut_short", "open_luma"]

_END = b"\xff\xd9"
_FILL = 128  # libjpeg leaves the blocks behind the end without coefficients
_ORIENTATION = ExifTags.Base.Orientation
# with restart markers, so that it also counts where an interval had just ended
_NOISE = b"".join(bytes.fromhex("5aa33cc5691e") * 16 + bytes([0xFF, 0xD0 + index]) for index in range(8))
_ARITHMETIC = frozenset({0xC9, 0xCA})  # its last bytes may be left out, and stand for zeros
_ALONE = frozenset({0x01, 0xFF, *range(0xD0, 0xD9)})


def open_luma(content: bytes, factor: int = 1) -> Image.Image:
    """Open a JPEG so that loading gives the luma as stored: exact, and at a quarter of the memory."""
    image = Image.open(BytesIO(content), formats=["JPEG"])
    draft(image, factor)
    return image


def draft(image: Image.Image, factor: int) -> int:
    """Have a JPEG that is not loaded yet decoded to its luma, reduced by `factor`.

    The decoder leaves out of each block what is finer than the reduced picture shows.

    Parameters
    ----------
    image : Image
        As opened.
    factor : int
        1, 2, 4 or 8.

    Returns
    -------
    int
        `factor`; or 1 where the decoder shall not reduce: CMYK, whose luma is no mean of lumas; progressive
        data, which may be cut in what the reduced picture does not show; and a turned picture whose last row
        or column reaches beyond its end, and would come first.
    """
    divides = not (image.width % factor or image.height % factor)
    upright = divides or image.getexif().get(_ORIENTATION, 1) == 1
    plain = image.mode in {"L", "RGB"} and not image.info.get("progressive")
    factor = factor if plain and upright else 1
    image.draft("L", (image.width // factor, image.height // factor))
    return factor


def is_cut_short(content: bytes, image: Image.Image, factor: int = 1) -> bool:
    """Tell whether JPEG data ends before its picture does, by more than a block.

    A decoder reads no more bits than the picture needs, so noise before the end marker changes nothing
    unless some were missing. Decoding twice is spared where the picture's last pixel is not the gray that a
    decoder fills up with; progressive data and CMYK must always be decoded twice.

    Parameters
    ----------
    content : bytes
        The JPEG data.
    image : Image
        What `open_luma` gave for it, loaded.
    factor : int
        By how much the decoder reduced it.
    """
    end = content.rfind(_END)
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
        alone = marker in _ALONE
        place += (1 if marker == 0xFF else 2) if alone else 2 + int.from_bytes(content[place + 2 : place + 4])
    return 0
