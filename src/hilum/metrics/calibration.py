"""Calibration of probabilities: reliability bins, expected error, Brier decomposition, logistic slope."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from hilum.classifier.calibration import fit_intercept, fit_line, log_odds
from hilum.metrics.intervals import Estimate, bootstrap, proportion, wilson
from hilum.metrics.predictions import Bools, Floats, Predictions, one_vs_rest, ratio

__all__ = [
    "Bin",
    "BrierParts",
    "Calibration",
    "Line",
    "calibration",
    "confidence_calibration",
    "overall_calibration",
]

_MAX_BINS = 10
_ROWS_PER_BIN = 10
_SIMULATIONS = 1000
_BLOCK = 2**20  # labels drawn at a time
_Z = float(ndtri(0.975))


@dataclass(frozen=True)
class Bin:
    """Rows of similar probability.

    Parameters
    ----------
    predicted : float
        Mean probability.
    observed : Estimate
        Share of the class.
    """

    predicted: float
    observed: Estimate
    rows: int


@dataclass(frozen=True)
class BrierParts:
    """The Brier score and its components: ``score = reliability - resolution + uncertainty + within``.

    Parameters
    ----------
    score : float
        Mean squared difference between the probability and the label, 0 or 1.
    reliability : float
        Mean squared difference between the bins' mean probabilities and observed shares; 0 is calibrated.
    resolution : float
        Variance of the observed shares over the bins; more is better.
    uncertainty : float
        Variance of the labels.
    within : float
        Contribution of the spread of probabilities inside the bins; 0 where each bin has one probability, and
        possibly negative.

    References
    ----------
    Murphy, A. H. A new vector partition of the probability score. J. Appl. Meteorol. 12, 595-600 (1973).
    Stephenson, D. B., Coelho, C. A. S. and Jolliffe, I. T. Two extra components in the Brier score
    decomposition. Weather Forecast. 23, 752-757 (2008).
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float

    def __post_init__(self) -> None:
        total = self.reliability - self.resolution + self.uncertainty + self.within
        if abs(total - self.score) > 1e-9:
            raise ValueError(f"expected parts that sum to {self.score}, found {total}")


@dataclass(frozen=True)
class Line:
    """Logistic recalibration of a probability.

    Parameters
    ----------
    slope : Estimate
        Of the labels' log odds over the probability's; below 1 the probabilities are too extreme.
    intercept : Estimate
        At a probability of 1/2; 0 is calibrated if the slope is 1.
    in_the_large : Estimate
        The intercept with the slope held at 1: below 0 the probabilities are too high on average.
    reason : str
        Why they are undefined; empty where they are not.
    """

    slope: Estimate
    intercept: Estimate
    in_the_large: Estimate
    reason: str = ""


@dataclass(frozen=True)
class Calibration:
    """How well one kind of probability agrees with the observed frequencies.

    Parameters
    ----------
    bins : tuple of Bin
        By rising probability, of nearly equal numbers of rows; equal probabilities share a bin.
    error : Estimate
        Expected calibration error: the mean absolute difference between probability and observed share over
        the bins, weighted by their rows.
    by_chance : float
        The error that perfectly calibrated probabilities stay below in 95 of 100 such samples.
    """

    bins: tuple[Bin, ...]
    error: Estimate
    by_chance: float
    brier: BrierParts
    line: Line


