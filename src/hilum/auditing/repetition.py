"""One experiment many times, with other splits, labels and seeds; on all processors where that takes long."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from joblib.externals.loky import get_reusable_executor
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hilum.auditing.subject import Subject
from hilum.classifier import choose, decide
from hilum.classifier.fit import fit
from hilum.cohort import Fold, split
from hilum.errors import AuditError, HilumError
from hilum.metrics.intervals import Contrast
from hilum.recipe import Recipe
from hilum.recipe.settings import SplitSettings

__all__ = ["Score", "Scores", "Trial", "repeat"]


WORTHWHILE_SECONDS = 5.0
"""Other processes take a second or two to start: less work than this is done without them."""
MOST_PROCESSES = 8
_HALF = 0.5


@dataclass(frozen=True, eq=False)
class Trial:
    """One repetition.

    Parameters
    ----------
    splitting : SplitSettings
        Of several folds one is tried, by `seed`.
    labels : ndarray of int, shape (rows,)
        Of the subject's `rows`, as positions in its classes.
    seed : int
        Of the head.
    """

    splitting: SplitSettings
    labels: NDArray[np.int64]
    seed: int


@dataclass(frozen=True)
class Score:
    """What a repetition reached on its test rows."""

    accuracy: float
    auc: float


@dataclass(frozen=True, eq=False)
class Scores:
    """What the repetitions reached, in the order of the trials.

    Parameters
    ----------
    accuracy, auc : ndarray of float64, shape (repetitions that could be done,)
    failed : int
        How many could not, as a part without a label.
    """

    accuracy: NDArray[np.float64]
    auc: NDArray[np.float64]
    failed: int = 0

    def __len__(self) -> int:
        return len(self.accuracy)


@dataclass(frozen=True, eq=False)
class _Bench:
    """All that a repetition needs, light enough to be sent to another process."""

    table: pd.DataFrame
    features: NDArray[np.float32]
    recipe: Recipe

    def attempt(self, trial: Trial) -> Score | str:
        """Do as `hilum.run.experiment.perform`, in one fold; return the cause where that cannot be done."""
        try:
            with threadpool_limits(1, user_api="blas"):  # sums split over threads end in other bits
                return self._score(trial, self._fold(trial))
        except HilumError as error:
            return error.cause

    def _fold(self, trial: Trial) -> Fold:
        names = np.asarray(self.recipe.cohort.classes, dtype=object)
        folds = split(self.table.assign(label=names[trial.labels]), trial.splitting)
        return folds[trial.seed % len(folds)]

    def _score(self, trial: Trial, fold: Fold) -> Score:
        recipe, classes = self.recipe, self.recipe.cohort.classes
        rows = trial.labels, self.table["patient"].to_numpy(), fold.train, fold.validation
        head = fit(self.features, *rows, recipe.head, classes, trial.seed).head
        held, tested = (head.probabilities(self.features[rows]) for rows in (fold.validation, fold.test))
        called = decide(tested, choose(recipe.threshold, trial.labels[fold.validation], held))
        truth = trial.labels[fold.test]
        return Score(float(np.mean(called == truth)), _auc(truth, called, tested))


def _auc(labels: NDArray[np.int64], called: NDArray[np.intp], probabilities: NDArray[np.float32]) -> float:
    """Of two classes the second's; of more the mean of each against the rest."""
    classes = probabilities.shape[1]
    sides = [
        Contrast(str(code), labels == code, called == code, probabilities[:, code].astype(np.float64))
        for code in range(1 if classes == 2 else 0, classes)
    ]
    one = np.ones((1, len(labels)))
    return float(np.mean([side.roc_auc(one)[0] for side in sides]))


def repeat(subject: Subject, trials: Sequence[Trial], what: str) -> Scores:
    """Repeat the subject's experiment on its `rows`, with its recipe's head and threshold.

    The first repetition tells how long the others will take; they go to other processes if that is worth
    starting some. The scores do not depend on it.

    Parameters
    ----------
    subject : Subject
    trials : sequence of Trial
        One or more.
    what : str
        Names the work where progress is shown.

    Returns
    -------
    Scores

    Raises
    ------
    AuditError
        If half of the trials or more could not be done.
    """
    columns = ["image", "label", "patient", "source"]
    columns += [name for name in ("split",) if name in subject.table]
    bench = _Bench(
        subject.table[columns].iloc[subject.rows].reset_index(drop=True),
        subject.features[subject.rows],
        subject.recipe.model_copy(update={"head": subject.head}),
    )
    outcomes = list(subject.progress.track(_outcomes(bench, trials), what=what, total=len(trials)))
    scores = [one for one in outcomes if isinstance(one, Score)]
    causes = [one for one in outcomes if isinstance(one, str)]
    if len(causes) >= _HALF * len(trials):
        raise AuditError(
            f"{len(causes)} of {len(trials)} repetitions could not be done", found=f"first: {causes[0]}"
        )
    accuracy, auc = (np.array([getattr(one, name) for one in scores]) for name in ("accuracy", "auc"))
    return Scores(accuracy, auc, len(causes))


def _outcomes(bench: _Bench, trials: Sequence[Trial]) -> Iterator[Score | str]:
    start = time.perf_counter()
    first = bench.attempt(trials[0])
    seconds = time.perf_counter() - start
    yield first
    rest = trials[1:]
    processes = min(cpu_count(), MOST_PROCESSES, len(rest))
    if processes < 2 or seconds * len(rest) < WORTHWHILE_SECONDS:
        yield from map(bench.attempt, rest)
    else:
        yield from _in_processes(bench, rest, processes)


def _in_processes(bench: _Bench, trials: Sequence[Trial], processes: int) -> Iterator[Score | str]:
    """Do the trials in new processes, which share large features as a memory map.

    They end with the work: trials given to idle processes, just as these time out, would never be done.
    """
    parallel = Parallel(n_jobs=processes, return_as="generator", initializer=_follow, initargs=(os.getpid(),))
    try:
        yield from parallel(delayed(bench.attempt)(trial) for trial in trials)
    finally:
        get_reusable_executor().shutdown()


def _follow(parent: int) -> None:
    """Make this process end with its parent, however that ends; Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
