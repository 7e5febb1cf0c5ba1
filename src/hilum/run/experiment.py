"""From features and folds to fitted heads and predictions: arithmetic alone, without files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.classifier import Head, Threshold, choose, decide
from hilum.classifier.fit import fit
from hilum.classifier.samples import FittedHead
from hilum.cohort import Fold
from hilum.metrics import Predictions
from hilum.progress import SILENT, Progress
from hilum.recipe import Recipe

__all__ = ["Experiment", "perform"]


@dataclass(frozen=True, eq=False)
class Experiment:
    """What fitting on a cohort's features gave.

    Parameters
    ----------
    predictions : Predictions
        Of every row in every part, for each fold.
    history : DataFrame
        One row an epoch and fold; empty for a head that is not trained in epochs.
    head : Head
        The head to keep: the only fold's, or, after cross-validation, one fitted on all rows.
    threshold : Threshold
        The one to keep: the only fold's, or the mean of the folds'.
    fitted_on : int
        Rows that the kept head was fitted on.
    details : dict
        What the kept head's fitting chose.
    """

    predictions: Predictions
    history: pd.DataFrame
    head: Head
    threshold: Threshold
    fitted_on: int
    details: dict[str, object]


def perform(
    table: pd.DataFrame,
    features: NDArray[np.float32],
    folds: tuple[Fold, ...],
    recipe: Recipe,
    progress: Progress = SILENT,
) -> Experiment:
    """Fit a head in each fold and predict every row with it.

    Parameters
    ----------
    table : DataFrame
        The cohort's rows in use: ``image``, ``label``, ``patient``, ``source``.
    features : ndarray of float32, shape (rows, features)
    folds : tuple of Fold
    recipe : Recipe
        Its classes, head, threshold and seed.
    progress : Progress

    Returns
    -------
    Experiment
    """
    classes = tuple(recipe.cohort.classes)
    labels = pd.Categorical(table["label"], categories=list(classes)).codes.astype(np.int64)
    patients = table["patient"].to_numpy()

    def fitted_on(train: NDArray[np.int64], validation: NDArray[np.int64]) -> FittedHead:
        rows = train, validation
        return fit(features, labels, patients, *rows, recipe.head, classes, recipe.seed, progress=progress)

    heads, thresholds, parts = [], [], []
    for number, fold in enumerate(folds):
        fitted = fitted_on(fold.train, fold.validation)
        probabilities = fitted.head.probabilities(features)
        threshold = choose(recipe.threshold, labels[fold.validation], probabilities[fold.validation])
        heads.append(fitted)
        thresholds.append(threshold)
        parts.append(_predicted(table, fold, number, classes, probabilities, threshold))

    last = heads[-1]
    rows = folds[-1].train
    if len(folds) > 1:
        rows = np.arange(len(table))
        last = fitted_on(rows, rows[:0])
    return Experiment(
        predictions=Predictions(pd.concat(parts, ignore_index=True), classes),
        history=_history(heads),
        head=last.head,
        threshold=_mean(thresholds),
        fitted_on=len(rows),
        details=dict(last.details),
    )


def _predicted(
    table: pd.DataFrame,
    fold: Fold,
    number: int,
    classes: tuple[str, ...],
    probabilities: NDArray[np.float32],
    threshold: Threshold,
) -> pd.DataFrame:
    rows = np.concatenate([fold.train, fold.validation, fold.test])
    sizes = [len(fold.train), len(fold.validation), len(fold.test)]
    predicted = decide(probabilities[rows], threshold)
    return pd.DataFrame(
        {
            **{name: table[name].to_numpy()[rows] for name in ("image", "patient", "source")},
            "split": np.repeat(["train", "validation", "test"], sizes),
            "fold": number,
            "label": table["label"].to_numpy()[rows],
            **{
                f"probability_{name}": probabilities[rows, code].astype(np.float64)
                for code, name in enumerate(classes)
            },
            "predicted": np.asarray(classes, dtype=object)[predicted],
        }
    )


def _history(heads: list[FittedHead]) -> pd.DataFrame:
    tables = [fitted.history.assign(fold=number) for number, fitted in enumerate(heads)]
    return pd.concat(tables, ignore_index=True)


def _mean(thresholds: list[Threshold]) -> Threshold:
    """Return the threshold to keep after cross-validation, where each fold chose its own."""
    values = [threshold.value for threshold in thresholds if threshold.value is not None]
    if len(set(values)) <= 1:
        return thresholds[0]
    return Threshold(
        float(np.mean(values)), rule=f"mean over {len(thresholds)} folds; in each: {thresholds[0].rule}"
    )
