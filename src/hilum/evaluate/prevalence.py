"""What an alarm is worth where the disease is rarer, or more common, than in the cohort."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from hilum.evaluate.contrast import contrasts
from hilum.evaluate.estimate import Estimate, proportion
from hilum.evaluate.predictions import Predictions

__all__ = ["SCREENING", "PredictiveValues", "PrevalenceCurve", "predictive_values", "prevalence_curve"]

SCREENING = 0.02
"""A prevalence as where people without symptoms are tested; always a point of the curve."""
_LOWEST, _HIGHEST, _POINTS = 0.001, 0.5, 41
_Z = float(ndtri(0.975))


@dataclass(frozen=True)
class PredictiveValues:
    """What a result means at one prevalence.

    Parameters
    ----------
    prevalence : float
        Share of the class among those tested, between 0 and 1.
    ppv, npv : Estimate
        Share of alarms that are true, and of all-clears that are.
    """

    prevalence: float
    ppv: Estimate
    npv: Estimate


@dataclass(frozen=True)
class PrevalenceCurve:
    """Predictive values over prevalences.

    Parameters
    ----------
    cohort : float
        Prevalence in the rows themselves; NaN without rows.
    points : tuple of PredictiveValues
        By rising prevalence, `SCREENING` and the cohort's own among them; none without both classes.
    """

    cohort: float
    points: tuple[PredictiveValues, ...]

    def at(self, prevalence: float) -> PredictiveValues:
        """Return the point at a prevalence that the curve holds.

        Raises
        ------
        KeyError
            If it holds no such point.
        """
        for point in self.points:
            if point.prevalence == prevalence:
                return point
        raise KeyError(prevalence)


def predictive_values(sensitivity: Estimate, specificity: Estimate, prevalence: float) -> PredictiveValues:
    """PPV and NPV at a prevalence, by Bayes' rule, with intervals on the logit scale.

    The interval is Wald's for the logit of the predictive value, whose variance follows from those of
    sensitivity and specificity (delta method). Where either is 0 or 1 that variance does not exist; there
    z^2/2 successes and as many failures are added to both first, as Agresti and Coull do for a proportion.
    The value itself is never adjusted. Images count as independent, as with Wilson's interval.

    Parameters
    ----------
    sensitivity, specificity : Estimate
        With their `n`: the images of the class, and of the rest.
    prevalence : float
        Between 0 and 1, both excluded.

    Raises
    ------
    ValueError
        If the prevalence is 0 or 1, or outside.

    References
    ----------
    Mercaldo, N. D., Lau, K. F. and Zhou, X. H. Confidence intervals for predictive values with an emphasis to
    case-control studies. Stat. Med. 26, 2170-2183 (2007).
    Agresti, A. and Coull, B. A. Approximate is better than "exact" for interval estimation of binomial
    proportions. Am. Stat. 52, 119-126 (1998).

    Examples
    --------
    >>> sensitivity, specificity = Estimate(0.9, 0.8, 0.95, n=100), Estimate(0.95, 0.9, 0.98, n=200)
    >>> round(predictive_values(sensitivity, specificity, 0.02).ppv.value, 3)
    0.269
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence lies between 0 and 1, found {prevalence}")
    odds = prevalence / (1 - prevalence)
    n = sensitivity.n + specificity.n
    ppv = _value(sensitivity.value, 1 - specificity.value, odds)
    npv = _value(specificity.value, 1 - sensitivity.value, 1 / odds)
    true, false = _adjusted(sensitivity, specificity)
    return PredictiveValues(
        prevalence,
        Estimate.around(ppv, _interval(true, _flipped(false), odds), n),
        Estimate.around(npv, _interval(false, _flipped(true), 1 / odds), n),
    )


Rate = tuple[float, float]
"""A share, and the trials behind it."""


def _value(right: float, wrong: float, odds: float) -> float:
    """Share of rightly called among called; NaN where nothing is called."""
    called = right * odds + wrong
    return right * odds / called if called else math.nan


def _adjusted(sensitivity: Estimate, specificity: Estimate) -> tuple[Rate, Rate]:
    inside = 0 < sensitivity.value < 1 and 0 < specificity.value < 1
    added = 0.0 if inside else _Z**2 / 2
    return _with(sensitivity, added), _with(specificity, added)


def _with(rate: Estimate, added: float) -> Rate:
    """A rate with so many successes and as many failures added."""
    n = rate.n + 2 * added
    return ((rate.value * rate.n + added) / n, n) if rate.n else (math.nan, 0.0)


def _flipped(rate: Rate) -> Rate:
    return 1 - rate[0], rate[1]


def _interval(right: Rate, wrong: Rate, odds: float) -> tuple[float, float]:
    (share, n), (error, m) = right, wrong
    if math.isnan(share) or math.isnan(error):
        return math.nan, math.nan
    logit = math.log(share * odds / error)
    half = _Z * math.sqrt((1 - share) / (share * n) + (1 - error) / (error * m))
    return float(expit(logit - half)), float(expit(logit + half))


def prevalence_curve(predictions: Predictions) -> PrevalenceCurve:
    """Predictive values of the class predicted, at prevalences from 0.001 to 0.5.

    The cohort's own prevalence is a point too, also where it lies above.

    Parameters
    ----------
    predictions : Predictions
        Of two classes, usually the test rows.

    Raises
    ------
    ValueError
        If there are more than two classes.
    """
    if predictions.positive is None:
        raise ValueError(f"expected two classes, found {len(predictions.classes)}")
    (side,) = contrasts(predictions)
    cohort = float(side.actual.mean()) if side.actual.size else math.nan
    if not 0 < cohort < 1:
        return PrevalenceCurve(cohort, ())
    sensitivity = proportion(side.called[side.actual], predictions.images[side.actual])
    specificity = proportion(~side.called[~side.actual], predictions.images[~side.actual])
    grid = sorted({*np.geomspace(_LOWEST, _HIGHEST, _POINTS).tolist(), SCREENING, cohort})
    return PrevalenceCurve(cohort, tuple(predictive_values(sensitivity, specificity, at) for at in grid))
