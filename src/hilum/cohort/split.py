"""Dividing a cohort into training, validation and test rows: by image, patient, source or column."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.utils import check_random_state

from hilum.errors import SplitError
from hilum.recipe.settings import SplitBy, SplitSettings, Validation

__all__ = ["SPLITTERS", "Fold", "Rows", "patient_folds", "split"]

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Splitter = Callable[[pd.DataFrame, SplitSettings], Iterator["Fold"]]

PARTS = ("train", "validation", "test")
_RTOL, _ATOL = 1e-5, 1e-8  # of NumPy's isclose


@dataclass(frozen=True, eq=False)
class Fold:
    """Positions of rows in a cohort's table, int64; ``train`` in the order in which a network first sees it.

    No part may be empty, and no row be in two parts or twice in one; otherwise `SplitError` is raised.
    """

    train: Rows
    validation: Rows
    test: Rows

    def __post_init__(self) -> None:
        for name in PARTS:
            rows = np.asarray(getattr(self, name), dtype=np.int64)
            object.__setattr__(self, name, rows)
            if not len(rows):
                raise SplitError(f"the {name} part is empty", remedy="Use more images, or another share")
        everything = np.concatenate([self.train, self.validation, self.test])
        if len(np.unique(everything)) != len(everything):
            raise SplitError("a row is in two parts, or twice in one")


def split(table: pd.DataFrame, settings: SplitSettings) -> tuple[Fold, ...]:
    """Divide a cohort's rows into training, validation and test.

    The result is one fold, or one per cross-validation fold or source. In each, every row is in one part,
    and every label in every part (a source that is left out may hold one label only). The same seed gives
    the same rows.

    Raises
    ------
    SplitError
        If that is impossible.

    Notes
    -----
    ``by: image`` without folds is scikit-learn's ``train_test_split`` with the seed as ``random_state``, over
    the rows in order, as in the tutorial.
    """
    if table["label"].nunique() < 2:
        raise SplitError("a split needs at least two labels", found=", ".join(table["label"].unique()))
    if settings.folds is not None and settings.by in {SplitBy.SOURCE, SplitBy.COLUMN}:
        raise SplitError(f"`folds` has no meaning with `by: {settings.by}`", remedy="Leave `folds` out")
    return tuple(SPLITTERS[settings.by](table.reset_index(drop=True), settings))


def _by_image(table: pd.DataFrame, settings: SplitSettings) -> Iterator[Fold]:
    for rest, test in _image_parts(table, settings):
        train, validation = _split_validation_by_image(table, rest, settings)
        yield _require_labels(table, Fold(train, validation, test))


def _image_parts(table: pd.DataFrame, settings: SplitSettings) -> Iterator[tuple[Rows, Rows]]:
    if settings.folds is None:
        if len(table) < 3:
            raise SplitError("too few images to split", expected="at least 3", found=str(len(table)))
        train, test = train_test_split(
            np.arange(len(table)), test_size=settings.test, random_state=settings.seed
        )
        yield train, test
        return
    counts = table["label"].value_counts()
    if counts.min() < settings.folds:
        raise SplitError(
            f"too few images of {counts.idxmin()!r}",
            expected=f"one for each of {settings.folds} folds",
            found=str(counts.min()),
        )
    folds = StratifiedKFold(settings.folds, shuffle=True, random_state=settings.seed)
    for train, test in folds.split(table, table["label"]):
        yield _shuffled(train, settings), test


def _split_validation_by_image(table: pd.DataFrame, rows: Rows, settings: SplitSettings) -> tuple[Rows, Rows]:
    if settings.validation_rows is Validation.LAST:
        start = len(rows) - keras_count(len(rows), settings.validation)
        return rows[:start], rows[start:]
    labels = table["label"].to_numpy()[rows]
    try:
        train, validation = train_test_split(
            rows, test_size=settings.validation, stratify=labels, random_state=settings.seed
        )
    except ValueError as error:
        raise SplitError("too few images to draw validation rows of every label", found=str(error)) from error
    return train, validation


def keras_count(rows: int, share: float) -> int:
    """Count the rows that Keras' ``validation_split`` takes: all from ``floor(rows * (1 - share))`` on."""
    return rows - math.floor(rows * (1 - share))


def _by_patient(table: pd.DataFrame, settings: SplitSettings) -> Iterator[Fold]:
    for rest, test in _patient_parts(table, settings):
        train, validation = split_validation_by_patient(table, rest, settings)
        yield _require_labels(table, Fold(train, validation, test))


