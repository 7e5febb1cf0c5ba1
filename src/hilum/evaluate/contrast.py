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

_Side = tuple[NDArray[np.intp], NDArray[np.intp]]


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
        hits, rejections, actual, called = (weights @ self._columns).T
        total = weights.sum(axis=1)
        return {
            "sensitivity": ratio(hits, actual),
            "specificity": ratio(rejections, total - actual),
            "ppv": ratio(hits, called),
            "npv": ratio(rejections, total - called),
            "f1": ratio(2 * hits, actual + called),
        }

    @cached_property
    def _columns(self) -> Floats:
        """What rates count, (n, 4): hits, rightly not called, of the class, called."""
        counted = self.actual & self.called, ~self.actual & ~self.called, self.actual, self.called
        return np.stack(counted, axis=1).astype(np.float64)

    @cached_property
    def _sorted(self) -> tuple[_Side, _Side]:
        """Rows of the class and of the rest, by falling score, and how many each threshold takes."""
        order = np.argsort(-self.score, kind="stable")
        score, actual = self.score[order], self.actual[order]
        ends = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if score.size else order
        of_class, of_rest = ((order[side], np.append(0, np.cumsum(side)[ends])) for side in (actual, ~actual))
        return of_class, of_rest

    def _cumulated(self, weights: Floats) -> tuple[Floats, Floats]:
        """True and false positives (b, thresholds + 1), from none called to all called."""
        of_class, of_rest = self._sorted
        return _counted(weights, *of_class), _counted(weights, *of_rest)


def _counted(weights: Floats, rows: NDArray[np.intp], above: NDArray[np.intp]) -> Floats:
    """Weights of the first so many of `rows`, for each number in `above`, (b, len(above))."""
    cumulated = np.zeros((len(weights), len(rows) + 1))
    np.cumsum(weights[:, rows], axis=1, out=cumulated[:, 1:])
    counted: Floats = np.take(cumulated, above, axis=1)
    return counted


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
