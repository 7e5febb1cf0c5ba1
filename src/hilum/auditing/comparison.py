"""What a part of the data tells by itself, against what the whole image tells, in the same folds.

The shared machinery of the probes that take something away: out-of-fold probabilities, an AUC for each with
its interval over the same resampled patients, and how much of the whole image's result the part explains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from hilum.auditing.subject import Subject
from hilum.metrics import Estimate, Predictions
from hilum.metrics.intervals import Floats, contrasts, estimates

__all__ = ["CHANCE", "BaselineComparison", "compare_with_baseline", "forest_out_of_fold"]


CHANCE = 0.5
_TREES = 100


@dataclass(frozen=True)
class BaselineComparison:
    """A part against the whole.

    Parameters
    ----------
    part, whole : Estimate
        AUC of each (of three classes or more: mean over the classes, each against the rest).
    explained : Estimate
        (part - 0.5) / (whole - 0.5): how much of what the whole is better than chance the part has too.
        NaN where the whole is no better than chance.
    patients : int
        Of the scarcest class.
    """

    part: Estimate
    whole: Estimate
    explained: Estimate
    patients: int


def compare_with_baseline(
    subject: Subject,
    probabilities: NDArray[np.floating],
    name: str,
    among: NDArray[np.bool_] | None = None,
) -> BaselineComparison:
    """Compare out-of-fold probabilities of `subject.rows` with those of the whole images.

    Parameters
    ----------
    subject : Subject
    probabilities : ndarray of float, shape (rows, classes)
    name : str
        Of the probe, for its random numbers.
    among : ndarray of bool, shape (rows,), optional
        Rows to compare on, at least one of every class; all otherwise.
    """
    among = np.ones(len(subject.rows), dtype=bool) if among is None else among
    part, whole = (
        Predictions(subject.predicted(one).table[among], subject.classes)
        for one in (probabilities, subject.reference)
    )

    def values(weights: Floats) -> dict[str, Floats]:
        aucs = _auc(part, weights), _auc(whole, weights)
        above = np.where(aucs[1] > CHANCE, aucs[1] - CHANCE, np.nan)
        return {"part": aucs[0], "whole": aucs[1], "explained": (aucs[0] - CHANCE) / above}

    found = estimates(values, part, subject.rng(name), 2000)
    rows = subject.rows[among]
    labels, patients = subject.labels[rows], subject.patients[rows]
    scarcest = min(len(set(patients[labels == code])) for code in range(len(subject.classes)))
    return BaselineComparison(**found, patients=scarcest)


def _auc(predictions: Predictions, weights: Floats) -> Floats:
    mean: Floats = np.mean([side.roc_auc(weights) for side in contrasts(predictions)], axis=0)
    return mean


def forest_out_of_fold(subject: Subject, features: NDArray[np.floating]) -> NDArray[np.float32]:
    """Predict each of `subject.rows` by a random forest fitted on the other folds.

    For plain facts rather than a network's features: a forest needs no scaling, and takes steps and
    exceptions (a single width, one file format) as they come.

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
        known = np.concatenate([fold.train, fold.validation])
        forest = RandomForestClassifier(_TREES, min_samples_leaf=3, random_state=subject.recipe.seed)
        forest.fit(features[known], labels[known])
        found[np.ix_(fold.test, forest.classes_)] = forest.predict_proba(features[fold.test])
    return found
