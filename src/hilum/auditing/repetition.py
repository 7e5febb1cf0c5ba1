"""The probe model, fitted and tested many times on other splits or other labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hilum.auditing.subject import Subject
from hilum.cohort import split
from hilum.errors import AuditError, HilumError
from hilum.executor import LOCAL
from hilum.metrics import OneVsRest
from hilum.recipe.settings import SplitSettings

__all__ = ["Score", "Scores", "Trial", "repeat", "score"]

_HALF = 0.5


@dataclass(frozen=True, eq=False)
class Trial:
    """One repetition.

    Parameters
    ----------
    splitting : SplitSettings
    labels : ndarray of int, shape (rows,)
        Of `Subject.rows`, as indices in its classes.
    """

    splitting: SplitSettings
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Score:
    """Performance on the test rows of one repetition."""

    accuracy: float
    auc: float


@dataclass(frozen=True, eq=False)
class Scores:
    """Performance over the repetitions that succeeded, in the order of the trials.

    Parameters
    ----------
    accuracy, auc : ndarray of float64, shape (repetitions,)
    failed : int
        Repetitions that could not be done, such as a part without one of the labels.
    """

    accuracy: NDArray[np.float64]
    auc: NDArray[np.float64]
    failed: int = 0

    def __len__(self) -> int:
        return len(self.accuracy)


def repeat(subject: Subject, trials: Sequence[Trial], what: str) -> Scores:
    """Fit and test the probe model on `Subject.rows` once for each trial.

    Parameters
    ----------
    subject : Subject
    trials : sequence of Trial
        One or more.
    what : str
        Name of the work for the progress display.

    Raises
    ------
    AuditError
        If half of the trials or more could not be done.
    """
    table = subject.table[["image", "label", "patient", "source"]].iloc[subject.rows].reset_index(drop=True)
    names = np.asarray(subject.classes, dtype=object)

    def attempt(trial: Trial) -> Score | str:
        try:
            (fold,) = split(table.assign(label=names[trial.labels]), trial.splitting)
            return score(subject, np.concatenate([fold.train, fold.validation]), fold.test, trial.labels)
        except HilumError as error:
            return error.cause

    with threadpool_limits(1, user_api="blas"):  # sums that are split over threads differ in their last bits
        outcomes = list(subject.progress.track(LOCAL.map(attempt, trials), what=what, total=len(trials)))
    scores = [one for one in outcomes if isinstance(one, Score)]
    causes = [one for one in outcomes if isinstance(one, str)]
    if len(causes) >= _HALF * len(trials):
        raise AuditError(
            f"{len(causes)} of {len(trials)} repetitions could not be done", found=f"first: {causes[0]}"
        )
    accuracy, auc = (np.array([getattr(one, name) for one in scores]) for name in ("accuracy", "auc"))
    return Scores(accuracy, auc, len(causes))


def score(
    subject: Subject, train: NDArray[np.integer], test: NDArray[np.integer], labels: NDArray[np.int64]
) -> Score:
    """Fit the probe model on positions `train` of `Subject.rows`, and test it on positions `test`."""
    probabilities = subject.predict_held_out(train, test, labels)
    truth, predicted = labels[test], probabilities.argmax(axis=1)
    return Score(float(np.mean(predicted == truth)), _auc(truth, predicted, probabilities))


def _auc(labels: NDArray[np.int64], predicted: NDArray[np.intp], probabilities: NDArray[np.float32]) -> float:
    """AUC of the second of two classes; of more the mean over the classes, each against the others."""
    classes = probabilities.shape[1]
    sides = [
        OneVsRest(str(code), labels == code, predicted == code, probabilities[:, code].astype(np.float64))
        for code in range(1 if classes == 2 else 0, classes)
    ]
    weights = np.ones((1, len(labels)))
    return float(np.mean([side.roc_auc(weights)[0] for side in sides]))
