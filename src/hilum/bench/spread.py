"""Figures of several turns: their median, and how far apart they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

__all__ = ["Spread", "ratio"]


@dataclass(frozen=True)
class Spread:
    """The median of a figure, its smallest and its largest value.

    Parameters
    ----------
    median, low, high : float
    n : int
        Turns.

    Examples
    --------
    >>> Spread.of([3.0, 1.0, 2.0])
    Spread(median=2.0, low=1.0, high=3.0, n=3)
    """

    median: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        if not self.low <= self.median <= self.high:
            msg = f"expected low ≤ median ≤ high, found {self.low}, {self.median}, {self.high}"
            raise ValueError(msg)

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Sum up the values of all turns."""
        return cls(median(values), min(values), max(values), len(values))


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Divide two figures that were measured in turn.

    Parameters
    ----------
    above, below : sequence of float
        One value a turn.

    Returns
    -------
    Spread
        The ratio of the medians; the smallest and the largest ratio of one turn.

    Examples
    --------
    >>> ratio([10.0, 30.0], [2.0, 3.0])
    Spread(median=8.0, low=5.0, high=10.0, n=2)
    """
    pairs = [one / other for one, other in zip(above, below, strict=True)]
    return Spread(median(above) / median(below), min(pairs), max(pairs), len(pairs))
