"""How far a classifier moves when its network is computed in another precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.classifier.threshold import Threshold, decide

__all__ = ["MOST_DRIFT", "Drift"]

MOST_DRIFT = 0.01
"""The most that a probability may move."""


@dataclass(frozen=True)
class Drift:
    """The distance between two sets of probabilities of the same images.

    Parameters
    ----------
    images : int
    largest : float
        The most that a probability moved, range [0, 1].
    flips : int
        Decisions that changed.
    """

    images: int
    largest: float
    flips: int

    @classmethod
    def between(cls, exact: NDArray[np.floating], found: NDArray[np.floating], threshold: Threshold) -> Drift:
        """Compare probabilities, each of shape (n, classes), and what they decide.

        Examples
        --------
        >>> exact, found = np.array([[0.3, 0.7], [0.505, 0.495]]), np.array([[0.29, 0.71], [0.5, 0.5]])
        >>> drift = Drift.between(exact, found, Threshold(0.5, "fixed"))
        >>> drift.images, round(drift.largest, 3), drift.flips
        (2, 0.01, 1)
        """
        if exact.shape != found.shape:
            msg = f"found: expected shape {exact.shape}, found {found.shape}"
            raise ValueError(msg)
        return cls(
            images=len(exact),
            largest=float(np.abs(exact - found).max(initial=0.0)),
            flips=int((decide(exact, threshold) != decide(found, threshold)).sum()),
        )

    @property
    def allowed(self) -> bool:
        """Whether it is small enough, and was seen on an image at all."""
        return self.images > 0 and self.flips == 0 and self.largest <= MOST_DRIFT
