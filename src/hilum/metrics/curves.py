"""Curves over thresholds and prevalences: ROC, precision-recall, predictive values."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri
from sklearn import metrics

from hilum.metrics.auc import auc_estimates
from hilum.metrics.intervals import Estimate, bootstrap_estimates, proportion
from hilum.metrics.predictions import Floats, OneVsRest, Predictions, one_vs_rest

__all__ = [
    "SCREENING_PREVALENCE",
    "PrCurve",
    "PredictiveValues",
    "PrevalenceCurve",
    "RocCurve",
    "pr_curve",
    "predictive_values",
    "prevalence_curve",
    "roc_curve",
]

SCREENING_PREVALENCE = 0.02
"""A prevalence typical of testing people without symptoms; always a point of the prevalence curve."""

_MIN_PREVALENCE, _MAX_PREVALENCE, _POINTS = 0.001, 0.5, 41
_Z = float(ndtri(0.975))


@dataclass(frozen=True, eq=False)
class RocCurve:
    """The points of a ROC curve, from no image predicted positive to all of them.

    Parameters
    ----------
    false_positive_rate, true_positive_rate : ndarray of float64, shape (t,)
        In [0, 1], never falling. Empty if there is no image of the class, or none of the rest.
    thresholds : ndarray of float64, shape (t,)
        Falling, the first infinite; images at or above it are predicted positive.
    auc : Estimate
    """

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats
    auc: Estimate

    def __post_init__(self) -> None:
        _check_lengths(self.false_positive_rate, self.true_positive_rate, self.thresholds)


@dataclass(frozen=True, eq=False)
class PrCurve:
    """The points of a precision-recall curve, from no image predicted positive to all of them.

    Parameters
    ----------
    recall, precision : ndarray of float64, shape (t,)
        In [0, 1], recall never falling; precision begins at 1 by convention. Between two points the curve is
        a step, not a line. Empty if there is no image of the class, or none of the rest.
    thresholds : ndarray of float64, shape (t,)
        Falling, the first infinite; images at or above it are predicted positive.
    average_precision : Estimate
        Precision weighted by the steps in recall.
    prevalence : float
        Share of the class in the rows, which guessing reaches; NaN without rows.
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
    areas = auc_estimates(predictions)
    return {one.name: RocCurve(*_roc_points(one), auc=areas[one.name]) for one in one_vs_rest(predictions)}


def pr_curve(predictions: Predictions, rng: np.random.Generator, resamples: int = 2000) -> dict[str, PrCurve]:
    """Precision-recall curve of each class against the rest; of two classes, of the positive one alone.

    Intervals equal those of `hilum.metrics.evaluate` from a generator of the same seed.
    """
    each = one_vs_rest(predictions)
    areas = bootstrap_estimates(
        lambda weights: {one.name: one.pr_auc(weights) for one in each}, predictions, rng, resamples
    )
    return {
        one.name: PrCurve(*_pr_points(one), average_precision=areas[one.name], prevalence=_prevalence(one))
        for one in each
    }


def _roc_points(one: OneVsRest) -> tuple[Floats, Floats, Floats]:
    if not 0 < _prevalence(one) < 1:
        return np.empty(0), np.empty(0), np.empty(0)
    false_rate, true_rate, thresholds = metrics.roc_curve(one.actual, one.score)
    return false_rate, true_rate, thresholds.astype(np.float64)


def _pr_points(one: OneVsRest) -> tuple[Floats, Floats, Floats]:
    if not 0 < _prevalence(one) < 1:
        return np.empty(0), np.empty(0), np.empty(0)
    precision, recall, thresholds = metrics.precision_recall_curve(one.actual, one.score)
    return recall[::-1], precision[::-1], np.append(thresholds, np.inf)[::-1]


def _prevalence(one: OneVsRest) -> float:
    return float(one.actual.mean()) if one.actual.size else math.nan


def _check_lengths(*arrays: Floats) -> None:
    if len({array.shape for array in arrays}) > 1:
        raise ValueError(f"arrays of a curve differ in length: {[array.shape for array in arrays]}")


