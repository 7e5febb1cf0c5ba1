"""What is taken from an image, so that a classifier must do with what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from hilum.radiograph import Preprocessing

__all__ = [
    "ALTERATIONS",
    "FRAME_WIDTH",
    "THUMBNAIL_SIDE",
    "Alteration",
    "Altered",
    "Mask",
    "border",
    "lung_region",
    "transplanted",
]


Mask = NDArray[np.bool_]

FRAME_WIDTH = 0.05
"""Of the outer ring, as a share of the side."""

_HALF_WIDTH = 0.45
_TOP, _SHOULDERS, _BOTTOM = 0.04, 0.5, 0.9
_ROUNDNESS = 2.5  # of the arch: 2 would be an ellipse, more comes nearer to a rectangle


def lung_region(side: int) -> Mask:
    """Return the part of a square image that holds the lungs, bool (side, side).

    An arch, 90 % of the image wide, from 4 % below its top to 10 % above its bottom. In some 130 frontal
    films of three collections, looked at one by one, and in synthetic ones, it covers both lungs nearly
    always; where a film is cropped to the lungs themselves, slivers of their sides stay outside. (A central
    square of 70 % would leave the bases and outer thirds of most lungs in sight.) What lies around the
    arch is shoulders, neck, arms, belly, letters and the film's borders.

    Examples
    --------
    >>> for row in middle(8).astype(int):
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
    place = (np.arange(side) + 0.5) / side
    across = abs(place - 0.5) / _HALF_WIDTH
    up = np.clip((_SHOULDERS - place) / (_SHOULDERS - _TOP), 0, None)
    arch: Mask = across[None] ** _ROUNDNESS + up[:, None] ** _ROUNDNESS <= 1
    return arch & (place < _BOTTOM)[:, None]


def border(side: int) -> Mask:
    """Return the outer ring of a square image, bool (side, side): 5 % of the side, which lungs seldom reach.

    Examples
    --------
    >>> int(frame(20).sum()), 20 * 20 - 18 * 18
    (76, 76)
    """
    width = max(1, round(side * FRAME_WIDTH))
    ring = np.ones((side, side), bool)
    ring[width:-width, width:-width] = False
    return ring


Square = NDArray[np.float32]

THUMBNAIL_SIDE = 8
_SEAM = 0.01
"""Standard deviation of a seam's softness, as a share of the side. Composites within a label keep their
answer about as often with a hard seam, or with one three times as soft."""
_VERSION = 2  # part of the key: raise it when an alteration gives other values


@dataclass(frozen=True)
class Alteration:
    """Something that is done to a prepared square.

    Parameters
    ----------
    name : str
    apply : callable
        From float32 (side, side) in [0, 1] to the same; the input stays as it is.
    """

    name: str
    apply: Callable[[Square], Square]


@dataclass(frozen=True)
class Altered:
    """A preprocessing, and an alteration after it; features of altered images are cached under its key.

    Parameters
    ----------
    preprocessing : Preprocessing
    alteration : Alteration
    """

    preprocessing: Preprocessing
    alteration: Alteration

    @property
    def size(self) -> int:
        """Side of the square in pixels."""
        return self.preprocessing.size

    @property
    def key(self) -> str:
        """A text that names this preprocessing, for cache keys; equal keys mean equal values."""
        return f"{self.preprocessing.key}-{self.alteration.name}-{_VERSION}"

    def apply(self, pixels: NDArray[np.float32], extent: tuple[int, int] | None = None) -> Square:
        """Prepare one picture, and alter it."""
        return self.alteration.apply(self.preprocessing.apply(pixels, extent))


def _frame(square: Square) -> Square:
    return np.where(border(len(square)), square, np.float32(0))


def _without_middle(square: Square) -> Square:
    return np.where(lung_region(len(square)), np.float32(0), square)


def _dots(square: Square) -> Square:
    """Reduce to 8 × 8 mean values, each shown as a flat square."""
    side = len(square)
    small = Image.fromarray(square).resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    return np.asarray(small.resize((side, side), Image.Resampling.NEAREST)).clip(0, 1)


ALTERATIONS = {
    alteration.name: alteration
    for alteration in (
        Alteration("frame", _frame),
        Alteration("middle", _without_middle),
        Alteration("thumbnail", _dots),
    )
}
"""By name: only the outer ring left, the middle blacked out, 8 × 8 dots."""


def transplanted(middle: Square, frame: Square, mask: Mask | None = None) -> Square:
    """Set the middle of one prepared image into another.

    The seam is softened, over some five pixels of 224, so that no edge stands where neither image has one.

    Parameters
    ----------
    middle, frame : ndarray of float32, shape (side, side), range [0, 1]
    mask : ndarray of bool, shape (side, side), optional
        What is taken from the first; `hilum.auditing.ablation.lung_region` otherwise.

    Returns
    -------
    ndarray of float32, shape (side, side)
    """
    mask = lung_region(len(frame)) if mask is None else mask
    weight = gaussian_filter(mask.astype(np.float32), _SEAM * len(frame))
    both: Square = weight * middle + (1 - weight) * frame
    return both
