"""Maps from a classifier's probabilities to ones that mean what they say, fitted on validation rows.

For reports and the audit; a saved classifier does not carry them.
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

__all__ = [
    "FEWEST",
    "RECALIBRATIONS",
    "Isotonic",
    "Platt",
    "Recalibration",
    "Temperature",
    "fit_isotonic",
    "fit_platt",
    "fit_temperature",
    "intercept_of",
    "line_of",
    "log_odds",
]


Floats = NDArray[np.float64]

CLIP = 1e-7
"""Probabilities are kept this far from 0 and 1, as in the loss."""
_STEPS = 200
_HALVINGS = 40
_CLOSE = 1e-10


def log_odds(probabilities: NDArray[np.floating]) -> Floats:
    """Logits of probabilities, which are clipped to [1e-7, 1 - 1e-7] first.

    Examples
    --------
    >>> log_odds(np.array([0.5, 1.0])).round(2).tolist()
    [0.0, 16.12]
    """
    odds: Floats = logit(np.clip(probabilities.astype(np.float64), CLIP, 1 - CLIP))
    return odds


def line_of(scores: Floats, targets: Floats) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of `targets` on `scores`, by Newton's method.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        Not all alike.
    targets : ndarray of float64, shape (n,)
        In [0, 1]; values between 0 and 1 count as that share of a 1. Were they 0 and 1 alone and parted by a
        threshold on `scores`, no finite slope would be best: the caller sees to that.
    """
    columns = np.stack([np.ones_like(scores), scores], axis=1)
    intercept, slope = _newton(columns, np.zeros_like(scores), targets)
    return intercept, slope


def intercept_of(scores: Floats, targets: Floats) -> float:
    """Intercept of the same regression with the slope held at 1; `targets` not all 0 nor all 1."""
    (intercept,) = _newton(np.ones((len(scores), 1)), scores, targets)
    return intercept


def _newton(columns: Floats, offset: Floats, targets: Floats) -> tuple[float, ...]:
    """Maximise the concave log likelihood; a step that does not climb is halved."""
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
        if gained <= _CLOSE * abs(reached) and np.abs(step).max() <= _CLOSE * (1 + np.abs(weights).max()):
            break
    return tuple(weights.tolist())


def _likelihood(scores: Floats, targets: Floats) -> float:
    return float((targets * scores - np.logaddexp(0, scores)).sum())


FEWEST = 10
"""Validation rows of each class, below which nothing is fitted."""
_WIDEST = 20.0  # temperatures from 1/20 to 20; beyond, probabilities are 0 and 1, or all alike

Labels = NDArray[np.integer]


class Recalibration(Protocol):
    """A fitted map of probabilities."""

    def apply(self, probabilities: NDArray[np.floating]) -> Floats:
        """Map probabilities.

        Parameters
        ----------
        probabilities : ndarray of float, shape (n, classes), range [0, 1]

        Returns
        -------
        ndarray of float64, shape (n, classes)
            In [0, 1], each row summing to 1.
        """
        ...


@dataclass(frozen=True)
class Platt:
    """A logistic curve over the log odds: of two classes of the second, of more of each against the rest.

    Parameters
    ----------
    intercepts, slopes : tuple of float
        One curve each.
    """

    intercepts: tuple[float, ...]
    slopes: tuple[float, ...]

    def apply(self, probabilities: NDArray[np.floating]) -> Floats:
        """See `Recalibration`."""
        odds = log_odds(_sides(probabilities))
        return _whole(expit(np.array(self.intercepts) + np.array(self.slopes) * odds), probabilities)


@dataclass(frozen=True)
class Temperature:
    """Every log probability divided by one number: above 1 less sure, below 1 surer; the order stays.

    Parameters
    ----------
    value : float
        Above 0.
    """

    value: float

    def apply(self, probabilities: NDArray[np.floating]) -> Floats:
        """See `Recalibration`."""
        cooled: Floats = softmax(_logs(probabilities) / self.value, axis=1)
        return cooled


@dataclass(frozen=True)
class Isotonic:
    """A rising staircase, its corners joined by lines; of more than two classes one for each.

    Parameters
    ----------
    corners : tuple of (tuple of float, tuple of float)
        Of each staircase the probabilities given, rising, and those that they become.
    """

    corners: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]

    def apply(self, probabilities: NDArray[np.floating]) -> Floats:
        """See `Recalibration`."""
        sides = _sides(probabilities)
        mapped = [np.interp(sides[:, place], *corner) for place, corner in enumerate(self.corners)]
        return _whole(np.stack(mapped, axis=1), probabilities)


