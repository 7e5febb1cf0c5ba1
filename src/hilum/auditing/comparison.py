"""Comparison of what a part of the data predicts with what the whole image predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from hilum.auditing.subject import Subject
from hilum.metrics import Estimate, Predictions, bootstrap_estimates, one_vs_rest
from hilum.metrics.predictions import Floats

__all__ = [
    "CHANCE",
    "BaselineComparison",
    "compare_predictions",
    "compare_with_baseline",
    "forest_out_of_fold",
]

CHANCE = 0.5
_RESAMPLES = 2000
_TREES = 100


@dataclass(frozen=True)
class BaselineComparison:
    """The performance of a part of the data beside that of the whole image, on the same rows.

    Parameters
    ----------
    part, whole : Estimate
        AUC; with three classes or more the mean over the classes, each against the others.
    explained : Estimate
        (part - 0.5) / (whole - 0.5): the share of the performance above chance that the part has too. NaN
        where the whole image performs no better than chance.
    patients : int
        Of the rarest class.
    """

    part: Estimate
    whole: Estimate
    explained: Estimate
    patients: int


def compare_with_baseline(
    subject: Subject,
    probabilities: NDArray[np.floating],
    stream: str,
    among: NDArray[np.bool_] | None = None,
) -> BaselineComparison:
    """Compare out-of-fold probabilities of `subject.rows` with the probe model's from whole images.

    Parameters
    ----------
    subject : Subject
    probabilities : ndarray of float, shape (rows, classes)
    stream : str
        Random stream of the resamples; see `Subject.rng`.
    among : ndarray of bool, shape (rows,), optional
        Rows to compare on, at least one of every class; all by default.
    """
    among = np.ones(len(subject.rows), dtype=bool) if among is None else among
    part, whole = (
        Predictions(subject.predicted(one).table[among], subject.classes)
        for one in (probabilities, subject.reference)
    )
    return compare_predictions(part, whole, subject.rng(stream))


def compare_predictions(
    part: Predictions, whole: Predictions, rng: np.random.Generator
) -> BaselineComparison:
    """Compare two predictions of the same rows, with intervals by the same resamples of patients.

    Parameters
    ----------
    part, whole : Predictions
        The same images in the same order.
    rng : numpy.random.Generator
    """

    def values(weights: Floats) -> dict[str, Floats]:
        aucs = _auc(part, weights), _auc(whole, weights)
        above = np.where(aucs[1] > CHANCE, aucs[1] - CHANCE, np.nan)
        return {"part": aucs[0], "whole": aucs[1], "explained": (aucs[0] - CHANCE) / above}

    found = bootstrap_estimates(values, part, rng, _RESAMPLES)
    rarest = min(len(set(part.patients[part.labels == code])) for code in range(len(part.classes)))
    return BaselineComparison(**found, patients=rarest)


def _auc(predictions: Predictions, weights: Floats) -> Floats:
    mean: Floats = np.mean([side.roc_auc(weights) for side in one_vs_rest(predictions)], axis=0)
    return mean


def forest_out_of_fold(subject: Subject, features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Predict each of `subject.rows` by a random forest fitted on the other folds.

    For tabular facts: a forest needs no scaling, and handles missing values and single values that stand out.

    Parameters
    ----------
    subject : Subject
    features : ndarray of float, shape (rows, facts)
        NaN where a fact is missing.

    Returns
    -------
    ndarray of float32, shape (rows, classes)
    """
    labels = subject.labels[subject.rows]
    found = np.zeros((len(labels), len(subject.classes)), np.float32)
    for fold in subject.folds:
        others = np.concatenate([fold.train, fold.validation])
        forest = RandomForestClassifier(_TREES, min_samples_leaf=3, random_state=subject.seed)
        forest.fit(features[others], labels[others])
        found[np.ix_(fold.test, forest.classes_)] = forest.predict_proba(features[fold.test])
    return found