def _patient_parts(table: pd.DataFrame, settings: SplitSettings) -> Iterator[tuple[Rows, Rows]]:
    _require_patients(table, max(3, settings.folds or 0))
    if settings.folds is None:
        drawn = draw_patients(table, settings.test, np.random.default_rng(settings.seed))
        yield _shuffled(np.flatnonzero(~drawn), settings), np.flatnonzero(drawn)
        return
    for train, test in patient_folds(table["label"], table["patient"], settings.folds, settings.seed):
        yield _shuffled(train, settings), test


def split_validation_by_patient(
    table: pd.DataFrame, rows: Rows, settings: SplitSettings
) -> tuple[Rows, Rows]:
    """Divide training rows into training and validation, grouped by patient.

    With ``validation_rows: last``, the last rows are taken together with all other rows of their patients.

    Raises
    ------
    SplitError
        If a label has too few patients.
    """
    if settings.validation_rows is Validation.LAST:
        patients = table["patient"].to_numpy()[rows]
        start = len(rows) - keras_count(len(rows), settings.validation)
        drawn = np.isin(patients, patients[start:])
    else:
        generator = np.random.default_rng([settings.seed, 1])
        drawn = draw_patients(table.iloc[rows], settings.validation, generator)
    return rows[~drawn], rows[drawn]