def calibration(
    predictions: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> dict[str, Calibration]:
    """Calibration of each class's probability; of two classes, of the positive one alone.

    The error's interval is the basic bootstrap over patients, ``2 * value - quantile``: a sum of absolute
    differences is biased upwards, in resamples about as much as in the sample, and reflection cancels it.
    Where every row is on the correct side of 1/2 resamples do not vary, and the upper limit is at least
    Wilson's for 0 of as many patients.

    Without rows the result is empty; with rows, a class that has none of them, or all, is included.

    References
    ----------
    Naeini, M. P., Cooper, G. F. and Hauskrecht, M. Obtaining well calibrated probabilities using Bayesian
    binning. AAAI (2015); bins of equal mass as in Nguyen, K. and O'Connor, B. EMNLP (2015).
    Bröcker, J. and Smith, L. A. Increasing the reliability of reliability diagrams. Weather Forecast. 22,
    651-661 (2007), for the error by chance.
    Davison, A. C. and Hinkley, D. V. Bootstrap Methods and their Application, chapter 5 (1997).
    """
    if not len(predictions):
        return {}
    rows = predictions.images, predictions.patients
    return {
        one.name: _Outcomes(one.score, one.actual, *rows).calibration(rng, resamples)
        for one in one_vs_rest(predictions)
    }


def confidence_calibration(
    predictions: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> Calibration:
    """Calibration of the highest probability, as the probability that the prediction is correct.

    It summarises three classes or more; at least one row is required.
    """
    if not len(predictions):
        raise ValueError("expected rows, found none")
    probabilities = predictions.probabilities
    correct = probabilities.argmax(axis=1) == predictions.labels
    outcomes = _Outcomes(probabilities.max(axis=1), correct, predictions.images, predictions.patients)
    return outcomes.calibration(rng, resamples)


def overall_calibration(
    predictions: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> Calibration:
    """One calibration for all classes: of two the positive one's, of more the highest probability's."""
    if predictions.positive is None or not len(predictions):
        return confidence_calibration(predictions, rng, resamples)
    return calibration(predictions, rng, resamples)[predictions.positive]


@dataclass(frozen=True, eq=False)
class _Outcomes:
    """Probabilities of an event, and whether it occurred, row by row."""

    score: Floats
    actual: Bools
    images: NDArray[Any]
    patients: NDArray[Any]

    def calibration(self, rng: np.random.Generator, resamples: int) -> Calibration:
        codes = _bin_codes(self.score)
        members = np.eye(codes.max() + 1)[codes]
        bins = tuple(self._bin(codes == code) for code in range(members.shape[1]))
        return Calibration(
            bins=bins,
            error=self._error(members, rng, resamples),
            by_chance=self._by_chance(members, rng),
            brier=self._brier(codes, bins),
            line=self._line(),
        )

    def _bin(self, rows: Bools) -> Bin:
        observed = proportion(self.actual[rows], self.images[rows])
        return Bin(float(self.score[rows].mean()), observed, int(rows.sum()))

    def _error(self, members: Floats, rng: np.random.Generator, resamples: int) -> Estimate:
        gaps = members * (self.score - self.actual)[:, None]

        def error(weights: Floats) -> Floats:
            return ratio(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))

        value = float(error(np.ones((1, len(gaps))))[0])
        low, high = (float(bound) for bound in bootstrap(error, self.patients, rng, resamples))
        low, high = 2 * value - high, 2 * value - low
        if ((self.score > 0.5) == self.actual).all():
            low, high = 0.0, float(np.nanmax([high, wilson(0, len(set(self.patients)))[1]]))
        return Estimate.around(value, (max(low, 0.0), high), len(set(self.images)))

    def _by_chance(self, members: Floats, rng: np.random.Generator) -> float:
        n = len(self.score)
        blocks = np.array_split(np.empty(_SIMULATIONS), max(1, _SIMULATIONS * n // _BLOCK))
        errors = [
            np.abs((self.score - (rng.random((len(block), n)) < self.score)) @ members).sum(axis=1) / n
            for block in blocks
        ]
        return float(np.quantile(np.concatenate(errors), 0.95))

    def _brier(self, codes: NDArray[np.intp], bins: tuple[Bin, ...]) -> BrierParts:
        weight = np.array([each.rows for each in bins]) / len(codes)
        predicted = np.array([each.predicted for each in bins])
        observed = np.array([each.observed.value for each in bins])
        mean = self.actual.mean()
        score = float(((self.score - self.actual) ** 2).mean())
        binned = float(((predicted[codes] - self.actual) ** 2).mean())
        return BrierParts(
            score=score,
            reliability=float(weight @ (predicted - observed) ** 2),
            resolution=float(weight @ (observed - mean) ** 2),
            uncertainty=float(mean * (1 - mean)),
            within=score - binned,
        )

    def _line(self) -> Line:
        """Slope and intercepts with Wald's intervals, from a variance that is robust to clusters of patients.

        Cox, D. R. Two further applications of a model for binary regression. Biometrika 45, 562-565 (1958).
        Van Calster, B. et al. Calibration: the Achilles heel of predictive analytics. BMC Med. 17, 230
        (2019).
        Liang, K.-Y. and Zeger, S. L. Longitudinal data analysis using generalized linear models. Biometrika
        73, 13-22 (1986), for the variance.
        """
        n, odds = len(set(self.images)), log_odds(self.score)
        reason = _why_undefined(odds, self.actual)
        if reason:
            unknown = Estimate(math.nan, math.nan, math.nan, n)
            return Line(unknown, unknown, unknown, reason)
        targets = self.actual.astype(np.float64)
        columns = np.stack([np.ones_like(odds), odds], axis=1)
        intercept, slope = fit_line(odds, targets)
        shift = fit_intercept(odds, targets)
        errors = self._standard_errors(columns, expit(columns @ [intercept, slope]))
        (shift_error,) = self._standard_errors(columns[:, :1], expit(odds + shift))
        return Line(
            slope=_wald(slope, errors[1], n),
            intercept=_wald(intercept, errors[0], n),
            in_the_large=_wald(shift, shift_error, n),
        )

    def _standard_errors(self, columns: Floats, fitted: Floats) -> Floats:
        """Square roots of the sandwich estimator's diagonal, scores summed over each patient."""
        _, codes = np.unique(self.patients, return_inverse=True)
        sums = np.zeros((codes.max() + 1, columns.shape[1]))
        np.add.at(sums, codes, columns * (self.actual - fitted)[:, None])
        bread = np.linalg.pinv((columns * (fitted * (1 - fitted))[:, None]).T @ columns)
        errors: Floats = np.sqrt(np.diag(bread @ sums.T @ sums @ bread))
        return errors


def _bin_codes(score: Floats) -> NDArray[np.intp]:
    """Bin of each row: equal numbers of rows by rank, except that equal scores stay together."""
    count = int(np.clip(len(score) // _ROWS_PER_BIN, 1, _MAX_BINS))
    ordered = np.sort(score)
    edges = ordered[(np.arange(1, count) * len(score)) // count]
    codes = np.searchsorted(np.unique(edges), score, side="right")
    return np.unique(codes, return_inverse=True)[1]


def _why_undefined(odds: Floats, actual: Bools) -> str:
    if actual.all() or not actual.any():
        return "all images are of one class"
    if np.ptp(odds) == 0:
        return "all images have the same probability"
    inside, outside = odds[actual], odds[~actual]
    if inside.min() >= outside.max() or inside.max() <= outside.min():
        return "the probabilities separate the classes without error, so no finite slope fits best"
    return ""


def _wald(value: float, error: float, n: int) -> Estimate:
    half = _Z * float(error)
    return Estimate(value, value - half, value + half, n)
