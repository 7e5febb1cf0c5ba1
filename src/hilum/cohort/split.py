"""One splitter for each way in which parts are kept apart."""

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

__all__ = [
    "PARTS",
    "SPLITTERS",
    "Fold",
    "Rows",
    "apart",
    "by_image",
    "draw",
    "keras_count",
    "last",
    "patient_folds",
    "require_classes",
    "require_patients",
    "split",
]


Rows = NDArray[np.int64]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Fold:
    """Positions of rows in a cohort's table; no row is in two parts, and no part is empty.

    Parameters
    ----------
    train, validation, test : ndarray of int64, shape (rows,)
        ``train`` in the order in which a network first sees it.

    Raises
    ------
    SplitError
        If a part is empty, or two share a row.
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


def require_classes(table: pd.DataFrame, fold: Fold, parts: Sequence[str] = PARTS) -> Fold:
    """Give `fold` back if each of `parts` holds every label of `table`.

    Raises
    ------
    SplitError
        If a label is missing in a part.
    """
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


Floats = NDArray[np.float64]

_CLOSE, _NEAR_ZERO = 1e-5, 1e-8  # what NumPy's isclose takes as equal


def patient_folds(labels: ArrayLike, patients: ArrayLike, folds: int, seed: int) -> list[tuple[Rows, Rows]]:
    """Part rows into folds, no patient being in two, each label spread as evenly as that allows.

    The folds are those of scikit-learn's ``StratifiedGroupKFold`` with ``shuffle=True``, whose rule this is:
    patients come in random order, those whose labels are the least even first, and each goes to the fold
    where the labels' shares then differ least between folds; among equals to the one with the fewest rows.
    Here the folds are tried side by side, so that 50,000 patients take a second and not two minutes.

    Parameters
    ----------
    labels, patients : array-like, shape (rows,)
        Every label has `folds` patients or more.
    folds : int
    seed : int
        scikit-learn's ``random_state``.

    Returns
    -------
    list of (ndarray of int64, ndarray of int64)
        For each fold the other rows, and its own, both rising.

    Examples
    --------
    >>> for others, own in patient_folds([0, 0, 1, 1], ["a", "b", "c", "d"], 2, seed=0):
    ...     print(others.tolist(), own.tolist())
    [0, 3] [1, 2]
    [1, 2] [0, 3]
    """
    label, patient = (pd.factorize(np.asarray(one), sort=True)[0] for one in (labels, patients))
    counts = np.zeros((patient.max() + 1, label.max() + 1))
    np.add.at(counts, (patient, label), 1)
    order = np.arange(len(counts))
    check_random_state(seed).shuffle(order)
    order = order[np.argsort(-np.std(counts[order], axis=1), kind="stable")]
    home = np.empty(len(counts), np.int64)
    home[order] = _homes(counts[order], folds)
    return [
        (np.flatnonzero(home[patient] != fold), np.flatnonzero(home[patient] == fold))
        for fold in range(folds)
    ]


def _homes(counts: Floats, folds: int) -> list[int]:
    """Fold of each patient, given rows of each label (patients, labels), taken in order."""
    totals = counts.sum(axis=0)
    placed = np.zeros((folds, counts.shape[1]))
    trials = np.empty(
        (folds, *placed.shape)
    )  # the folds as they are with the patient in the first, second, …
    own = np.arange(folds)
    homes = []
    for patient in counts:
        trials[:] = placed
        trials[own, own] += patient
        home = _best(_unevenness(trials / totals), placed.sum(axis=1).tolist())
        placed[home] += patient
        homes.append(home)
    return homes


def _unevenness(shares: Floats) -> list[float]:
    """Mean over the labels of the standard deviation between folds; shares (trials, folds, labels)."""
    count, labels = shares.shape[1:]
    shares -= shares.sum(axis=1, keepdims=True) / count
    shares *= shares
    found: list[float] = (np.sqrt(shares.sum(axis=1) / count).sum(axis=1) / labels).tolist()
    return found


def _best(unevenness: Sequence[float], sizes: Sequence[float]) -> int:
    """Position of the least value; among those as good as equal, in turn, of the smallest size."""
    best = 0
    for place in range(1, len(unevenness)):
        value, least = unevenness[place], unevenness[best]
        alike = abs(value - least) <= _NEAR_ZERO + _CLOSE * least
        if value < least or (alike and sizes[place] < sizes[best]):
            best = place
    return best


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


def keras_count(rows: int, share: float) -> int:
    """Count the rows that Keras' ``validation_split`` takes: all from ``floor(rows * (1 - share))`` on.

    Examples
    --------
    >>> keras_count(220, 0.1)
    22
    """
    return rows - math.floor(rows * (1 - share))


def by_image(table: pd.DataFrame, rows: Rows, settings: SplitSettings) -> tuple[Rows, Rows]:
    """Divide training rows into training and validation, images being independent.

    Returns
    -------
    train, validation : ndarray of int64

    Raises
    ------
    SplitError
        If a label has too few rows.
    """
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


def apart(table: pd.DataFrame, rows: Rows, settings: SplitSettings) -> tuple[Rows, Rows]:
    """Divide training rows into training and validation, no patient being in both.

    ``last`` takes the last rows, and with them every row of their patients.

    Returns
    -------
    train, validation : ndarray of int64

    Raises
    ------
    SplitError
        If a label has too few patients.
    """
    if settings.validation_rows is Validation.LAST:
        chosen = last(table, rows, keras_count(len(rows), settings.validation))
    else:
        chosen = draw(table.iloc[rows], settings.validation, np.random.default_rng([settings.seed, 1]))
    return rows[~chosen], rows[chosen]


Splitter = Callable[[pd.DataFrame, SplitSettings], Iterator[Fold]]


def split(table: pd.DataFrame, settings: SplitSettings) -> tuple[Fold, ...]:
    """Divide a cohort's rows into training, validation and test.

    Parameters
    ----------
    table : DataFrame
        ``label``, ``patient``, ``source`` and, for ``by: column``, ``split``.
    settings : SplitSettings

    Returns
    -------
    tuple of Fold
        One, or one for each of `folds` or of the sources. In each, every row is in one part, and every label
        in every part (a source left out may hold one label alone). A seed gives the same rows again.

    Raises
    ------
    SplitError
        If that cannot be done.

    Notes
    -----
    ``by: image`` without folds is scikit-learn's ``train_test_split`` with the seed as ``random_state``, over
    the rows in order, as in the tutorial.
    """
    if table["label"].nunique() < 2:
        raise SplitError("there are not two labels to tell apart", found=", ".join(table["label"].unique()))
    if settings.folds is not None and settings.by in {SplitBy.SOURCE, SplitBy.COLUMN}:
        raise SplitError(f"`folds` has no meaning with `by: {settings.by}`", remedy="Leave `folds` out")
    return tuple(SPLITTERS[settings.by](table.reset_index(drop=True), settings))


def _by_image(table: pd.DataFrame, settings: SplitSettings) -> Iterator[Fold]:
    for train, test in _image_parts(table, settings):
        yield require_classes(table, Fold(*by_image(table, train, settings), test))


def _image_parts(table: pd.DataFrame, settings: SplitSettings) -> Iterator[tuple[Rows, Rows]]:
    if settings.folds is None:
        if len(table) < 3:
            raise SplitError("too few images to split", expected="at least 3", found=str(len(table)))
        train, test = train_test_split(
            np.arange(len(table)), test_size=settings.test, random_state=settings.seed
        )
        yield train, test
        return
    least = table["label"].value_counts()
    if least.min() < settings.folds:
        raise SplitError(
            f"too few images of {least.idxmin()!r}",
            expected=f"one for each of {settings.folds} folds",
            found=str(least.min()),
        )
    folds = StratifiedKFold(settings.folds, shuffle=True, random_state=settings.seed)
    for train, test in folds.split(table, table["label"]):
        yield _shuffled(train, settings), test


def _by_patient(table: pd.DataFrame, settings: SplitSettings) -> Iterator[Fold]:
    for train, test in _patient_parts(table, settings):
        yield require_classes(table, Fold(*apart(table, train, settings), test))


def _patient_parts(table: pd.DataFrame, settings: SplitSettings) -> Iterator[tuple[Rows, Rows]]:
    require_patients(table, max(3, settings.folds or 0))
    if settings.folds is None:
        chosen = draw(table, settings.test, np.random.default_rng(settings.seed))
        yield _shuffled(np.flatnonzero(~chosen), settings), np.flatnonzero(chosen)
        return
    for train, test in patient_folds(table["label"], table["patient"], settings.folds, settings.seed):
        yield _shuffled(train, settings), test


def _by_source(table: pd.DataFrame, settings: SplitSettings) -> Iterator[Fold]:
    _require_sources(table)
    for name in table["source"].unique():
        left_out = (table["source"] == name).to_numpy()
        train, test = np.flatnonzero(~left_out), np.flatnonzero(left_out)
        lost = sorted(set(table["label"].unique()) - set(table["label"].iloc[train].unique()))
        if lost:
            raise SplitError(
                f"without the source {name!r} no image of {', '.join(lost)} is left to train on",
                expected="every label in two sources at least",
                remedy="The labels are confounded with the sources: add a source that has both",
            )
        fold = Fold(*apart(table, _shuffled(train, settings), settings), test)
        yield require_classes(table, fold, ("train", "validation"))


def _require_sources(table: pd.DataFrame) -> None:
    if table["source"].nunique() < 2:
        raise SplitError(
            "leaving a source out needs two", expected="at least 2 sources", found=table["source"].iloc[0]
        )
    homes = table.groupby("patient")["source"].nunique()
    if (homes > 1).any():
        raise SplitError(
            "patients are in several sources, so leaving one out does not leave them out",
            found=f"{(homes > 1).sum()} such patients",
            remedy="Select each patient from one source",
        )


def _by_column(table: pd.DataFrame, settings: SplitSettings) -> Iterator[Fold]:
    if "split" not in table:
        raise SplitError("the cohort has no column 'split'", found=", ".join(table.columns))
    unknown = table.loc[~table["split"].isin(PARTS), "split"]
    if len(unknown):
        raise SplitError(
            "the column 'split' holds something else",
            expected=", ".join(PARTS),
            found=f"{unknown.iloc[0]!r} in row {unknown.index[0]}",
        )
    train, held, test = (np.flatnonzero(table["split"] == part) for part in PARTS)
    if len(train) and not len(held):
        train, held = apart(table, _shuffled(train, settings), settings)
    yield require_classes(table, Fold(train, held, test))


def _shuffled(rows: Rows, settings: SplitSettings) -> Rows:
    return np.random.default_rng(settings.seed).permutation(rows)


SPLITTERS: dict[SplitBy, Splitter] = {
    SplitBy.IMAGE: _by_image,
    SplitBy.PATIENT: _by_patient,
    SplitBy.SOURCE: _by_source,
    SplitBy.COLUMN: _by_column,
}
