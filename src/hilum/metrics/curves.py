"""What an alarm is worth where the disease is rarer, or more common, than in the cohort."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri
from sklearn import metrics

from hilum.metrics.auc import areas
from hilum.metrics.intervals import Contrast, Estimate, Floats, contrasts, estimates, proportion
from hilum.metrics.predictions import Predictions

__all__ = [
    "SCREENING",
    "PrCurve",
    "PredictiveValues",
    "PrevalenceCurve",
    "RocCurve",
    "pr_curve",
    "predictive_values",
    "prevalence_curve",
    "roc_curve",
]


@dataclass(frozen=True, eq=False)
class RocCurve:
    """A ROC curve: its corners, from no image called the class to all of them.

    Parameters
    ----------
    false_positive_rate, true_positive_rate : ndarray of float64, shape (t,)
        In [0, 1], never falling. Empty if there is no image of the class, or none of the rest.
    thresholds : ndarray of float64, shape (t,)
        Falling, the first infinite; images at or above it are called the class.
    auc : Estimate
        Area under the curve.

    Raises
    ------
    ValueError
        If the arrays differ in length.
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats
    auc: Estimate

    def __post_init__(self) -> None:
        _check_lengths(self.false_positive_rate, self.true_positive_rate, self.thresholds)


@dataclass(frozen=True, eq=False)
class PrCurve:
    """A precision-recall curve, from no image called the class to all of them.

    Parameters
    ----------
    recall, precision : ndarray of float64, shape (t,)
        In [0, 1], recall never falling; precision begins at 1 by convention. Between two points it is a
        step, not a line. Empty if there is no image of the class, or none of the rest.
    thresholds : ndarray of float64, shape (t,)
        Falling, the first infinite; images at or above it are called the class.
    average_precision : Estimate
        Precision weighted by the steps in recall.
    prevalence : float
        Share of the class in the rows, which guessing reaches; NaN without rows.

    Raises
    ------
    ValueError
        If the arrays differ in length.
    """

    recall: Floats
    precision: Floats
    thresholds: Floats
    average_precision: Estimate
    prevalence: float

    def __post_init__(self) -> None:
        _check_lengths(self.recall, self.precision, self.thresholds)


def roc_curve(predictions: Predictions) -> dict[str, RocCurve]:
    """ROC curve of each class against the rest; of two classes, of the positive one alone.

    Intervals equal those of `hilum.metrics.evaluate`.
    """
    found = areas(predictions)
    return {side.name: RocCurve(*_roc_points(side), auc=found[side.name]) for side in contrasts(predictions)}


def pr_curve(predictions: Predictions, rng: np.random.Generator, resamples: int = 2000) -> dict[str, PrCurve]:
    """Precision-recall curve of each class against the rest; of two classes, of the positive one alone.

    Intervals equal those of `hilum.metrics.evaluate` from a generator of the same seed.
    """
    sides = contrasts(predictions)
    found = estimates(lambda w: {side.name: side.pr_auc(w) for side in sides}, predictions, rng, resamples)
    return {
        side.name: PrCurve(
            *_pr_points(side),
            average_precision=found[side.name],
            prevalence=float(side.actual.mean()) if side.actual.size else np.nan,
        )
        for side in sides
    }


def _roc_points(side: Contrast) -> tuple[Floats, Floats, Floats]:
    if not _has_both(side):
        return np.empty(0), np.empty(0), np.empty(0)
    false_rate, true_rate, thresholds = metrics.roc_curve(side.actual, side.score)
    return false_rate, true_rate, thresholds.astype(np.float64)


def _pr_points(side: Contrast) -> tuple[Floats, Floats, Floats]:
    if not _has_both(side):
        return np.empty(0), np.empty(0), np.empty(0)
    precision, recall, thresholds = metrics.precision_recall_curve(side.actual, side.score)
    return recall[::-1], precision[::-1], np.append(thresholds, np.inf)[::-1]


def _has_both(side: Contrast) -> bool:
    return bool(side.actual.any() and not side.actual.all())


def _check_lengths(*arrays: Floats) -> None:
    if len({array.shape for array in arrays}) > 1:
        raise ValueError(f"arrays of a curve differ in length: {[array.shape for array in arrays]}")


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
