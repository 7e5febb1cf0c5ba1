"""JPEG data that was cut and then closed with an end marker, which decoders fill up with gray in silence."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

__all__ = ["is_cut_short", "open_luma"]

_END = b"\xff\xd9"
# with restart markers, so that it also counts where an interval had just ended
_NOISE = b"".join(bytes.fromhex("5aa33cc5691e") * 16 + bytes([0xFF, 0xD0 + index]) for index in range(8))
_ARITHMETIC = frozenset({0xC9, 0xCA})  # its last bytes may be left out, and stand for zeros
_ALONE = frozenset({0x01, 0xFF, *range(0xD0, 0xD9)})


def open_luma(content: bytes) -> Image.Image:
    """Open a JPEG so that loading gives the luma as stored: exact, and at a quarter of the memory."""
    image = Image.open(BytesIO(content), formats=["JPEG"])
    image.draft("L", image.size)
    return image


def is_cut_short(content: bytes, image: Image.Image) -> bool:
    """Tell whether JPEG data ends before its picture does, by more than a block.

    A decoder reads no more bits than the picture needs, so noise before the end marker changes nothing
    unless some were missing. Decoding twice is spared where the picture's last block is not flat, as it is
    where a decoder filled up; progressive data must always be decoded twice.

    Parameters
    ----------
    content : bytes
        The JPEG data.
    image : Image
        What `open_luma` gave for it, loaded.
    """
    end = content.rfind(_END)
    block = np.asarray(image.crop((image.width - 8, image.height - 8, image.width, image.height)))
    if (
        end < 0
        or _frame_marker(content) in _ARITHMETIC
        or not (image.info.get("progressive") or _is_flat(block))
    ):
        return False
    with open_luma(content[:end] + _NOISE + content[end:]) as noisy:
        noisy.load()
        return noisy.tobytes() != image.tobytes()


def _is_flat(block: np.ndarray) -> bool:
    return bool((block == block.flat[0]).all())


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
