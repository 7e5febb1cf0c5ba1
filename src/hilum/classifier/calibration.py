"""Recalibration of probabilities, fitted on validation rows: Platt scaling, temperature, isotonic regression.

For reports and the audit; a saved classifier is not recalibrated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, logit, softmax
from sklearn.isotonic import IsotonicRegression

from hilum.errors import FitError

__all__ = ["RECALIBRATIONS", "Recalibration", "fit_intercept", "fit_line", "log_odds"]

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]
Probabilities = NDArray[np.floating]

CLIP = 1e-7
"""Probabilities are clipped to [1e-7, 1 - 1e-7], as in the loss."""

MIN_ROWS = 10
"""Validation rows of each class, below which nothing is fitted."""

_MAX_TEMPERATURE = 20.0  # and 1/20 at least: beyond, probabilities are 0 and 1, or all equal
_STEPS = 200
_HALVINGS = 40
_TOLERANCE = 1e-10


class Recalibration(Protocol):
    """A fitted map of probabilities."""

    def apply(self, probabilities: Probabilities) -> Floats:
        """Map probabilities (n, classes) to float64 (n, classes), in [0, 1], each row summing to 1."""
        ...


@dataclass(frozen=True)
class Platt:
    """A logistic curve over the log odds: for the second of two classes, for each of more."""

    intercepts: tuple[float, ...]
    slopes: tuple[float, ...]

    def apply(self, probabilities: Probabilities) -> Floats:
        """See `Recalibration`."""
        odds = log_odds(_mapped_columns(probabilities))
        return _complete(expit(np.array(self.intercepts) + np.array(self.slopes) * odds), probabilities)


@dataclass(frozen=True)
class Temperature:
    """Every log probability divided by one number: above 1 less confident, below 1 more; the order stays."""

    value: float

    def apply(self, probabilities: Probabilities) -> Floats:
        """See `Recalibration`."""
        scaled: Floats = softmax(_logs(probabilities) / self.value, axis=1)
        return scaled


@dataclass(frozen=True)
class Isotonic:
    """A rising, piecewise linear map: of two classes for the second, of more for each.

    Parameters
    ----------
    corners : tuple of (tuple of float, tuple of float)
        Of each map the probabilities before, rising, and after.
    """

    corners: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]

    def apply(self, probabilities: Probabilities) -> Floats:
        """See `Recalibration`."""
        columns = _mapped_columns(probabilities)
        mapped = [np.interp(columns[:, place], *corner) for place, corner in enumerate(self.corners)]
        return _complete(np.stack(mapped, axis=1), probabilities)


def fit_platt(labels: Labels, probabilities: Probabilities) -> Platt:
    """Fit Platt scaling, with targets just off 0 and 1, so that separated classes have a finite slope.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Of validation rows, as indices of the classes.
    probabilities : ndarray of float, shape (n, classes), range [0, 1]

    Raises
    ------
    FitError
        A class has fewer than `MIN_ROWS` rows, or all rows have the same probability.

    References
    ----------
    Platt, J. C. Probabilistic outputs for support vector machines and comparisons to regularized likelihood
    methods. Advances in Large Margin Classifiers (1999).
    """
    _check(labels, probabilities)
    odds = log_odds(_mapped_columns(probabilities))
    if (np.ptp(odds, axis=0) == 0).any():
        raise FitError("every validation row has the same probability")
    codes = _mapped_classes(probabilities)
    lines = [fit_line(odds[:, place], _smoothed(labels == code)) for place, code in enumerate(codes)]
    intercepts, slopes = zip(*lines, strict=True)
    return Platt(intercepts, slopes)


def fit_temperature(labels: Labels, probabilities: Probabilities) -> Temperature:
    """Fit the temperature with the least log loss; parameters as for `fit_platt`.

    Raises
    ------
    FitError
        A class has fewer than `MIN_ROWS` rows, or every row is classified correctly: the loss then falls
        without limit as the temperature does.

    References
    ----------
    Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. On calibration of modern neural networks. ICML (2017).

    Examples
    --------
    >>> confident = np.where(np.arange(40)[:, None] % 2 == [0, 1], 0.99, 0.01)
    >>> fit_temperature(np.arange(40) % 2 ^ (np.arange(40) < 8), confident).value > 2
    True
    """
    # scikit-learn 1.8 has it for classifiers only; bounds and optimum differ, and 1.5 is our minimum.
    _check(labels, probabilities)
    logs, rows = _logs(probabilities), np.arange(len(labels))
    margins = logs[rows, labels][:, None] - logs
    if (margins >= 0).all():
        raise FitError("every validation row is classified correctly, so no temperature is best")

    def loss(log_inverse: float) -> float:
        return -float(log_softmax(logs * np.exp(log_inverse), axis=1)[rows, labels].mean())

    limit = np.log(_MAX_TEMPERATURE)
    found = minimize_scalar(loss, bounds=(-limit, limit), method="bounded", options={"xatol": 1e-8})
    return Temperature(float(np.exp(-found.x)))


def fit_isotonic(labels: Labels, probabilities: Probabilities) -> Isotonic:
    """Fit the rising map with the least squared error; parameters as for `fit_platt`.

    Raises
    ------
    FitError
        A class has fewer than `MIN_ROWS` rows.

    References
    ----------
    Zadrozny, B. and Elkan, C. Transforming classifier scores into accurate multiclass probability estimates.
    KDD (2002).
    """
    _check(labels, probabilities)
    columns, corners = _mapped_columns(probabilities), []
    for place, code in enumerate(_mapped_classes(probabilities)):
        fitted = IsotonicRegression(y_min=0, y_max=1).fit(columns[:, place], (labels == code).astype(float))
        corners.append((tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist())))
    return Isotonic(tuple(corners))


RECALIBRATIONS: dict[str, Callable[[Labels, Probabilities], Recalibration]] = {
    "platt": fit_platt,
    "temperature": fit_temperature,
    "isotonic": fit_isotonic,
}
"""All fits, by name."""


def _check(labels: Labels, probabilities: Probabilities) -> None:
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    if counts.min() < MIN_ROWS:
        raise FitError(
            "too few validation rows to recalibrate on",
            expected=f"{MIN_ROWS} of each class",
            found=f"{counts.min()} of the rarest",
        )


def _mapped_classes(probabilities: Probabilities) -> range:
    """The classes that have a map: of two, the second alone."""
    classes = probabilities.shape[1]
    return range(1 if classes == 2 else 0, classes)


def _mapped_columns(probabilities: Probabilities) -> Floats:
    return probabilities[:, list(_mapped_classes(probabilities))].astype(np.float64)


def _complete(mapped: Floats, before: Probabilities) -> Floats:
    """All columns, each row summing to 1; a row of zeros stays as it was before."""
    if before.shape[1] == 2:
        return np.hstack([1 - mapped, mapped])
    sums = mapped.sum(axis=1, keepdims=True)
    complete: Floats = np.divide(mapped, sums, out=before.astype(np.float64), where=sums > 0)
    return complete


def _logs(probabilities: Probabilities) -> Floats:
    logs: Floats = np.log(np.clip(probabilities.astype(np.float64), CLIP, 1))
    return logs


def _smoothed(of_class: NDArray[np.bool_]) -> Floats:
    inside = int(of_class.sum())
    outside = len(of_class) - inside
    return np.where(of_class, (inside + 1) / (inside + 2), 1 / (outside + 2))


def log_odds(probabilities: Probabilities) -> Floats:
    """Logits of probabilities, which are clipped to [1e-7, 1 - 1e-7] first.

    Examples
    --------
    >>> log_odds(np.array([0.5, 1.0])).round(2).tolist()
    [0.0, 16.12]
    """
    odds: Floats = logit(np.clip(probabilities.astype(np.float64), CLIP, 1 - CLIP))
    return odds


def fit_line(scores: Floats, targets: Floats) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of `targets` on `scores`.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        Not all equal.
    targets : ndarray of float64, shape (n,)
        In [0, 1]; a value in between counts as that share of a 1. The caller excludes targets of 0 and 1
        that a threshold on `scores` separates, for which no finite slope is best.
    """
    columns = np.stack([np.ones_like(scores), scores], axis=1)
    intercept, slope = _newton(columns, np.zeros_like(scores), targets)
    return intercept, slope


