"""Do probabilities mean what they say? Reliability, Brier's parts, slope and intercept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from hilum.classifier.calibration import intercept_of, line_of, log_odds
from hilum.metrics.intervals import Estimate, Floats, bootstrap, contrasts, proportion, ratio, wilson
from hilum.metrics.predictions import Predictions

__all__ = ["Bin", "BrierParts", "Calibration", "Line", "calibration", "confidence", "line", "overall"]


_Z = float(ndtri(0.975))


@dataclass(frozen=True)
class Line:
    """Logistic recalibration of a probability.

    Parameters
    ----------
    slope : Estimate
        Of the labels' log odds over the probability's; below 1 the probabilities are too extreme.
    intercept : Estimate
        Where that line crosses a probability of 1/2; 0 is calibrated if the slope is 1.
    in_the_large : Estimate
        The intercept with the slope held at 1: below 0 the probabilities are too high on the whole.
    reason : str
        Why they are undefined; empty where they are not.
    """

    slope: Estimate
    intercept: Estimate
    in_the_large: Estimate
    reason: str = ""


def line(score: Floats, actual: NDArray[np.bool_], patients: NDArray[Any], n: int) -> Line:
    """Fit the line; intervals are Wald's with a variance that lets rows of one patient depend on each other.

    Parameters
    ----------
    score : ndarray of float64, shape (rows,)
        Probabilities.
    actual : ndarray of bool, shape (rows,)
        What was so.
    patients : ndarray, shape (rows,)
    n : int
        Distinct images.

    References
    ----------
    Cox, D. R. Two further applications of a model for binary regression. Biometrika 45, 562-565 (1958).
    Van Calster, B. et al. Calibration: the Achilles heel of predictive analytics. BMC Med. 17, 230 (2019).
    Liang, K.-Y. and Zeger, S. L. Longitudinal data analysis using generalized linear models. Biometrika 73,
    13-22 (1986), for the variance.
    """
    odds = log_odds(score)
    reason = _undefined(odds, actual)
    if reason:
        unknown = Estimate(math.nan, math.nan, math.nan, n)
        return Line(unknown, unknown, unknown, reason)
    targets = actual.astype(np.float64)
    both = np.stack([np.ones_like(odds), odds], axis=1)
    fitted = np.array(line_of(odds, targets))
    errors = _standard_errors(both, targets - expit(both @ fitted), expit(both @ fitted), patients)
    shift = intercept_of(odds, targets)
    moved = expit(odds + shift)
    shift_error = _standard_errors(both[:, :1], targets - moved, moved, patients)
    return Line(
        slope=_wald(fitted[1], errors[1], n),
        intercept=_wald(fitted[0], errors[0], n),
        in_the_large=_wald(shift, shift_error[0], n),
    )


def _undefined(odds: Floats, actual: NDArray[np.bool_]) -> str:
    if actual.all() or not actual.any():
        return "all images are of one class"
    if np.ptp(odds) == 0:
        return "all images have one probability"
    inside, outside = odds[actual], odds[~actual]
    if inside.min() >= outside.max() or inside.max() <= outside.min():
        return "the probabilities separate the images without error, so no finite slope fits best"
    return ""


def _standard_errors(columns: Floats, residual: Floats, fitted: Floats, patients: NDArray[Any]) -> Floats:
    """Square roots of the sandwich's diagonal, scores summed over each patient."""
    _, codes = np.unique(patients, return_inverse=True)
    sums = np.zeros((codes.max() + 1, columns.shape[1]))
    np.add.at(sums, codes, columns * residual[:, None])
    bread = np.linalg.pinv((columns * (fitted * (1 - fitted))[:, None]).T @ columns)
    errors: Floats = np.sqrt(np.diag(bread @ sums.T @ sums @ bread))
    return errors


def _wald(value: float, error: float, n: int) -> Estimate:
    half = _Z * float(error)
    return Estimate(float(value), float(value) - half, float(value) + half, n)


_MOST_BINS = 10
_ROWS_A_BIN = 10
_SIMULATIONS = 1000
_BLOCK = 2**20  # labels drawn at a time


