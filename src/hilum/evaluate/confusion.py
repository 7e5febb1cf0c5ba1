"""How often each class was taken for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.evaluate.predictions import Predictions

__all__ = ["ConfusionMatrix", "confusion"]


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """Counts of true against predicted classes.

    Parameters
    ----------
    classes : tuple of str
        Of rows and of columns.
    counts : ndarray of int, shape (k, k)
        Rows are true labels, columns predicted ones.

    Raises
    ------
    ValueError
        If `counts` is not square over the classes, or negative somewhere.

    Examples
    --------
    >>> tutorial = ConfusionMatrix(("NORMAL", "COVID"), np.array([[22, 0], [1, 32]]))
    >>> tutorial.n, tutorial.shares.round(3).tolist()
    (55, [[0.4, 0.0], [0.018, 0.582]])
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        side = len(self.classes)
        if self.counts.shape != (side, side) or (self.counts < 0).any():
            raise ValueError(f"expected counts of shape {(side, side)}, none negative, found {self.counts}")

    @property
    def n(self) -> int:
        """Rows counted."""
        return int(self.counts.sum())

    @property
    def shares(self) -> NDArray[np.float64]:
        """Counts divided by `n`, float64 (k, k); NaN without rows."""
        return self.counts / self.n if self.n else np.full(self.counts.shape, np.nan)


def confusion(predictions: Predictions) -> ConfusionMatrix:
    """Count the rows of `predictions` by true and predicted class; each fold's row counts."""
    side = len(predictions.classes)
    cells = predictions.labels * side + predictions.predicted
    return ConfusionMatrix(predictions.classes, np.bincount(cells, minlength=side * side).reshape(side, side))