def fit_platt(labels: Labels, probabilities: NDArray[np.floating]) -> Platt:
    """Fit Platt's curve, with his targets: a little off 0 and 1, so that separated classes have one too.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Of validation rows, as positions among the classes.
    probabilities : ndarray of float, shape (n, classes), range [0, 1]

    Raises
    ------
    FitError
        A class has fewer than `FEWEST` rows, or all rows have one probability.

    References
    ----------
    Platt, J. C. Probabilistic outputs for support vector machines and comparisons to regularized likelihood
    methods. Advances in Large Margin Classifiers (1999).
    """
    _check(labels, probabilities)
    odds = log_odds(_sides(probabilities))
    if (np.ptp(odds, axis=0) == 0).any():
        raise FitError("every validation row has the same probability")
    lines = [
        line_of(odds[:, place], _smoothed(labels == code))
        for place, code in enumerate(_codes(probabilities.shape[1]))
    ]
    intercepts, slopes = zip(*lines, strict=True)
    return Platt(intercepts, slopes)


def fit_temperature(labels: Labels, probabilities: NDArray[np.floating]) -> Temperature:
    """Fit the temperature of the least log loss; parameters and errors as for `fit_platt`.

    Raises
    ------
    FitError
        Also if every row is right, since the loss then falls for ever as the temperature does.

    References
    ----------
    Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. On calibration of modern neural networks. ICML (2017).

    Examples
    --------
    >>> sure = np.where(np.arange(40)[:, None] % 2 == [0, 1], 0.99, 0.01)
    >>> fit_temperature(np.arange(40) % 2 ^ (np.arange(40) < 8), sure).value > 2
    True
    """
    _check(labels, probabilities)
    logs, rows = _logs(probabilities), np.arange(len(labels))
    margins = logs[rows, labels][:, None] - logs
    if (margins >= 0).all():
        raise FitError("every validation row is right, so no temperature is the best")

    def loss(cold: float) -> float:
        return -float(log_softmax(logs * np.exp(cold), axis=1)[rows, labels].mean())

    width = np.log(_WIDEST)
    found = minimize_scalar(loss, bounds=(-width, width), method="bounded", options={"xatol": 1e-8})
    return Temperature(float(np.exp(-found.x)))


def fit_isotonic(labels: Labels, probabilities: NDArray[np.floating]) -> Isotonic:
    """Fit the rising staircase of the least squared error; parameters and errors as for `fit_platt`.

    Raises
    ------
    FitError
        A class has fewer than `FEWEST` rows.

    References
    ----------
    Zadrozny, B. and Elkan, C. Transforming classifier scores into accurate multiclass probability estimates.
    KDD (2002).
    """
    _check(labels, probabilities)
    sides = _sides(probabilities)
    corners = []
    for place, code in enumerate(_codes(probabilities.shape[1])):
        stairs = IsotonicRegression(y_min=0, y_max=1).fit(sides[:, place], (labels == code).astype(float))
        corners.append((tuple(stairs.X_thresholds_.tolist()), tuple(stairs.y_thresholds_.tolist())))
    return Isotonic(tuple(corners))


RECALIBRATIONS: dict[str, Callable[[Labels, NDArray[np.floating]], Recalibration]] = {
    "platt": fit_platt,
    "temperature": fit_temperature,
    "isotonic": fit_isotonic,
}
"""All, by name."""


def _check(labels: Labels, probabilities: NDArray[np.floating]) -> None:
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    if counts.min() < FEWEST:
        raise FitError(
            "validation rows are too few to recalibrate on",
            expected=f"{FEWEST} of each class",
            found=f"{counts.min()} of the rarest",
        )


def _codes(classes: int) -> range:
    """The classes that have a curve: of two, the second alone."""
    return range(1 if classes == 2 else 0, classes)


def _sides(probabilities: NDArray[np.floating]) -> Floats:
    """Columns of the classes that have a curve."""
    return probabilities[:, list(_codes(probabilities.shape[1]))].astype(np.float64)


def _whole(mapped: Floats, before: NDArray[np.floating]) -> Floats:
    """All columns, each row summing to 1; a row of zeros stays as it was before."""
    if before.shape[1] == 2:
        return np.hstack([1 - mapped, mapped])
    sums = mapped.sum(axis=1, keepdims=True)
    whole: Floats = np.divide(mapped, sums, out=before.astype(np.float64), where=sums > 0)
    return whole


def _logs(probabilities: NDArray[np.floating]) -> Floats:
    logs: Floats = np.log(np.clip(probabilities.astype(np.float64), CLIP, 1))
    return logs


def _smoothed(of_class: NDArray[np.bool_]) -> Floats:
    inside = int(of_class.sum())
    outside = len(of_class) - inside
    return np.where(of_class, (inside + 1) / (inside + 2), 1 / (outside + 2))
