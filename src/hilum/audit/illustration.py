"""The pixels of an example, as the network saw them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hilum.audit.alteration import ALTERATIONS, transplanted
from hilum.audit.picture import Example

__all__ = ["illustrated"]


def illustrated(example: Example, prepared: Callable[[str], NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Draw an example.

    Parameters
    ----------
    example : Example
    prepared : callable
        From an image's name to its prepared square, float32 (side, side) in [0, 1].

    Returns
    -------
    ndarray of uint8, shape (side, side)

    Raises
    ------
    RadiographError
        If an image cannot be read.
    """
    square = prepared(example.image)
    if example.middle_of:
        square = transplanted(prepared(example.middle_of), square)
    if example.alteration:
        square = ALTERATIONS[example.alteration].apply(square)
    drawn: NDArray[np.uint8] = np.rint(255 * square.clip(0, 1)).astype(np.uint8)
    return drawn
