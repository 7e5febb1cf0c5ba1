"""Drawing whole patients, so that each label comes near a share of its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.cohort.split.fold import Rows
from hilum.errors import SplitError

__all__ = ["draw", "last", "require_patients"]


def require_patients(table: pd.DataFrame, least: int) -> None:
    """Refuse a table in which a label has fewer than `least` patients.

    Raises
    ------
    SplitError
    """
    patients = table.groupby("label", sort=False)["patient"].nunique()
    few = patients[patients < least]
    if len(few):
        raise SplitError(
            f"too few patients to keep them apart: {few.index[0]!r}",
            expected=f"at least {least}",
            found=str(few.iloc[0]),
            remedy="Use more patients, fewer folds, or split by image and say so",
        )


def draw(table: pd.DataFrame, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Draw patients that together hold about `share` of the rows of every label.

    Patients are taken in random order, those with several rows first. Each goes where the labels' shares,
    among the rows placed so far, then come nearest to the target (least squares, labels weighing the same),
    so the patients with one row even out what the others left. A label with few patients aims at one patient
    at least on each side.

    Parameters
    ----------
    table : DataFrame
        ``label`` and ``patient``.
    share : float
        In (0, 1).
    generator : Generator

    Returns
    -------
    ndarray of bool, shape (rows,)
        True for the rows drawn.

    Raises
    ------
    SplitError
        If a label has fewer than two patients.
    """
    require_patients(table, 2)
    patient, label = (pd.factorize(table[name])[0] for name in ("patient", "label"))
    counts = np.zeros((patient.max() + 1, label.max() + 1))
    np.add.at(counts, (patient, label), 1)
    patients_of_label = (counts > 0).sum(axis=0)
    target = np.clip(share, 1 / patients_of_label, 1 - 1 / patients_of_label)
    chosen = np.zeros(len(counts), dtype=bool)
    weights = counts / counts.sum(axis=0)
    excess = np.zeros(counts.shape[1])  # share drawn beyond the target, of the patients placed so far
    for one in _order(counts, generator):
        without = excess - target * weights[one]
        including = without + weights[one]
        chosen[one] = including @ including < without @ without
        excess = including if chosen[one] else without
    return chosen[patient]


def _order(counts: NDArray[np.float64], generator: np.random.Generator) -> Rows:
    shuffled = generator.permutation(len(counts))
    single = counts.sum(axis=1)[shuffled] == 1
    return np.concatenate([shuffled[~single], shuffled[single]])


def last(table: pd.DataFrame, rows: Rows, count: int) -> NDArray[np.bool_]:
    """Take the last `count` of `rows`, and with them every row of their patients.

    Returns
    -------
    ndarray of bool, shape (len(rows),)
        True for the rows taken.
    """
    patients = table["patient"].to_numpy()[rows]
    return np.isin(patients, patients[len(rows) - count :])
