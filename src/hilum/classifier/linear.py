"""The linear head: logistic regression on standardised features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from hilum.classifier.head import Head, Layer, Output
from hilum.classifier.samples import HISTORY_COLUMNS, FittedHead, Samples
from hilum.cohort.split import patient_folds
from hilum.errors import FitError
from hilum.executor import LOCAL
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import LinearHeadSettings

__all__ = ["fit_linear"]


MAX_ITERATIONS = 10_000
_COLUMNS = 32  # standardised at a time, to bound the memory
_BLOCK_ROWS = 1024

Rows = NDArray[np.int64]
Fold = tuple[Rows, Rows]
Floats = NDArray[np.float64]


def fit_linear(
    samples: Samples, settings: LinearHeadSettings, seed: int, progress: Progress = SILENT
) -> FittedHead:
    """Fit logistic regression, with C chosen by cross-validation on the training rows, grouped by patient.

    Every training row is predicted once by a fit without its patient. The C with the least log loss over all
    of them (the smallest among equals, which regularises most) is fitted again on all training rows.
    Validation rows are not used. Where a class has too few patients for `settings.folds`, there are fewer
    folds, as `details` records; a single C needs none.

    Memory: one copy of the training rows in float64.

    `seed` determines the folds. The standardisation is folded into the weights of the head. `details` holds
    ``C``, ``folds``, ``scores`` (``C`` and ``log_loss`` of each) and ``constant_features``.

    Raises
    ------
    FitError
        No two folds of patients leave every class in both.
    """
    candidates = sorted(set(settings.C))
    folds: list[Fold] = []
    scores: list[dict[str, float]] = []
    with threadpool_limits(1, user_api="blas"):  # sums split over threads round differently
        if len(candidates) > 1:
            folds = _folds(samples, settings.folds, seed)
            scores = _scores(samples, folds, candidates, progress)
        best = min(scores, key=lambda score: score["log_loss"])["C"] if scores else candidates[0]
        inputs = _rows(samples, samples.train)
        constant = int((np.ptp(inputs, axis=0) == 0).sum())
        scale = _Scale.take(inputs)
        model = _model(best).fit(inputs, samples.training_labels)
    details = {
        "kind": "linear",
        "C": best,
        "folds": len(folds),
        "scores": scores,
        "constant_features": constant,
    }
    return FittedHead(_head(model, scale, samples.classes), _no_history(), details)


def _model(C: float) -> LogisticRegression:
    return LogisticRegression(C=C, max_iter=MAX_ITERATIONS)


def _rows(samples: Samples, rows: NDArray[np.integer]) -> Floats:
    """Features of some rows in float64, without an intermediate copy."""
    found = np.empty((len(rows), samples.features.shape[1]))
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        found[block] = samples.features[rows[block]]
    return found


@dataclass(frozen=True, eq=False)
class _Scale:
    """Mean and deviation of each feature; the deviation is 1 where a feature is constant."""

    mean: Floats
    deviation: Floats

    @classmethod
    def take(cls, values: Floats) -> _Scale:
        """Standardise `values` in place, and return the scale."""
        parts = [slice(start, start + _COLUMNS) for start in range(0, values.shape[1], _COLUMNS)]
        scalers = [StandardScaler().fit(values[:, part]) for part in parts]
        scale = cls(
            *(np.concatenate([getattr(one, name) for one in scalers]) for name in ("mean_", "scale_"))
        )
        scale.apply(values)
        return scale

    def apply(self, values: Floats) -> Floats:
        """Standardise `values` in place."""
        values -= self.mean
        values /= self.deviation
        return values


def _scores(
    samples: Samples, folds: Sequence[Fold], candidates: list[float], progress: Progress
) -> list[dict[str, float]]:
    """Log loss of each C over the training rows, each predicted by a fit without its fold."""
    labels, codes = samples.training_labels, np.unique(samples.training_labels)
    found = np.empty((len(candidates), len(labels), len(codes)))
    for others, own in progress.track(folds, what="Choosing C", total=len(folds)):
        found[:, own] = _unseen(samples, others, own, candidates)
    losses = [float(log_loss(labels, one, labels=codes)) for one in found]
    return [{"C": C, "log_loss": loss} for C, loss in zip(candidates, losses, strict=True)]


def _unseen(samples: Samples, others: Rows, own: Rows, candidates: list[float]) -> list[Floats]:
    """Probabilities of the rows `own` by fits on the rows `others`, for each C; threads share the rows."""
    inputs, labels = _rows(samples, samples.train[others]), samples.training_labels[others]
    tested = _Scale.take(inputs).apply(_rows(samples, samples.train[own]))

    def predicted(C: float) -> Floats:
        found: Floats = _model(C).fit(inputs, labels).predict_proba(tested)
        return found

    return list(LOCAL.map(predicted, candidates[::-1]))[::-1]  # the largest takes the longest


def _folds(samples: Samples, wanted: int, seed: int) -> list[Fold]:
    labels, patients = samples.training_labels, samples.training_patients
    codes = np.unique(labels)
    fewest = min(len(np.unique(patients[labels == code])) for code in codes)
    for count in range(min(wanted, fewest), 1, -1):
        folds = patient_folds(labels, patients, count, seed)
        if all(len(held_out) and np.isin(codes, labels[train]).all() for train, held_out in folds):
            return folds
    raise FitError(
        "too few patients to choose C by cross-validation",
        expected="two patients or more of every class among the training rows",
        found=f"{fewest} of the rarest",
        remedy="Name one C in head.C, or train on more patients.",
    )


def _head(model: LogisticRegression, scale: _Scale, classes: tuple[str, ...]) -> Head:
    weight: Floats = model.coef_ / scale.deviation
    bias = model.intercept_ - weight @ scale.mean
    layer = Layer(weight.astype(np.float32), bias.astype(np.float32))
    return Head((layer,), Output.for_classes(len(classes)), classes)


def _no_history() -> pd.DataFrame:
    return pd.DataFrame(columns=list(HISTORY_COLUMNS), dtype=np.float64)
