"""The line that probabilities would need: calibration slope and intercept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from hilum.classifier.logistic import intercept_of, line_of, log_odds
from hilum.evaluate.estimate import Estimate
from hilum.evaluate.interval import Floats

__all__ = ["Line", "line"]

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
