"""The area under each ROC curve, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri, stdtrit

from hilum.metrics.intervals import Estimate, Floats, contrasts, scarcest, wilson
from hilum.metrics.predictions import Predictions

__all__ = ["AucDifference", "areas", "auc_difference", "auc_interval", "auc_variance"]


_NO_SPREAD = 1e-24  # a variance below it is rounding alone

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class AucDifference:
    """AUC of one score minus that of another, on the same images.

    Parameters
    ----------
    difference : Estimate
        With its 95 % interval; none where the difference has no spread.
    p : float
        Two-sided p value of no difference; 1 for scores that rank all images alike, otherwise NaN where
        there is no interval.

    Raises
    ------
    ValueError
        If `p` lies outside [0, 1].
    """

    difference: Estimate
    p: float

    def __post_init__(self) -> None:
        if self.p < 0 or self.p > 1:
            raise ValueError(f"expected a p value in [0, 1], found {self.p}")


def auc_variance(actual: Bools, score: Floats, patients: NDArray[Any] | None = None) -> float:
    """Variance of the area under a ROC curve.

    DeLong's where each image has its own patient, Obuchowski's where patients have several images, be they
    of one class or of both.

    Parameters
    ----------
    actual : ndarray of bool, shape (n,)
        Images that are of the class.
    score : ndarray of float, shape (n,)
        Higher for the class.
    patients : ndarray, shape (n,), optional
        The patient of each image; each image has its own otherwise.

    Returns
    -------
    float
        NaN with fewer than two patients on a side; 0 where the score separates the sides, or is all ties.

    Examples
    --------
    Of two sick and two well images three of four pairs are in order:

    >>> auc_variance(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.6, 0.1]))
    0.125
    """
    actual = np.asarray(actual, bool)
    return _spread(actual, _influence(actual, score)[1], patients)[0]


def auc_interval(
    actual: Bools, score: Floats, patients: NDArray[Any] | None = None, level: float = 0.95
) -> tuple[float, float]:
    """Interval of the area under a ROC curve: DeLong's, symmetric in the logarithm of the odds.

    An area has a limit at 1, which is where classifiers are: there the plain interval, area plus and minus
    1.96 standard errors, is too short below and runs over above. Simulated (``benchmarks/coverage.py``; AUC
    0.6 to 0.98, 55 to 300 images, one or three to a patient), the plain one held the true area in 69 to 95 %
    of cohorts, this one in 93 to 97 %, and in 98 % where an AUC of 0.98 meets 55 images. The quantile is
    Student's with Welch and Satterthwaite's degrees of freedom, from the patients of both sides; with the
    normal one coverage falls to 91 % where patients are few.

    Parameters
    ----------
    actual, score, patients
        As in `auc_variance`.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    tuple of float
        Low and high, in [0, 1]; NaN where the variance is 0 or NaN.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sick = np.arange(100) < 40
    >>> low, high = auc_interval(sick, rng.normal(size=100) + 2 * sick)
    >>> f"{low:.3f} to {high:.3f}"
    '0.832 to 0.950'
    """
    actual = np.asarray(actual, bool)
    area, influence = _influence(actual, score)
    variance, degrees = _spread(actual, influence, patients)
    if not variance > _NO_SPREAD:
        return math.nan, math.nan
    half = stdtrit(degrees, (1 + level) / 2) * math.sqrt(variance) / (area * (1 - area))
    return float(expit(logit(area) - half)), float(expit(logit(area) + half))


def auc_difference(
    actual: Bools, score_a: Floats, score_b: Floats, patients: NDArray[Any] | None = None
) -> AucDifference:
    """Difference of the areas of two scores on the same images, by DeLong's test.

    Interval and p value take the difference as normal. In simulation (``benchmarks/coverage.py``) that
    holds up to AUCs of 0.9, and from 300 images on; of 0.98 against 0.95 on 55 images the interval holds the
    truth in 85 to 90 % of cohorts.

    Parameters
    ----------
    actual, patients
        As in `auc_variance`.
    score_a, score_b : ndarray of float, shape (n,)
        Higher for the class.

    Examples
    --------
    >>> sick = np.array([1, 1, 1, 0, 0, 0], bool)
    >>> a, b = np.array([0.9, 0.8, 0.4, 0.5, 0.2, 0.1]), np.array([0.6, 0.7, 0.3, 0.4, 0.8, 0.1])
    >>> found = auc_difference(sick, a, b)
    >>> round(found.difference.value, 3), round(found.p, 3)
    (0.333, 0.317)
    """
    actual = np.asarray(actual, bool)
    (area_a, influence_a), (area_b, influence_b) = _influence(actual, score_a), _influence(actual, score_b)
    value, n = area_a - area_b, int(actual.size)
    variance = _spread(actual, influence_a - influence_b, patients)[0]
    if not variance > _NO_SPREAD:
        alike = variance <= _NO_SPREAD and abs(value) <= math.sqrt(_NO_SPREAD)
        return AucDifference(Estimate(value, math.nan, math.nan, n), 1.0 if alike else math.nan)
    error = math.sqrt(variance)
    half = float(ndtri(0.975)) * error
    interval = max(-1.0, value - half), min(1.0, value + half)
    return AucDifference(Estimate.around(value, interval, n), float(2 * ndtr(-abs(value) / error)))


def _influence(actual: Bools, score: Floats) -> tuple[float, Floats]:
    """The area, and each row's part in how it deviates: its share of wins less the area, over its side."""
    _, level = np.unique(score, return_inverse=True)
    sick, well = (np.bincount(level[side], minlength=level.size) for side in (actual, ~actual))
    if sick.sum() == 0 or well.sum() == 0:
        return math.nan, np.full(score.shape, np.nan)
    # Midranks: how many of the other side lie below, those at the same level by half.
    lower_well, lower_sick = np.cumsum(well) - well / 2, np.cumsum(sick) - sick / 2
    wins = np.where(actual, lower_well[level] / well.sum(), 1 - lower_sick[level] / sick.sum())
    area = float(wins[actual].mean())
    return area, (wins - area) / np.where(actual, sick.sum(), well.sum())