@dataclass(frozen=True)
class PredictiveValues:
    """PPV and NPV at one prevalence, a share of the class among those tested between 0 and 1."""

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
        By rising prevalence, with `SCREENING_PREVALENCE` and the cohort's own among them; empty without both
        classes.
    """

    cohort: float
    points: tuple[PredictiveValues, ...]

    def at(self, prevalence: float) -> PredictiveValues:
        """The point at exactly this prevalence; a `KeyError` if there is none."""
        for point in self.points:
            if point.prevalence == prevalence:
                return point
        raise KeyError(prevalence)


def prevalence_curve(predictions: Predictions) -> PrevalenceCurve:
    """Predictive values of the predicted class, at prevalences from 0.001 to 0.5.

    The predictions are of two classes. Their own prevalence is a point even if it is higher.
    """
    if predictions.positive is None:
        raise ValueError(f"expected two classes, found {len(predictions.classes)}")
    (one,) = one_vs_rest(predictions)
    cohort = _prevalence(one)
    if not 0 < cohort < 1:
        return PrevalenceCurve(cohort, ())
    images = predictions.images
    sensitivity = proportion(one.predicted[one.actual], images[one.actual])
    specificity = proportion(~one.predicted[~one.actual], images[~one.actual])
    grid = np.geomspace(_MIN_PREVALENCE, _MAX_PREVALENCE, _POINTS).tolist()
    prevalences = sorted({*grid, SCREENING_PREVALENCE, cohort})
    return PrevalenceCurve(
        cohort, tuple(predictive_values(sensitivity, specificity, at) for at in prevalences)
    )


def predictive_values(sensitivity: Estimate, specificity: Estimate, prevalence: float) -> PredictiveValues:
    """PPV and NPV at a prevalence, by Bayes' rule, with intervals on the logit scale.

    The interval is Wald's for the logit of the predictive value, whose variance follows from those of
    sensitivity and specificity (delta method). Where either is 0 or 1 that variance does not exist; then
    z^2/2 successes and as many failures are added to both first, as Agresti and Coull do for a proportion.
    The value itself is never adjusted. Images count as independent, as with Wilson's interval.

    Parameters
    ----------
    sensitivity, specificity : Estimate
        With their `n`: the images of the class, and of the rest.
    prevalence : float
        Between 0 and 1, both excluded.

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
    ppv = _predictive_value(sensitivity.value, 1 - specificity.value, odds)
    npv = _predictive_value(specificity.value, 1 - sensitivity.value, 1 / odds)
    inside = 0 < sensitivity.value < 1 and 0 < specificity.value < 1
    added = 0.0 if inside else _Z**2 / 2
    true_positive, true_negative = _adjusted(sensitivity, added), _adjusted(specificity, added)
    return PredictiveValues(
        prevalence,
        Estimate.around(ppv, _logit_interval(true_positive, true_negative, odds), n),
        Estimate.around(npv, _logit_interval(true_negative, true_positive, 1 / odds), n),
    )


def _predictive_value(correct: float, wrong: float, odds: float) -> float:
    """Share of correct among all predicted so; NaN where nothing is."""
    predicted = correct * odds + wrong
    return correct * odds / predicted if predicted else math.nan


def _adjusted(rate: Estimate, added: float) -> tuple[float, float]:
    """A rate and its trials, with `added` successes and as many failures."""
    n = rate.n + 2 * added
    return ((rate.value * rate.n + added) / n, n) if rate.n else (math.nan, 0.0)


def _logit_interval(
    correct: tuple[float, float], other: tuple[float, float], odds: float
) -> tuple[float, float]:
    """Of a predictive value, from the rate (with its trials) of one side and that of the other."""
    (share, n), (other_share, m) = correct, other
    error = 1 - other_share
    if math.isnan(share) or math.isnan(error):
        return math.nan, math.nan
    logit = math.log(share * odds / error)
    half = _Z * math.sqrt((1 - share) / (share * n) + (1 - error) / (error * m))
    return float(expit(logit - half)), float(expit(logit + half))
