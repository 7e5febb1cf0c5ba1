"""From a radiograph to the square that a network made elsewhere expects, by the rules of its own library."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.classifier.specification import ModelSpecification
from hilum.radiograph import Radiograph

__all__ = ["to_square"]

Pixels = NDArray[np.float32]

_TRUNCATION = 4.0  # standard deviations, scipy.ndimage's default


def to_square(radiograph: Radiograph, model: ModelSpecification) -> Pixels:
    """Resize and fit a radiograph as a model's specification states.

    Parameters
    ----------
    radiograph : Radiograph
        In full size.
    model : ModelSpecification

    Returns
    -------
    ndarray of float32, shape (size, size), range [0, 1]
        Before the value range, mean and deviation are applied.
    """
    pixels, size = radiograph.pixels, model.size
    resize = _RESIZERS[model.resize]
    zero = np.float32(min(max(-model.range[0] / (model.range[1] - model.range[0]), 0), 1))
    if model.fit == "stretch":
        return resize(pixels, (size, size), zero)
    if model.fit == "pad":
        inner = resize(pixels, _scaled(pixels.shape, size / max(pixels.shape)), zero)
        square = np.zeros((size, size), np.float32)
        _centre(square, inner.shape)[:] = inner
        return square
    if model.shorter_side is None:
        side = min(pixels.shape)
        return resize(
            _cut(pixels, side, [length // 2 - side // 2 for length in pixels.shape]), (size, size), zero
        )
    resized = resize(pixels, _torchvision_size(pixels.shape, model.shorter_side), zero)
    return _centre(resized, (size, size))


def _scaled(shape: tuple[int, ...], scale: float) -> tuple[int, int]:
    rows, columns = (max(1, round(length * scale)) for length in shape)
    return rows, columns


def _torchvision_size(shape: tuple[int, ...], shorter: int) -> tuple[int, int]:
    """Rows and columns that torchvision's ``Resize(shorter)`` gives."""
    rows, columns = shape
    if rows <= columns:
        return shorter, int(shorter * columns / rows)
    return int(shorter * rows / columns), shorter


def _centre(pixels: Pixels, shape: tuple[int, ...]) -> Pixels:
    """View the central part of `shape`, rounded as torchvision's ``CenterCrop`` does."""
    top, left = (round((outer - inner) / 2) for outer, inner in zip(pixels.shape, shape, strict=True))
    return pixels[top : top + shape[0], left : left + shape[1]]


def _cut(pixels: Pixels, side: int, corner: list[int]) -> Pixels:
    top, left = corner
    return pixels[top : top + side, left : left + side]


def _pillow(pixels: Pixels, size: tuple[int, int], zero: np.float32) -> Pixels:
    """Resize with a triangle filter that antialiases, as Pillow and torchvision do."""
    del zero
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR)).clip(0, 1)


def _skimage(pixels: Pixels, size: tuple[int, int], zero: np.float32) -> Pixels:
    """Resize as ``skimage.transform.resize(mode="constant")``: values outside the image are `zero`."""
    rows, columns = (_gaussian(*lengths) for lengths in zip(pixels.shape, size, strict=True))
    return (rows @ (pixels - zero) @ columns.T + zero).clip(0, 1)


def _opencv(pixels: Pixels, size: tuple[int, int], zero: np.float32) -> Pixels:
    """Resize as ``cv2.resize`` does by default: linear, edges repeated."""
    del zero
    rows, columns = (_linear(*lengths) for lengths in zip(pixels.shape, size, strict=True))
    return (rows @ pixels @ columns.T).clip(0, 1)


_RESIZERS: dict[str, Callable[[Pixels, tuple[int, int], np.float32], Pixels]] = {
    "pillow": _pillow,
    "skimage": _skimage,
    "opencv": _opencv,
}


def _places(length: int, wanted: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the pixel below each sampled place, and how far beyond that pixel's centre the place is."""
    places = (np.arange(wanted) + 0.5) * length / wanted - 0.5
    below = np.floor(places).astype(np.intp)
    return below, places - below


@lru_cache(maxsize=64)
def _linear(length: int, wanted: int) -> Pixels:
    """Weights (wanted, length) of linear interpolation."""
    below, share = _places(length, wanted)
    weights = np.zeros((wanted, length))
    each = np.arange(wanted)
    for neighbour, weight in ((below, 1 - share), (below + 1, share)):
        np.add.at(weights, (each, neighbour.clip(0, length - 1)), weight)
    return weights.astype(np.float32)


@lru_cache(maxsize=64)
def _gaussian(length: int, wanted: int) -> Pixels:
    """Weights (wanted, length) of a Gaussian filter and linear interpolation, with nothing outside."""
    deviation = max(0.0, (length / wanted - 1) / 2)
    radius = int(_TRUNCATION * deviation + 0.5)
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / deviation) ** 2) if radius else np.ones(1)
    kernel /= kernel.sum()
    below, share = _places(length, wanted)
    weights = np.zeros((wanted, length))
    for row in range(wanted):
        for neighbour, weight in ((below[row], 1 - share[row]), (below[row] + 1, share[row])):
            if 0 <= neighbour < length:
                inside = (offsets + neighbour >= 0) & (offsets + neighbour < length)
                weights[row, offsets[inside] + neighbour] += weight * kernel[inside]
    return weights.astype(np.float32)
