"""A figure with its interval, and how figures that are no proportions get theirs."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.evaluate.contrast import Contrast, contrasts
from hilum.evaluate.interval import Floats, bootstrap, wilson
from hilum.evaluate.predictions import Predictions

__all__ = ["Estimate", "estimates", "proportion", "scarcest"]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval.

    Parameters
    ----------
    value : float
        The figure; NaN where it is undefined.
    low, high : float
        Its interval; both NaN where there is none. It holds the value.
    n : int
        Distinct images that the figure is about.

    Raises
    ------
    ValueError
        If the interval does not hold the value, is known on one side only, or `n` is negative.

    Examples
    --------
    >>> Estimate(0.98, 0.90, 1.0, n=55)
    Estimate(value=0.98, low=0.9, high=1.0, n=55)
    """

    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        known = not (math.isnan(self.low) and math.isnan(self.high))
        if self.n < 0 or (known and not self.low <= self.value <= self.high):
            raise ValueError(f"expected low <= value <= high and n >= 0, found {self!r}")

    @classmethod
    def around(cls, value: float, interval: tuple[float, float], n: int) -> Estimate:
        """An estimate whose interval is widened to its value, and absent where the value is undefined."""
        low, high = interval
        if math.isnan(value) or math.isnan(low):
            return cls(value, math.nan, math.nan, n)
        return cls(value, min(low, value), max(high, value), n)


def proportion(hits: NDArray[np.bool_], images: NDArray[Any]) -> Estimate:
    """The share of hits with Wilson's interval; an image that stands in several rows counts once in `n`.

    Parameters
    ----------
    hits : ndarray of bool, shape (rows,)
    images : ndarray, shape (rows,)
        The image of each row.
    """
    n = len(set(images))
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, 0)
    share = float(hits.mean())
    return Estimate.around(share, wilson(share * n, n), n)


def estimates(
    values: Callable[[Floats], dict[str, Floats]],
    predictions: Predictions,
    rng: np.random.Generator,
    resamples: int,
    losses: Collection[str] = (),
) -> dict[str, Estimate]:
    """Figures with their intervals by bootstrap over patients, all from the same resamples.

    A perfect figure (1, as the AUC where a score separates the classes) changes in no resample, and an
    interval without width would claim certainty. It gets Wilson's interval of s of s instead, s being
    the patients of the scarcest class. For an AUC: s disjoint pairs, one patient of each side, stood
    all in order, and each does so with a probability of AUC; for a mean of rates, take one patient of
    each class as the trial. It errs on the wide side, as it counts s patients of each class only. Any
    other figure that changes in no resample has no interval.

    Parameters
    ----------
    values : callable
        From weights (b, n) to named values, (b,) each.
    predictions : Predictions
        The rows that `values` weighs; their patients are resampled.
    rng : numpy.random.Generator
        Source of the resamples.
    resamples : int
        Number of resamples.
    losses : collection of str
        Names for which 1 is not perfect.
    """
    point = {name: float(value[0]) for name, value in values(np.ones((1, len(predictions)))).items()}
    low, high = bootstrap(
        lambda weights: np.stack(list(values(weights).values()), axis=1),
        predictions.patients,
        rng,
        resamples,
    )
    n, fewest = len(set(predictions.images)), scarcest(predictions)
    figures = {}
    for (name, value), *bounds in zip(point.items(), low.tolist(), high.tolist(), strict=True):
        perfect = value == 1 and math.isnan(bounds[0]) and name not in losses
        interval = wilson(fewest, fewest) if perfect else (bounds[0], bounds[1])
        figures[name] = Estimate.around(value, interval, n)
    return figures


def scarcest(predictions: Predictions) -> int:
    """Patients of the class, or of the rest of a class, that has the fewest."""
    return min(_patients_of_sides(predictions, contrast) for contrast in contrasts(predictions))


def _patients_of_sides(predictions: Predictions, contrast: Contrast) -> int:
    patients = predictions.patients
    return min(len(set(patients[contrast.actual])), len(set(patients[~contrast.actual])))
