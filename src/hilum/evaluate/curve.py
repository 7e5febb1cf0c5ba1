"""ROC and precision-recall curves, as numbers; `hilum.report` draws them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from hilum.evaluate.area import areas
from hilum.evaluate.contrast import Contrast, contrasts
from hilum.evaluate.estimate import Estimate, estimates
from hilum.evaluate.interval import Floats
from hilum.evaluate.predictions import Predictions

__all__ = ["PrCurve", "RocCurve", "pr_curve", "roc_curve"]


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

    Intervals equal those of `hilum.evaluate.evaluate`.
    """
    found = areas(predictions)
    return {side.name: RocCurve(*_roc_points(side), auc=found[side.name]) for side in contrasts(predictions)}


def pr_curve(predictions: Predictions, rng: np.random.Generator, resamples: int = 2000) -> dict[str, PrCurve]:
    """Precision-recall curve of each class against the rest; of two classes, of the positive one alone.

    Intervals equal those of `hilum.evaluate.evaluate` from a generator of the same seed.
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
