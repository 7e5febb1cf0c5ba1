"""Regions of a radiograph, and images from which a region or all detail is removed.

Every function works on an image of any shape; `ABLATIONS` lists what the audit does to images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

__all__ = [
    "ABLATIONS",
    "Ablation",
    "Mask",
    "Pixels",
    "border",
    "grey_values",
    "lung_region",
    "swap_regions",
]

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]

BORDER_WIDTH = 0.05
"""Width of the border as a fraction of each side."""
THUMBNAIL_SIDE = 8

_HALF_WIDTH = 0.45
_TOP, _SHOULDERS, _BOTTOM = 0.04, 0.5, 0.9
_ROUNDNESS = 2.5  # exponent of the superellipse: 2 is an ellipse, larger values approach a rectangle
_BINS = 64
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_SEAM = 0.01  # standard deviation of the blended seam as a fraction of the side, some 2 pixels of 224
_VERSION = 2  # part of the cache key: increase it when an ablation gives other values


def lung_region(shape: tuple[int, int]) -> Mask:
    """Return the region that holds the lungs, the same for every image: bool, as `shape` (rows, columns).

    The region is an arch: 90 % of the width, from 4 % to 90 % of the height. It covers both lungs nearly
    always, as an inspection of 130 frontal films of three collections showed; films that are cropped to the
    lungs leave slivers outside. Shoulders, neck, arms, abdomen, lettering and the border lie outside.

    Examples
    --------
    >>> for row in lung_region((8, 8)).astype(int):
    ...     print("".join(map(str, row)))
    00111100
    01111110
    01111110
    11111111
    11111111
    11111111
    11111111
    00000000
    """
    down, across = ((np.arange(side) + 0.5) / side for side in shape)
    horizontal = abs(across - 0.5) / _HALF_WIDTH
    vertical = np.clip((_SHOULDERS - down) / (_SHOULDERS - _TOP), 0, None)
    arch: Mask = horizontal[None] ** _ROUNDNESS + vertical[:, None] ** _ROUNDNESS <= 1
    return arch & (down < _BOTTOM)[:, None]


def border(shape: tuple[int, int]) -> Mask:
    """Return the outer 5 % of an image, which lungs seldom reach: bool, as `shape` (rows, columns).

    Examples
    --------
    >>> int(border((20, 20)).sum()), 20 * 20 - 18 * 18
    (76, 76)
    """
    ring = np.ones(shape, bool)
    rows, columns = (max(1, round(side * BORDER_WIDTH)) for side in shape)
    ring[rows:-rows, columns:-columns] = False
    return ring


@dataclass(frozen=True)
class Ablation:
    """A removal of image content.

    Parameters
    ----------
    name : str
    apply : callable
        From float32 (rows, columns) in [0, 1] to the same; does not change its input.
    """

    name: str
    apply: Callable[[Pixels], Pixels]

    @property
    def key(self) -> str:
        """Identifies the ablation in cache keys; equal keys give equal values."""
        return f"{self.name}-{_VERSION}"


def _border_only(image: Pixels) -> Pixels:
    return np.where(border(image.shape), image, np.float32(0))


def _without_border(image: Pixels) -> Pixels:
    return np.where(border(image.shape), np.float32(0), image)


def _without_lungs(image: Pixels) -> Pixels:
    return np.where(lung_region(image.shape), np.float32(0), image)


def _thumbnail(image: Pixels) -> Pixels:
    """Reduce to 8 × 8 mean values, at the image's own size."""
    small = Image.fromarray(image).resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    return np.asarray(small.resize(image.shape[::-1], Image.Resampling.NEAREST)).clip(0, 1)


ABLATIONS = {
    ablation.name: ablation
    for ablation in (
        Ablation("border", _border_only),
        Ablation("border_removed", _without_border),
        Ablation("lungs_removed", _without_lungs),
        Ablation("thumbnail", _thumbnail),
    )
}
"""By name: the border only; the border black; the lung region black; 8 × 8 mean values."""


def grey_values(image: Pixels) -> NDArray[np.float64]:
    """Describe the grey values of an image, and those outside its lung region.

    Returns
    -------
    ndarray of float64, shape (2, 71)
        The share of pixels in each of 64 bins of [0, 1], and seven quantiles.
    """
    return np.stack([_histogram(image), _histogram(image[~lung_region(image.shape)])])


def _histogram(pixels: Pixels) -> NDArray[np.float64]:
    counts, _ = np.histogram(pixels, _BINS, (0, 1))
    return np.concatenate([counts / pixels.size, np.quantile(pixels, _QUANTILES)])


def swap_regions(lungs: Pixels, surroundings: Pixels) -> Pixels:
    """Put the lung region of one image into another image of the same shape.

    The seam is blended so that it adds no edge that neither image has.

    Parameters
    ----------
    lungs, surroundings : ndarray of float32, shape (rows, columns), range [0, 1]

    Returns
    -------
    ndarray of float32, shape (rows, columns)
    """
    mask = lung_region(surroundings.shape).astype(np.float32)
    weight = gaussian_filter(mask, _SEAM * len(surroundings))
    blended: Pixels = weight * lungs + (1 - weight) * surroundings
    return blended
