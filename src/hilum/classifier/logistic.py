"""A logistic curve through one score: the arithmetic of recalibration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

__all__ = ["intercept_of", "line_of", "log_odds"]

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