def draw_patients(table: pd.DataFrame, share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """Draw patients that together hold about `share` of the rows of every label; True for their rows.

    Patients are taken in random order, those with several rows first. Each goes to the side that brings the
    labels' shares among the rows placed so far nearest to the target (least squares, all labels weighing
    the same), so that patients with one row correct what the others left uneven. Of a label with few
    patients, the target is at least one patient on each side.
    """
    _require_patients(table, 2)
    counts, patient = _counts(table["label"], table["patient"], sort=False)
    patients_of_label = (counts > 0).sum(axis=0)
    target = np.clip(share, 1 / patients_of_label, 1 - 1 / patients_of_label)
    drawn = np.zeros(len(counts), dtype=bool)
    weights = counts / counts.sum(axis=0)
    excess = np.zeros(counts.shape[1])  # share drawn beyond the target, over the patients placed so far
    shuffled = generator.permutation(len(counts))
    single = counts.sum(axis=1)[shuffled] == 1
    for one in np.concatenate([shuffled[~single], shuffled[single]]):
        without = excess - target * weights[one]
        including = without + weights[one]
        drawn[one] = including @ including < without @ without
        excess = including if drawn[one] else without
    result: NDArray[np.bool_] = drawn[patient]
    return result


def _counts(labels: ArrayLike, patients: ArrayLike, *, sort: bool) -> tuple[Floats, Rows]:
    """Return rows of each patient and label (patients, labels), and each row's patient number."""
    label, patient = (pd.factorize(np.asarray(values), sort=sort)[0] for values in (labels, patients))
    counts = np.zeros((patient.max() + 1, label.max() + 1))
    np.add.at(counts, (patient, label), 1)
    return counts, patient


def patient_folds(labels: ArrayLike, patients: ArrayLike, folds: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Divide rows into folds, grouped by patient and with each label spread as evenly as that allows.

    The folds equal those of scikit-learn's ``StratifiedGroupKFold`` with ``shuffle=True``: patients come in
    random order, those with the most uneven labels first, and each goes to the fold in which the labels'
    shares then differ least between folds, or among equals to the fold with the fewest rows. All folds are
    tried at once here, so that 50,000 patients take a second instead of two minutes.

    Every label has at least `folds` patients; `seed` is scikit-learn's ``random_state``. The result holds,
    for each fold, the other rows and its own, in ascending order.

    Examples
    --------
    >>> for others, own in patient_folds([0, 0, 1, 1], ["a", "b", "c", "d"], 2, seed=0):
    ...     print(others.tolist(), own.tolist())
    [0, 3] [1, 2]
    [1, 2] [0, 3]
    """
    counts, patient = _counts(labels, patients, sort=True)
    order = np.arange(len(counts))
    check_random_state(seed).shuffle(order)
    order = order[np.argsort(-np.std(counts[order], axis=1), kind="stable")]
    fold_of = np.empty(len(counts), np.int64)
    fold_of[order] = _assigned_folds(counts[order], folds)
    return [
        (np.flatnonzero(fold_of[patient] != fold), np.flatnonzero(fold_of[patient] == fold))
        for fold in range(folds)
    ]


def _assigned_folds(counts: Floats, folds: int) -> list[int]:
    """Return the fold of each patient, taken in the order of `counts` (patients, labels)."""
    totals = counts.sum(axis=0)
    placed = np.zeros((folds, counts.shape[1]))
    trials = np.empty((folds, *placed.shape))  # trial i: the folds with the patient added to fold i
    diagonal = np.arange(folds)
    assigned = []
    for patient in counts:
        trials[:] = placed
        trials[diagonal, diagonal] += patient
        fold = _best(_unevenness(trials / totals), placed.sum(axis=1).tolist())
        placed[fold] += patient
        assigned.append(fold)
    return assigned


def _unevenness(shares: Floats) -> list[float]:
    """Mean over the labels of the standard deviation between folds; shares (trials, folds, labels)."""
    folds, labels = shares.shape[1:]
    shares -= shares.sum(axis=1, keepdims=True) / folds
    shares *= shares
    result: list[float] = (np.sqrt(shares.sum(axis=1) / folds).sum(axis=1) / labels).tolist()
    return result


def _best(unevenness: Sequence[float], sizes: Sequence[float]) -> int:
    """Return the position of the least value, or of the smaller size among values that are close."""
    best = 0
    for trial in range(1, len(unevenness)):
        value, least = unevenness[trial], unevenness[best]
        close = abs(value - least) <= _ATOL + _RTOL * least
        if value < least or (close and sizes[trial] < sizes[best]):
            best = trial
    return best


def _by_source(table: pd.DataFrame, settings: SplitSettings) -> Iterator[Fold]:
    _require_separate_sources(table)
    for name in table["source"].unique():
        left_out = (table["source"] == name).to_numpy()
        train, test = np.flatnonzero(~left_out), np.flatnonzero(left_out)
        lost = sorted(set(table["label"].unique()) - set(table["label"].iloc[train].unique()))
        if lost:
            raise SplitError(
                f"without the source {name!r}, no image of {', '.join(lost)} is left to train on",
                expected="every label in at least two sources",
                remedy="The labels are confounded with the sources: add a source that has both",
            )
        train, validation = split_validation_by_patient(table, _shuffled(train, settings), settings)
        yield _require_labels(table, Fold(train, validation, test), ("train", "validation"))


def _by_column(table: pd.DataFrame, settings: SplitSettings) -> Iterator[Fold]:
    if "split" not in table:
        raise SplitError("the cohort has no column 'split'", found=", ".join(table.columns))
    unknown = table.loc[~table["split"].isin(PARTS), "split"]
    if len(unknown):
        raise SplitError(
            "the column 'split' holds an unknown value",
            expected=", ".join(PARTS),
            found=f"{unknown.iloc[0]!r} in row {unknown.index[0]}",
        )
    train, validation, test = (np.flatnonzero(table["split"] == part) for part in PARTS)
    if len(train) and not len(validation):
        train, validation = split_validation_by_patient(table, _shuffled(train, settings), settings)
    yield _require_labels(table, Fold(train, validation, test))


SPLITTERS: dict[SplitBy, Splitter] = {
    SplitBy.IMAGE: _by_image,
    SplitBy.PATIENT: _by_patient,
    SplitBy.SOURCE: _by_source,
    SplitBy.COLUMN: _by_column,
}


def _shuffled(rows: Rows, settings: SplitSettings) -> Rows:
    return np.random.default_rng(settings.seed).permutation(rows)


def _require_labels(table: pd.DataFrame, fold: Fold, parts: Sequence[str] = PARTS) -> Fold:
    """Return `fold` if each of `parts` holds every label of `table`."""
    labels = table["label"].to_numpy()
    for name in parts:
        present = set(labels[getattr(fold, name)])
        missing = [str(label) for label in pd.unique(labels) if label not in present]
        if missing:
            raise SplitError(
                f"the {name} part has no image of {', '.join(missing)}",
                expected="every label in every part",
                found=f"{len(getattr(fold, name))} images of {', '.join(sorted(map(str, present)))}",
                remedy="Use more images of that label, larger shares, fewer folds, or another seed",
            )
    return fold


def _require_patients(table: pd.DataFrame, least: int) -> None:
    patients = table.groupby("label", sort=False)["patient"].nunique()
    few = patients[patients < least]
    if len(few):
        raise SplitError(
            f"too few patients of {few.index[0]!r} to group by patient",
            expected=f"at least {least}",
            found=str(few.iloc[0]),
            remedy="Use more patients or fewer folds, or split by image and say so",
        )


def _require_separate_sources(table: pd.DataFrame) -> None:
    if table["source"].nunique() < 2:
        raise SplitError(
            "leaving one source out needs two", expected="at least 2 sources", found=table["source"].iloc[0]
        )
    sources = table.groupby("patient")["source"].nunique()
    if (sources > 1).any():
        raise SplitError(
            "patients are in several sources, so leaving one source out does not leave them out",
            found=f"{(sources > 1).sum()} such patients",
            remedy="Select each patient from one source",
        )
