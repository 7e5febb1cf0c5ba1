"""Decision curves: the good of acting on the classifier, beside treating everyone and no one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hilum.evaluate.contrast import contrasts, ratio
from hilum.evaluate.estimate import Estimate, estimates
from hilum.evaluate.interval import Floats
from hilum.evaluate.predictions import Predictions

__all__ = ["THRESHOLDS", "DecisionCurve", "decision_curve"]

THRESHOLDS = tuple(round(percent / 100, 2) for percent in range(1, 100))
"""Threshold probabilities of a decision curve."""


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit over threshold probabilities.

    Net benefit counts true alarms, less false ones weighed by the odds of the threshold, per image: at 0.2
    a false alarm weighs a quarter of a patient found. Treating no one has a net benefit of 0 everywhere.

    Parameters
    ----------
    thresholds : tuple of float
        Rising.
    model, treat_all : tuple of Estimate
        Net benefit at each threshold: acting where the probability reaches it, and acting always.

    Raises
    ------
    ValueError
        If they differ in length.
    """

    thresholds: tuple[float, ...]
    model: tuple[Estimate, ...]
    treat_all: tuple[Estimate, ...]

    def __post_init__(self) -> None:
        if not len(self.thresholds) == len(self.model) == len(self.treat_all):
            raise ValueError(f"expected {len(self.thresholds)} figures of each kind")


def decision_curve(
    predictions: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> DecisionCurve:
    """Net benefit of the positive class's probability; intervals by bootstrap over patients.

    Parameters
    ----------
    predictions : Predictions
        Of two classes, usually the test rows. Their prevalence is the cohort's, and so is the curve.
    rng : numpy.random.Generator
    resamples : int

    Raises
    ------
    ValueError
        If there are more than two classes.

    References
    ----------
    Vickers, A. J. and Elkin, E. B. Decision curve analysis: a novel method for evaluating prediction models.
    Med. Decis. Making 26, 565-574 (2006).
    """
    if predictions.positive is None:
        raise ValueError(f"expected two classes, found {len(predictions.classes)}")
    (side,) = contrasts(predictions)
    at = np.array(THRESHOLDS)
    worth = np.where(side.actual[:, None], 1.0, -at / (1 - at))  # of acting on a row, at each threshold
    both = np.hstack([worth * (side.score[:, None] >= at), worth])

    def benefit(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(axis=1)[:, None]
        found = ratio(weights @ both, total)
        return {str(column): found[:, column] for column in range(found.shape[1])}

    found = tuple(estimates(benefit, predictions, rng, resamples).values())
    return DecisionCurve(THRESHOLDS, found[: len(at)], found[len(at) :])
