"""One splitter for each way in which parts are kept apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold, train_test_split

from hilum.cohort.split import validation
from hilum.cohort.split.fold import PARTS, Fold, Rows, require_classes
from hilum.cohort.split.folds import patient_folds
from hilum.cohort.split.patients import draw, require_patients
from hilum.errors import SplitError
from hilum.recipe.settings import SplitBy, SplitSettings

__all__ = ["SPLITTERS", "split"]

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
        yield require_classes(table, Fold(*validation.by_image(table, train, settings), test))


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
        yield require_classes(table, Fold(*validation.apart(table, train, settings), test))


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
        fold = Fold(*validation.apart(table, _shuffled(train, settings), settings), test)
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
        train, held = validation.apart(table, _shuffled(train, settings), settings)
    yield require_classes(table, Fold(train, held, test))


def _shuffled(rows: Rows, settings: SplitSettings) -> Rows:
    return np.random.default_rng(settings.seed).permutation(rows)


SPLITTERS: dict[SplitBy, Splitter] = {
    SplitBy.IMAGE: _by_image,
    SplitBy.PATIENT: _by_patient,
    SplitBy.SOURCE: _by_source,
    SplitBy.COLUMN: _by_column,
}
