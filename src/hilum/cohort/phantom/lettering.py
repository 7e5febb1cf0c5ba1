"""What is written on a film: side markers, burned-in text, and that it is synthetic."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hilum.cohort.phantom.acquisition import Marker, MarkerStyle
from hilum.cohort.phantom.plane import FloatArray

__all__ = ["SYNTHETIC", "stamp_marker", "stamp_synthetic", "stamp_text"]

SYNTHETIC = "SYNTHETIC"
INK = 0.96


def stamp_marker(grey: FloatArray, marker: Marker) -> None:
    """Draw a side marker, in place; it is moved inwards where it would leave the image."""
    height = max(round(marker.height * grey.shape[0]), 5)
    stencil = _marker_stencil(marker.letter, marker.style, height)
    _lay(grey, stencil, marker.across * grey.shape[1], marker.down * grey.shape[0])


def stamp_text(grey: FloatArray, text: str) -> None:
    """Burn `text` in at the top right, in place."""
    stencil = _words(text, max(round(0.03 * grey.shape[0]), 5))
    _lay(grey, stencil, grey.shape[1], 0.035 * grey.shape[0])


def stamp_synthetic(grey: FloatArray) -> None:
    """Write SYNTHETIC at the bottom left, in place: the same pixels on every image of one size."""
    stencil = _words(SYNTHETIC, max(round(0.022 * grey.shape[0]), 6))
    part = grey[-stencil.shape[0] :, : stencil.shape[1]]
    part[:] = (0.08 + 0.62 * stencil)[: part.shape[0], : part.shape[1]]


def _lay(grey: FloatArray, stencil: FloatArray, across: float, down: float) -> None:
    rows, columns = stencil.shape
    top = int(np.clip(down - rows / 2, 0, max(grey.shape[0] - rows, 0)))
    left = int(np.clip(across - columns / 2, 0, max(grey.shape[1] - columns, 0)))
    part = grey[top : top + rows, left : left + columns]
    part += stencil[: part.shape[0], : part.shape[1]] * (INK - part)


@lru_cache(maxsize=64)
def _words(text: str, height: int) -> FloatArray:
    """Coverage 0 to 1 of a line of text, (about 1.5 * height, columns)."""
    font = ImageFont.load_default(height)
    left, top, right, bottom = font.getbbox(text)
    pad = max(height // 4, 1)
    size = (int(right - left) + 2 * pad, int(bottom - top) + 2 * pad)
    image = Image.new("L", size)
    ImageDraw.Draw(image).text((pad - left, pad - top), text, fill=255, font=font)
    return _coverage(image)


@lru_cache(maxsize=64)
def _marker_stencil(letter: str, style: MarkerStyle, height: int) -> FloatArray:
    """Coverage 0 to 1 of a marker, (height, height)."""
    solid = style is MarkerStyle.BOX
    image = Image.new("L", (height, height), 255 if solid else 0)
    drawing = ImageDraw.Draw(image)
    if style is MarkerStyle.DISC:
        drawing.ellipse((0, 0, height - 1, height - 1), outline=255, width=max(height // 10, 1))
    font = ImageFont.load_default(height if style is MarkerStyle.PLAIN else 0.7 * height)
    drawing.text((height / 2, height / 2), letter, fill=0 if solid else 255, font=font, anchor="mm")
    return _coverage(image)


def _coverage(image: Image.Image) -> FloatArray:
    coverage = np.asarray(image, dtype=np.float32) / 255
    coverage.flags.writeable = False
    return coverage
