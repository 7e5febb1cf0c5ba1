"""What one plain fact, such as the age or a file's format, tells of the label by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.audit.contest import Contest, contest
from hilum.audit.picture import Grid
from hilum.audit.rules import FEWEST_IMAGES
from hilum.audit.subject import Subject

__all__ = ["alone", "bands", "by_label", "column"]

_BANDS = 10
_MOST_VALUES = 20
"""Numbers with more values than this are cut into bands."""
_DECIMALS = 9  # equal shares of different folds differ in the last bits
_UNKNOWN = "not known"


def column(subject: Subject, name: str) -> pd.Series:
    """Return a column of the table in `subject.rows`, numbered from 0; all missing where there is none."""
    table = subject.table.iloc[subject.rows].reset_index(drop=True)
    return table[name] if name in table else pd.Series(np.nan, index=table.index, name=name)


def bands(values: pd.Series) -> pd.Series:
    """Name the group of each value: the value itself, or of many numbers their tenth.

    Parameters
    ----------
    values : Series

    Returns
    -------
    Series of str
        Missing where the value is.

    Examples
    --------
    >>> bands(pd.Series(["PA", None])).tolist()
    ['PA', nan]
    >>> bands(pd.Series(range(100))).iloc[[0, 99]].tolist()
    ['0 to 9.9', '89.1 to 99']
    """
    if not pd.api.types.is_numeric_dtype(values):
        return values.astype("str")
    if values.nunique() <= _MOST_VALUES:
        return values.map(_shown, na_action="ignore").astype("str")
    cut = pd.qcut(values.astype("float64"), _BANDS, duplicates="drop")
    low, high = float(values.min()), float(values.max())
    names = [f"{_shown(max(one.left, low))} to {_shown(min(one.right, high))}" for one in cut.cat.categories]
    return cut.cat.rename_categories(names).astype("str")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def alone(subject: Subject, values: pd.Series, name: str) -> Contest | None:
    """Predict the label from one fact, and compare with the whole image on the same rows.

    Only rows where the fact is known take part: that it is known for one class alone tells of the table, not
    of the fact. The prediction is how often each label has the value among the other folds' rows.

    Parameters
    ----------
    subject : Subject
    values : Series, length rows
        Of `subject.rows`.
    name : str
        For the random numbers.

    Returns
    -------
    Contest or None
        None where the fact is known for too few images of a label.
    """
    groups = bands(values)
    known = groups.notna().to_numpy()
    labels = subject.labels[subject.rows]
    counts = np.bincount(labels[known], minlength=len(subject.classes))
    if counts.min() < FEWEST_IMAGES:
        return None
    return contest(subject, _frequencies(subject, groups, known), name, known)


def _frequencies(subject: Subject, groups: pd.Series, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each label among the other folds' rows of the same group, and one more row that is average.

    Labels weigh as in all folds together, so that a fact that tells nothing predicts the same in each.
    """
    codes, values = pd.factorize(groups)
    truth = np.eye(len(subject.classes))[subject.labels[subject.rows]]
    average = truth[known].mean(axis=0)
    found = np.tile(average, (len(codes), 1))
    for fold in subject.folds:
        train = np.concatenate([fold.train, fold.validation])
        train, test = train[known[train]], fold.test[known[fold.test]]
        weights = average * len(train) / np.maximum(truth[train].sum(axis=0), 1)
        counts = np.zeros((len(values), len(average)))
        np.add.at(counts, codes[train], truth[train] * weights)
        counts += average
        found[test] = (counts / counts.sum(axis=1, keepdims=True))[codes[test]]
    return found.round(_DECIMALS)


def by_label(subject: Subject, values: pd.Series, title: str, most: int = 10) -> Grid:
    """Count images by a fact's values and label: numbers in their order, names from the commonest on."""
    groups = bands(values).fillna(_UNKNOWN)
    labels = np.asarray(subject.classes, object)[subject.labels[subject.rows]]
    counts = pd.crosstab(groups.to_numpy(object), labels).reindex(columns=list(subject.classes), fill_value=0)
    counts = counts.loc[_order(values, groups)]
    lines = zip(counts.index, counts.to_numpy(), strict=True)
    rows = [(str(value), *map(str, line)) for value, line in lines]
    if len(rows) > most + 1:
        others = counts.iloc[most:].sum().tolist()
        rows = [*rows[:most], (f"{len(counts) - most} others", *map(str, others))]
    return Grid(title, ("", *subject.classes), tuple(rows))


def _order(values: pd.Series, groups: pd.Series) -> list[str]:
    if pd.api.types.is_numeric_dtype(values):
        return groups.loc[values.sort_values().index].drop_duplicates().tolist()
    return groups.value_counts().index.tolist()