def fit_intercept(scores: Floats, targets: Floats) -> float:
    """Intercept of the same regression with the slope held at 1; `targets` not all 0 nor all 1."""
    (intercept,) = _newton(np.ones((len(scores), 1)), scores, targets)
    return intercept


def _newton(columns: Floats, offset: Floats, targets: Floats) -> tuple[float, ...]:
    """Maximise the concave log likelihood; a step that does not increase it is halved."""
    weights = np.zeros(columns.shape[1])
    reached = _likelihood(columns @ weights + offset, targets)
    for _ in range(_STEPS):
        fitted = expit(columns @ weights + offset)
        gradient = columns.T @ (targets - fitted)
        curvature = (columns * (fitted * (1 - fitted))[:, None]).T @ columns
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        for _ in range(_HALVINGS):
            likelihood = _likelihood(columns @ (weights + step) + offset, targets)
            if likelihood >= reached:
                break
            step = step / 2
        else:
            break
        weights, gained, reached = weights + step, likelihood - reached, likelihood
        if gained <= _TOLERANCE * abs(reached) and np.abs(step).max() <= _TOLERANCE * (
            1 + np.abs(weights).max()
        ):
            break
    return tuple(weights.tolist())


def _likelihood(scores: Floats, targets: Floats) -> float:
    return float((targets * scores - np.logaddexp(0, scores)).sum())