@dataclass(frozen=True)
class Bin:
    """Rows of much the same probability.

    Parameters
    ----------
    predicted : float
        Mean probability.
    observed : Estimate
        Share that is of the class, with Wilson's interval.
    rows : int
    """

    predicted: float
    observed: Estimate
    rows: int


@dataclass(frozen=True)
class BrierParts:
    """The Brier score and its parts: ``score = reliability - resolution + uncertainty + within``.

    Parameters
    ----------
    score : float
        Mean squared distance of the class's probability from 0 or 1.
    reliability : float
        Mean squared distance of the bins' probabilities from the shares observed; 0 is calibrated.
    resolution : float
        Variance of those shares over the bins; the more, the better the bins are told apart.
    uncertainty : float
        Variance of the labels themselves.
    within : float
        What the spread of probabilities inside the bins adds, or below 0 takes away; 0 where each bin has
        one probability.

    Raises
    ------
    ValueError
        If the parts do not sum to the score.

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
class Calibration:
    """How far one kind of probability keeps its word.

    Parameters
    ----------
    bins : tuple of Bin
        By rising probability, with much the same number of rows each; equal probabilities share a bin.
    error : Estimate
        Expected calibration error: the mean distance between probability and share observed, over the bins
        weighed by their rows.
    by_chance : float
        The error that perfectly calibrated probabilities would stay below in 95 of 100 such samples.
    brier : BrierParts
    line : Line
        Slope and intercept, where they exist.
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

    The error's interval is the basic bootstrap over patients, ``2 * value - quantile``: resamples overstate
    an error that is a sum of distances by about as much as the sample itself does, which this turns round.
    Where every row is on the right side of 1/2 no resample holds a surprise, and the upper bound is at least
    Wilson's for none of so many patients.

    Parameters
    ----------
    predictions : Predictions
        Usually the test rows. Classes without rows, or alone, have a calibration too; none without rows.
    rng : numpy.random.Generator
    resamples : int

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
        side.name: _Judged(side.score, side.actual, *rows).calibration(rng, resamples)
        for side in contrasts(predictions)
    }


def confidence(predictions: Predictions, rng: np.random.Generator, resamples: int = 2000) -> Calibration:
    """Calibration of the highest probability, which should be right as often as it says.

    For three classes or more one figure for all of them; parameters as for `calibration`.

    Raises
    ------
    ValueError
        If there are no rows.
    """
    if not len(predictions):
        raise ValueError("expected rows, found none")
    probabilities = predictions.probabilities
    right = probabilities.argmax(axis=1) == predictions.labels
    judged = _Judged(probabilities.max(axis=1), right, predictions.images, predictions.patients)
    return judged.calibration(rng, resamples)


def overall(predictions: Predictions, rng: np.random.Generator, resamples: int = 2000) -> Calibration:
    """The one that stands for all: of two classes the positive one's, of more the highest probability's."""
    if predictions.positive is None or not len(predictions):
        return confidence(predictions, rng, resamples)
    return calibration(predictions, rng, resamples)[predictions.positive]


@dataclass(frozen=True, eq=False)
class _Judged:
    """Probabilities of something, and whether it was so."""

    score: Floats
    actual: NDArray[np.bool_]
    images: NDArray[Any]
    patients: NDArray[Any]

    def calibration(self, rng: np.random.Generator, resamples: int) -> Calibration:
        codes = _binned(self.score)
        members = np.eye(codes.max() + 1)[codes]
        bins = tuple(self._bin(codes == code) for code in range(members.shape[1]))
        return Calibration(
            bins=bins,
            error=self._error(members, rng, resamples),
            by_chance=self._by_chance(members, rng),
            brier=self._brier(codes, bins),
            line=line(self.score, self.actual, self.patients, len(set(self.images))),
        )

    def _bin(self, rows: NDArray[np.bool_]) -> Bin:
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


def _binned(score: Floats) -> NDArray[np.intp]:
    """Bin of each row: rows parted evenly by rank, and runs of equal scores kept together."""
    count = int(np.clip(len(score) // _ROWS_A_BIN, 1, _MOST_BINS))
    ordered = np.sort(score)
    edges = ordered[(np.arange(1, count) * len(score)) // count]
    codes = np.searchsorted(np.unique(edges), score, side="right")
    return np.unique(codes, return_inverse=True)[1]
