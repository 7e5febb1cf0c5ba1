"""What is taken from an image, so that a classifier must do with what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.radiograph import Preparation

__all__ = [
    "ALTERATIONS",
    "FRAME_WIDTH",
    "MIDDLE_SHARE",
    "THUMBNAIL_SIDE",
    "Alteration",
    "Altered",
    "transplanted",
]

Square = NDArray[np.float32]

FRAME_WIDTH = 0.1
"""Of the outer ring, as a share of the side. Lungs seldom come so near to the edge."""
MIDDLE_SHARE = 0.7
"""Side of the black square, as a share of the image's side: it covers the lungs, and leaves neck, shoulders,
arms, belly and the film's borders."""
THUMBNAIL_SIDE = 8
_VERSION = 1  # part of the key: raise it when an alteration gives other values


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

    def apply(self, pixels: Square) -> Square:
        """Prepare one picture, and alter it."""
        return self.alteration.apply(self.preparation.apply(pixels))


def _inner(side: int, share: float) -> slice:
    """Rows, or columns, of the central square."""
    edge = round(side * (1 - share) / 2)
    return slice(edge, side - edge)


def _blacked(share: float) -> Callable[[Square], Square]:
    def apply(square: Square) -> Square:
        inner = _inner(len(square), share)
        left = square.copy()
        left[inner, inner] = 0
        return left

    return apply


def _dots(square: Square) -> Square:
    """Reduce to 8 × 8 mean values, each shown as a flat square."""
    side = len(square)
    small = Image.fromarray(square).resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    return np.asarray(small.resize((side, side), Image.Resampling.NEAREST)).clip(0, 1)


ALTERATIONS = {
    alteration.name: alteration
    for alteration in (
        Alteration("frame", _blacked(1 - 2 * FRAME_WIDTH)),
        Alteration("middle", _blacked(MIDDLE_SHARE)),
        Alteration("thumbnail", _dots),
    )
}
"""By name: only the outer ring left, the middle blacked out, 8 × 8 dots."""


def transplanted(middle: Square, frame: Square) -> Square:
    """Set the middle of one prepared image into another.

    Parameters
    ----------
    middle, frame : ndarray of float32, shape (side, side), range [0, 1]

    Returns
    -------
    ndarray of float32, shape (side, side)
    """
    inner = _inner(len(frame), MIDDLE_SHARE)
    both = frame.copy()
    both[inner, inner] = middle[inner, inner]
    return both
