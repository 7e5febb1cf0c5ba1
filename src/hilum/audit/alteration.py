"""What is taken from an image, so that a classifier must do with what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from hilum.audit import region
from hilum.radiograph import Preparation

__all__ = ["ALTERATIONS", "THUMBNAIL_SIDE", "Alteration", "Altered", "transplanted"]

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
    """A preparation, and an alteration after it; features of altered images are cached under its key.

    Parameters
    ----------
    preparation : Preparation
    alteration : Alteration
    """

    preparation: Preparation
    alteration: Alteration

    @property
    def size(self) -> int:
        """Side of the square in pixels."""
        return self.preparation.size

    @property
    def key(self) -> str:
        """A text that names this preparation, for cache keys; equal keys mean equal values."""
        return f"{self.preparation.key}-{self.alteration.name}-{_VERSION}"

    def apply(self, pixels: NDArray[np.float32], extent: tuple[int, int] | None = None) -> Square:
        """Prepare one picture, and alter it."""
        return self.alteration.apply(self.preparation.apply(pixels, extent))


def _frame(square: Square) -> Square:
    return np.where(region.frame(len(square)), square, np.float32(0))


def _without_middle(square: Square) -> Square:
    return np.where(region.middle(len(square)), np.float32(0), square)


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


def transplanted(middle: Square, frame: Square, mask: region.Mask | None = None) -> Square:
    """Set the middle of one prepared image into another.

    The seam is softened, over some five pixels of 224, so that no edge stands where neither image has one.

    Parameters
    ----------
    middle, frame : ndarray of float32, shape (side, side), range [0, 1]
    mask : ndarray of bool, shape (side, side), optional
        What is taken from the first; `hilum.audit.region.middle` otherwise.

    Returns
    -------
    ndarray of float32, shape (side, side)
    """
    mask = region.middle(len(frame)) if mask is None else mask
    weight = gaussian_filter(mask.astype(np.float32), _SEAM * len(frame))
    both: Square = weight * middle + (1 - weight) * frame
    return both
