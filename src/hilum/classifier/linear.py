"""Fitting a linear head: logistic regression on standardised features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from hilum.classifier.fitted import HISTORY_COLUMNS, FittedHead
from hilum.classifier.head import Head, Layer, Output
from hilum.classifier.samples import Samples
from hilum.errors import FitError
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import LinearHeadSettings

__all__ = ["fit_linear"]

MAX_ITERATIONS = 10_000

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


def fit_linear(
    samples: Samples, settings: LinearHeadSettings, seed: int, progress: Progress = SILENT
) -> FittedHead:
    """Fit logistic regression; the strength is chosen on folds of the training rows, patients apart.

    Every training row is predicted once by a fit that has not seen its patient; the strength with the
    least log loss over all of them wins (of equals the smallest, which regularises most), and is fitted
    again on all training rows. Validation rows are not looked at. Where a class has too few patients
    for the folds asked for there are fewer, as `details` says; a single strength needs none.

    Parameters
    ----------
    samples : Samples
    settings : LinearHeadSettings
    seed : int
        Of the folds.
    progress : Progress, optional

    Returns
    -------
    FittedHead
        Standardisation folded into the weights. `details`: ``strength``, ``folds``, ``scores``
        (``strength`` and ``log_loss`` of each), ``constant_features``.

    Raises
    ------
    FitError
        No two folds of patients leave every class in both.
    """
    strengths = sorted(set(settings.strengths))
    features = samples.training_features.astype(np.float64)
    labels = samples.training_labels
    folds: list[Fold] = []
    scores: list[dict[str, float]] = []
    with threadpool_limits(1, user_api="blas"):  # sums split over threads end in other bits
        if len(strengths) > 1:
            folds = _folds(samples, settings.folds, seed)
            scores = [
                {"strength": strength, "log_loss": _log_loss(features, labels, folds, strength)}
                for strength in progress.track(strengths, what="Choosing the strength", total=len(strengths))
            ]
        best = min(scores, key=lambda score: score["log_loss"])["strength"] if scores else strengths[0]
        model = _model(best).fit(features, labels)
    details = {
        "kind": "linear",
        "strength": best,
        "folds": len(folds),
        "scores": scores,
        "constant_features": int((np.ptp(features, axis=0) == 0).sum()),
    }
    return FittedHead(_head(model, samples.classes), _no_history(), details)


def _model(strength: float) -> Pipeline:
    regression = LogisticRegression(C=strength, max_iter=MAX_ITERATIONS)
    return Pipeline([("scale", StandardScaler()), ("regress", regression)])


def _log_loss(
    features: NDArray[np.float64], labels: NDArray[np.integer], folds: list[Fold], strength: float
) -> float:
    codes = np.unique(labels)
    probabilities = np.empty((len(labels), len(codes)))
    for train, held_out in folds:
        model = _model(strength).fit(features[train], labels[train])
        probabilities[held_out] = model.predict_proba(features[held_out])
    return float(log_loss(labels, probabilities, labels=codes))


def _folds(samples: Samples, wanted: int, seed: int) -> list[Fold]:
    labels, patients = samples.training_labels, samples.training_patients
    codes = np.unique(labels)
    fewest = min(len(np.unique(patients[labels == code])) for code in codes)
    for count in range(min(wanted, fewest), 1, -1):
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        folds = list(splitter.split(labels, labels, patients))
        if all(len(held_out) and np.isin(codes, labels[train]).all() for train, held_out in folds):
            return folds
    raise FitError(
        "too few patients to choose a regularisation strength",
        expected="two patients or more of every class among the training rows",
        found=f"{fewest} of the rarest",
        remedy="Name one strength in head.strengths, or train on more patients.",
    )


def _head(model: Pipeline, classes: tuple[str, ...]) -> Head:
    scale, regress = model["scale"], model["regress"]
    weight: NDArray[np.float64] = regress.coef_ / scale.scale_
    bias = regress.intercept_ - weight @ scale.mean_
    layer = Layer(weight.astype(np.float32), bias.astype(np.float32))
    return Head((layer,), Output.suited_to(len(classes)), classes)


def _no_history() -> pd.DataFrame:
    columns: dict[str, Any] = {name: np.empty(0) for name in HISTORY_COLUMNS}
    return pd.DataFrame(columns)
