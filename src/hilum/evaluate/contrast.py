"""One class against the rest, in weighted rows.

Every function takes weights (b, n), one weighting per line, and returns (b,) values, NaN where undefined:
one line of ones is the plain figure, the lines of a bootstrap are its resamples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hilum.evaluate.interval import Floats
from hilum.evaluate.predictions import Predictions

__all__ = ["Contrast", "contrasts", "ratio"]


def ratio(part: Floats, whole: Floats) -> Floats:
    """`part` over `whole`, NaN where `whole` is 0."""
    unknown: Floats = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.divide(part, whole, out=unknown, where=whole != 0)


@dataclass(frozen=True, eq=False)
class Contrast:
    """A class, which counts as positive here, against all others.

    Parameters
    ----------
    name : str
        The class.
    actual : ndarray of bool, shape (n,)
        Rows that are of the class.
    called : ndarray of bool, shape (n,)
        Rows predicted to be.
    score : ndarray of float64, shape (n,)
        Probability of the class.
    """

    name: str
    actual: NDArray[np.bool_]
    called: NDArray[np.bool_]
    score: Floats

    @property
    def bases(self) -> dict[str, NDArray[np.bool_]]:
        """The rows that each proportion is a share of."""
        return {
            "sensitivity": self.actual,
            "specificity": ~self.actual,
            "ppv": self.called,
            "npv": ~self.called,
        }

    def values(self, weights: Floats) -> dict[str, Floats]:
        """All metrics of the class, (b,) each."""
        hits, alarms = self._cumulated(weights)
        return self._rates(weights) | {
            "roc_auc": _roc_area(hits, alarms),
            "pr_auc": _average_precision(hits, alarms),
        }

    def roc_auc(self, weights: Floats) -> Floats:
        """Area under the ROC curve; ties count half."""
        return _roc_area(*self._cumulated(weights))

    def pr_auc(self, weights: Floats) -> Floats:
        """Average precision: precision at each threshold, weighted by the step in recall."""
        return _average_precision(*self._cumulated(weights))

    def _rates(self, weights: Floats) -> dict[str, Floats]:
        columns = np.stack(
            [self.actual & self.called, ~self.actual & ~self.called, self.actual, self.called], axis=1
        )
        hits, rejections, actual, called = (weights @ columns.astype(np.float64)).T
        total = weights.sum(axis=1)
        return {
            "sensitivity": ratio(hits, actual),
            "specificity": ratio(rejections, total - actual),
            "ppv": ratio(hits, called),
            "npv": ratio(rejections, total - called),
            "f1": ratio(2 * hits, actual + called),
        }

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(-self.score, kind="stable")

    @cached_property
    def _ends(self) -> NDArray[np.intp]:
        """Where runs of equal scores end, in sorted rows."""
        score = self.score[self._order]
        return np.flatnonzero(np.append(score[1:] != score[:-1], True)) if score.size else self._order

    def _cumulated(self, weights: Floats) -> tuple[Floats, Floats]:
        """True and false positives (b, thresholds + 1), from none called to all called."""
        ordered = weights[:, self._order]
        hits = ordered * self.actual[self._order]
        ordered -= hits
        return self._at_thresholds(hits), self._at_thresholds(ordered)

    def _at_thresholds(self, counts: Floats) -> Floats:
        cumulated = np.zeros((len(counts), self._ends.size + 1))
        cumulated[:, 1:] = np.cumsum(counts, axis=1, out=counts)[:, self._ends]
        return cumulated


def contrasts(predictions: Predictions) -> list[Contrast]:
    """Each class against the rest; of two classes, the positive one alone."""
    labels, predicted, probabilities = predictions.labels, predictions.predicted, predictions.probabilities
    return [
        Contrast(name, labels == code, predicted == code, probabilities[:, code])
        for code, name in enumerate(predictions.classes)
        if predictions.positive in (None, name)
    ]


def _roc_area(hits: Floats, alarms: Floats) -> Floats:
    heights = (hits[:, 1:] + hits[:, :-1]) / 2
    area = np.einsum("bt,bt->b", heights, np.diff(alarms, axis=1))
    return ratio(area, hits[:, -1] * alarms[:, -1])


def _average_precision(hits: Floats, alarms: Floats) -> Floats:
    called = hits + alarms
    # Before the first drawn row nothing is called, and there recall takes no step.
    precision = np.divide(hits, called, out=called, where=called > 0)
    area = np.einsum("bt,bt->b", precision[:, 1:], np.diff(hits, axis=1))
    one_class = alarms[:, -1] == 0
    return np.where(one_class, np.nan, ratio(area, hits[:, -1]))