def _spread(actual: Bools, influence: Floats, patients: NDArray[Any] | None) -> tuple[float, float]:
    """Variance of the influences' sum, and its degrees of freedom; NaN with under two patients on a side.

    Obuchowski's S10 / m + S01 / n + 2 S11 / (m n), as the influences are already divided by m and n.
    """
    codes = np.arange(actual.size) if patients is None else np.unique(patients, return_inverse=True)[1]
    groups = int(codes.max(initial=-1)) + 1
    sick, well = (np.bincount(codes[side], influence[side], minlength=groups) for side in (actual, ~actual))
    counts = np.array([np.unique(codes[side]).size for side in (actual, ~actual)])
    if counts.min() < 2:
        return math.nan, math.nan
    parts = counts / (counts - 1) * [sick @ sick, well @ well]
    variance = float(parts.sum() + 2 * groups / (groups - 1) * (sick @ well))
    squares = (parts**2 / (counts - 1)).sum()
    return variance, float(parts.sum() ** 2 / squares) if squares > 0 else math.nan


def areas(predictions: Predictions) -> dict[str, Estimate]:
    """ROC AUC of each class against the rest, by class; of two classes, of the positive one alone.

    Intervals are DeLong's with patients as clusters; an area of 1, which has no spread, gets Wilson's (see
    `hilum.metrics.intervals.estimates`).
    """
    once = np.ones((1, len(predictions)))
    n, found = len(set(predictions.images)), {}
    for side in contrasts(predictions):
        area = float(side.roc_auc(once)[0])
        interval = auc_interval(side.actual, side.score, predictions.patients)
        if area == 1 and math.isnan(interval[0]):
            interval = wilson(scarcest(predictions), scarcest(predictions))
        found[side.name] = Estimate.around(area, interval, n)
    return found
