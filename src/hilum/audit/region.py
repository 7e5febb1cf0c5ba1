"""Where in a prepared image the lungs may lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["FRAME_WIDTH", "Mask", "frame", "middle"]

Mask = NDArray[np.bool_]

FRAME_WIDTH = 0.05
"""Of the outer ring, as a share of the side."""

_HALF_WIDTH = 0.45
_TOP, _SHOULDERS, _BOTTOM = 0.04, 0.5, 0.9
_ROUNDNESS = 2.5  # of the arch: 2 would be an ellipse, more comes nearer to a rectangle


def middle(side: int) -> Mask:
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


def frame(side: int) -> Mask:
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
