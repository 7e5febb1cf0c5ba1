"""The decision threshold: chosen on validation rows, applied to any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.recipe.settings import FixedThreshold, ThresholdSettings

__all__ = ["MIN_POSITIVES", "Threshold", "choose", "decide", "midpoint"]

FALLBACK = 0.5
MIN_POSITIVES = 10
"""With fewer positive validation rows, the rule says that they are too few."""


@dataclass(frozen=True)
class Threshold:
    """A threshold and how it was chosen.

    Parameters
    ----------
    value : float, optional
        The positive class is predicted when its probability is at least this, range [0, 1]; None with more
        than two classes, where the most probable is predicted.
    rule : str
        How it was chosen, for people.
    reached : float, optional
        Sensitivity on the validation rows that it was chosen on.
    """

    value: float | None
    rule: str
    reached: float | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not 0 <= self.value <= 1:
            raise ValueError(f"value: expected a probability, found {self.value}")


def choose(
    settings: ThresholdSettings, labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> Threshold:
    """Choose the threshold on validation rows, on which no weight was fitted.

    A target sensitivity is reached with the best specificity. Every threshold between the last positive row
    that must be found and the next negative row below it does so; the midpoint is taken, so that separated
    classes are divided halfway. Without a positive row it is 0.5, and the rule says so; with few, the rule
    says that too.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Of two classes 1 is the positive one.
    probabilities : ndarray of float, shape (n, classes)
        Of the validation rows; n may be 0.

    Examples
    --------
    >>> from hilum.recipe.settings import TargetThreshold
    >>> probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> choose(TargetThreshold(target=1), np.array([0, 1, 1]), probabilities).value
    0.35
    """
    if probabilities.ndim != 2 or len(labels) != len(probabilities):
        raise ValueError(
            f"probabilities: expected shape ({len(labels)}, classes), found {probabilities.shape}"
        )
    if probabilities.shape[1] > 2:
        return Threshold(None, "the most probable class")
    if isinstance(settings, FixedThreshold):
        return Threshold(settings.value, f"fixed at {settings.value:g}")
    positive = probabilities[:, 1].astype(np.float64)
    return _for_sensitivity(settings.target, positive[labels == 1], positive[labels == 0])


def _for_sensitivity(
    target: float, positives: NDArray[np.float64], negatives: NDArray[np.float64]
) -> Threshold:
    """From the positive class's probabilities in the rows of each label."""
    if len(positives) == 0:
        return Threshold(FALLBACK, f"{FALLBACK}, since there is no positive validation row to choose it on")
    shares = np.arange(1, len(positives) + 1) / len(positives)
    needed = int(np.argmax(shares >= target))
    highest = float(np.sort(positives)[::-1][needed])
    below = negatives[negatives < highest]
    value = midpoint(float(below.max()), highest) if len(below) else highest
    rows = f"{len(positives)} positive validation row{'s' if len(positives) > 1 else ''}"
    rule = f"the best specificity with a sensitivity of at least {target:g} on {rows}"
    if len(positives) < MIN_POSITIVES:
        rule += ", too few to estimate its sensitivity elsewhere"
    return Threshold(value, rule, reached=float(np.mean(positives >= value)))


def midpoint(low: float, high: float) -> float:
    """The midpoint of two numbers, always above `low`, even where no number lies between them."""
    return max((low + high) / 2, float(np.nextafter(low, high)))


def decide(probabilities: NDArray[np.floating], threshold: Threshold) -> NDArray[np.intp]:
    """Predict a class for every row.

    Of two classes, the second where its probability is at or above the threshold; of more, the most probable,
    the first among equals.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, classes), range [0, 1]
    threshold : Threshold
        As `choose` returned it for as many classes.
    """
    if probabilities.ndim != 2 or (probabilities.shape[1] == 2) != (threshold.value is not None):
        raise ValueError(
            f"probabilities: shape {probabilities.shape} does not suit threshold {threshold.value}"
        )
    if np.isnan(probabilities).any():
        raise ValueError("probabilities: expected numbers, found NaN")
    if threshold.value is None:
        return np.asarray(probabilities.argmax(axis=1))
    positive = probabilities[:, 1].astype(np.float64) >= threshold.value  # compared in float64, as printed
    return np.asarray(positive, np.intp)
