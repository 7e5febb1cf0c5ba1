"""The best few others of each image, gathered from hits that come piece by piece."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["HIT", "Best", "likeliest"]

HIT = np.dtype([("image", "i4"), ("other", "i4"), ("alike", "f4"), ("window", "i2"), ("mirrored", "?")])
"""Of an image with another one: the likeliest window, and how alike they are there."""

_WAITING = 500_000


class Best:
    """The best hits of each image, whatever the order in which they are added.

    Parameters
    ----------
    images : int
    count : int
        Others that are kept of an image.
    least : float
        How alike a hit must be.
    """

    def __init__(self, images: int, count: int, least: float) -> None:
        self.least = np.full(images, least, np.float32)
        """How alike a hit must be to be among the best, image by image."""
        self._count = count
        self._kept = np.zeros(0, HIT)
        self._waiting: list[NDArray[np.void]] = []

    def add(self, hits: NDArray[np.void]) -> None:
        """Add hits, one of a pair of images."""
        self._waiting.append(hits)
        if sum(map(len, self._waiting)) > _WAITING:
            self._settle()

    def hits(self) -> NDArray[np.void]:
        """Return what is best, image by image, the likeliest first."""
        self._settle()
        return self._kept

    def _settle(self) -> None:
        every = np.concatenate([self._kept, *self._waiting])
        every = every[np.lexsort((every["other"], -every["alike"], every["image"]))]
        place = np.arange(len(every)) - np.searchsorted(every["image"], every["image"])
        self._kept, self._waiting = every[place < self._count], []
        last = every[place == self._count - 1]
        self.least[last["image"]] = last["alike"]


def likeliest(hits: NDArray[np.void]) -> NDArray[np.void]:
    """Keep one hit of each pair of images, in their order: where they are most alike."""
    hits = hits[np.lexsort((hits["mirrored"], hits["window"], -hits["alike"], hits["other"], hits["image"]))]
    again = (hits["image"][1:] == hits["image"][:-1]) & (hits["other"][1:] == hits["other"][:-1])
    first: NDArray[np.bool_] = ~np.concatenate([np.zeros(min(len(hits), 1), bool), again])
    result: NDArray[np.void] = hits[first]
    return result
