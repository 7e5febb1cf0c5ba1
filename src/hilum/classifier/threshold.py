"""From which probability on the positive class is predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.recipe.settings import FixedThreshold, ThresholdSettings

__all__ = ["FEW_POSITIVES", "Threshold", "between", "choose", "decide"]


FALLBACK = 0.5
FEW_POSITIVES = 10
"""Below so many positive validation rows a rule says that they are few."""


@dataclass(frozen=True)
class Threshold:
    """A threshold and where it comes from.

    Parameters
    ----------
    value : float, optional
        The positive class is predicted from this probability on, range [0, 1]; None with more than two
        classes, where the most probable is predicted.
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
            msg = f"value: expected a probability, found {self.value}"
            raise ValueError(msg)


def choose(
    settings: ThresholdSettings, labels: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> Threshold:
    """Choose the threshold on validation rows, which fitted no weight.

    For a target it is one that reaches it with the best specificity. From the probability of the last
    positive row that must be found down to the next negative row's all do; it is the middle of them, so that
    classes far apart are parted between them. Without a positive row it is 0.5, and the rule says so; with
    few, the rule says that too.

    Parameters
    ----------
    settings : FixedThreshold or TargetThreshold
    labels : ndarray of int, shape (n,)
        Of two classes 1 is the positive one.
    probabilities : ndarray of float, shape (n, classes)
        Of the validation rows; n may be 0.

    Returns
    -------
    Threshold

    Examples
    --------
    >>> from hilum.recipe.settings import TargetThreshold
    >>> probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> choose(TargetThreshold(target=1), np.array([0, 1, 1]), probabilities).value
    0.35
    """
    if probabilities.ndim != 2 or len(labels) != len(probabilities):
        msg = f"probabilities: expected shape ({len(labels)}, classes), found {probabilities.shape}"
        raise ValueError(msg)
    if probabilities.shape[1] > 2:
        return Threshold(None, "the most probable class")
    if isinstance(settings, FixedThreshold):
        return Threshold(settings.value, f"fixed at {settings.value:g}")
    positive = probabilities[:, 1].astype(np.float64)
    return _reaching(settings.target, positive[labels == 1], positive[labels == 0])


def _reaching(target: float, positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> Threshold:
    """`positives` and `negatives` are the positive class's probabilities in the rows of each label."""
    if len(positives) == 0:
        return Threshold(FALLBACK, f"{FALLBACK}, since no positive validation row is there to choose on")
    shares = np.arange(1, len(positives) + 1) / len(positives)
    needed = int(np.argmax(shares >= target))
    highest = float(np.sort(positives)[::-1][needed])
    below = negatives[negatives < highest]
    value = between(float(below.max()), highest) if len(below) else highest
    rows = f"{len(positives)} positive validation row{'s' if len(positives) > 1 else ''}"
    rule = f"the best specificity with a sensitivity of at least {target:g} on {rows}"
    if len(positives) < FEW_POSITIVES:
        rule += ", too few to say what it reaches elsewhere"
    return Threshold(value, rule, reached=float(np.mean(positives >= value)))


def between(low: float, high: float) -> float:
    """Return the middle of two numbers, always above `low`, also where no number lies between them."""
    return max((low + high) / 2, float(np.nextafter(low, high)))


def decide(probabilities: NDArray[np.floating], threshold: Threshold) -> NDArray[np.intp]:
    """Predict a class for every row.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n, classes), range [0, 1]
    threshold : Threshold
        As `choose` gave it for as many classes.

    Returns
    -------
    ndarray of int, shape (n,)
        Two classes: 1 where the second's probability is at or above the threshold, else 0. More: the
        most probable, of equals the first.

    Raises
    ------
    ValueError
        NaN among the probabilities, or a threshold for another number of classes.
    """
    if probabilities.ndim != 2 or (probabilities.shape[1] == 2) != (threshold.value is not None):
        msg = f"probabilities: shape {probabilities.shape} does not suit threshold {threshold.value}"
        raise ValueError(msg)
    if np.isnan(probabilities).any():
        msg = "probabilities: expected numbers, found NaN"
        raise ValueError(msg)
    if threshold.value is None:
        return np.asarray(probabilities.argmax(axis=1))
    positive = probabilities[:, 1].astype(np.float64) >= threshold.value  # as a reader of both compares
    return np.asarray(positive, np.intp)
