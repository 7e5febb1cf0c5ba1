"""The table of predictions that every metric starts from, and each class of it against the rest."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.errors import CohortError, RunError
from hilum.files import write_text

__all__ = ["PARTS", "Bools", "Floats", "OneVsRest", "Predictions", "one_vs_rest", "ratio", "slug"]

Bools: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]

PARTS = ("train", "validation", "test")
"""The parts of a split, in the order in which they are shown."""

_TEXT = ("image", "patient", "source", "split", "label", "predicted")
_PREFIX = "probability_"
_SUM_TOLERANCE = 1e-3  # for rounded probabilities


def slug(name: str) -> str:
    """A class name in the form used in names of metrics.

    Examples
    --------
    >>> slug("COVID-19")
    'covid_19'
    """
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of one run, one row per image and fold.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``image, patient, source, split, fold, label``, one ``probability_<class>`` per class
        (in [0, 1], summing to 1 within 0.001) and ``predicted``. ``split`` is one of `PARTS`, ``fold``
        counts from 0, ``label`` and ``predicted`` are names of classes. The table is copied, its columns are
        put in this order.
    classes : tuple of str
        At least two; of two, the second is the positive one.

    Raises
    ------
    CohortError
        If a column is missing, unknown or invalid, if an image appears twice in a fold, or if its label or
        patient differs between folds.

    Examples
    --------
    >>> predictions = Predictions(
    ...     pd.DataFrame({
    ...         "image": ["a.png", "b.png"], "patient": ["1", "2"], "source": "demo", "split": "test",
    ...         "fold": 0, "label": ["normal", "covid"], "probability_normal": [0.9, 0.2],
    ...         "probability_covid": [0.1, 0.8], "predicted": ["normal", "covid"],
    ...     }),
    ...     ("normal", "covid"),
    ... )
    >>> predictions.positive, predictions.labels.tolist()
    ('covid', [0, 1])
    """

    table: pd.DataFrame
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_classes(self.classes)
        table = _typed(self.table, _columns(self.classes))
        _check_values(table, self.classes)
        _check_probabilities(table[[_PREFIX + name for name in self.classes]].to_numpy())
        _check_images(table)
        object.__setattr__(self, "table", table)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that have rows, in the order of `PARTS`."""
        present = set(self.table["split"].unique())
        return tuple(name for name in PARTS if name in present)

    def part(self, name: str) -> Predictions:
        """The rows of one of `PARTS`; no rows if the split does not have it."""
        if name not in PARTS:
            raise ValueError(f"expected a part among {', '.join(PARTS)}, found {name!r}")
        return Predictions(self.table[self.table["split"] == name], self.classes)

    @property
    def positive(self) -> str | None:
        """The positive class of two; None if there are more."""
        return self.classes[1] if len(self.classes) == 2 else None

    @property
    def labels(self) -> NDArray[np.intp]:
        """The true class of each row, as its index in `classes`, (n,)."""
        return self._codes("label")

    @property
    def predicted(self) -> NDArray[np.intp]:
        """The predicted class of each row, as its index in `classes`, (n,)."""
        return self._codes("predicted")

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities float64 (n, k), columns in the order of `classes`."""
        return self.table[[_PREFIX + name for name in self.classes]].to_numpy(np.float64)

    @property
    def images(self) -> NDArray[Any]:
        """The image of each row, (n,)."""
        return self.table["image"].to_numpy(object)

    @property
    def patients(self) -> NDArray[Any]:
        """The patient of each row, (n,)."""
        return self.table["patient"].to_numpy(object)

    def write(self, path: Path) -> None:
        """Write the table as CSV, atomically; `read` restores it bit for bit."""
        # pandas quotes line feeds, but not carriage returns.
        returns = any(self.table[name].str.contains("\r").any() for name in _TEXT)
        quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
        write_text(path, self.table.to_csv(index=False, lineterminator="\n", quoting=quoting))

    @classmethod
    def read(cls, path: Path) -> Predictions:
        """Read what `write` wrote, with the classes of its columns; an invalid file raises `RunError`."""
        try:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)
            classes = tuple(c.removeprefix(_PREFIX) for c in table.columns if c.startswith(_PREFIX))
            return cls(table, classes)
        except CohortError as error:
            raise RunError(error.what, path=path, expected=error.expected, found=error.found) from error
        except (OSError, ValueError) as error:
            raise RunError("predictions cannot be read", path=path, found=str(error)) from error

    def _codes(self, column: str) -> NDArray[np.intp]:
        return pd.Index(self.classes).get_indexer(pd.Index(self.table[column]))


def _columns(classes: tuple[str, ...]) -> list[str]:
    probabilities = [_PREFIX + name for name in classes]
    return ["image", "patient", "source", "split", "fold", "label", *probabilities, "predicted"]


def _check_classes(classes: tuple[str, ...]) -> None:
    slugs = {slug(name) for name in classes}
    if len(classes) < 2 or len(slugs) < len(classes) or "" in slugs:
        raise CohortError(
            "the class names are not distinct",
            expected="two or more names that differ in letters or digits",
            found=", ".join(map(repr, classes)) or "none",
        )


def _typed(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """A copy of `table` with exactly `columns`, typed, with rows numbered from 0."""
    if set(table.columns) != set(columns):
        raise CohortError(
            "predictions have the wrong columns",
            expected=", ".join(columns),
            found=", ".join(map(str, table.columns)),
        )
    if table[columns].isna().to_numpy().any():
        raise CohortError("predictions have missing values")
    types = {name: str if name in _TEXT else np.int64 if name == "fold" else np.float64 for name in columns}
    try:
        return table[columns].astype(types).reset_index(drop=True)
    except ValueError as error:
        raise CohortError("predictions have values that are not numbers", found=str(error)) from error


def _check_values(table: pd.DataFrame, classes: tuple[str, ...]) -> None:
    for column, allowed in (("split", PARTS), ("label", classes), ("predicted", classes)):
        unknown = set(table[column].unique()) - set(allowed)
        if unknown:
            raise CohortError(
                f"unknown {column}", expected=" or ".join(allowed), found=", ".join(sorted(unknown))
            )
    if (table["fold"] < 0).any():
        raise CohortError("folds count from 0", found=str(table["fold"].min()))


def _check_probabilities(probabilities: NDArray[np.float64]) -> None:
    inside = (probabilities >= 0) & (probabilities <= 1)
    if not inside.all():
        raise CohortError("a probability lies outside [0, 1]", found=str(probabilities[~inside][0]))
    off = np.abs(probabilities.sum(axis=1) - 1) > _SUM_TOLERANCE
    if off.any():
        raise CohortError(
            "the probabilities of a row do not sum to 1", found=str(probabilities[off][0].sum())
        )


def _check_images(table: pd.DataFrame) -> None:
    twice = table.duplicated(["image", "fold"])
    if twice.any():
        raise CohortError("an image appears twice in a fold", found=table.loc[twice, "image"].iloc[0])
    facts = table[["image", "label", "patient"]].drop_duplicates()
    differ = facts.duplicated("image")
    if differ.any():
        raise CohortError(
            "an image's label or patient differs between folds", found=facts.loc[differ, "image"].iloc[0]
        )


@dataclass(frozen=True, eq=False)
class OneVsRest:
    """One class, taken as positive, against all others.

    Parameters
    ----------
    name : str
    actual : ndarray of bool, shape (n,)
        Rows whose label is the class.
    predicted : ndarray of bool, shape (n,)
        Rows predicted to be of the class.
    score : ndarray of float64, shape (n,)
        Probability of the class.
    """

    name: str
    actual: Bools
    predicted: Bools
    score: Floats

    @property
    def denominators(self) -> dict[str, Bools]:
        """The rows that each proportion is a share of."""
        return {
            "sensitivity": self.actual,
            "specificity": ~self.actual,
            "ppv": self.predicted,
            "npv": ~self.predicted,
        }

    def values(self, weights: Floats) -> dict[str, Floats]:
        """All metrics of the class, (b,) each, for weights (b, n) of the rows."""
        true, false = self._cumulative_positives(weights)
        areas = {"roc_auc": _roc_auc(true, false), "pr_auc": _average_precision(true, false)}
        return self._rates(weights) | areas

    def roc_auc(self, weights: Floats) -> Floats:
        """Area under the ROC curve, (b,); ties count half."""
        return _roc_auc(*self._cumulative_positives(weights))

    def pr_auc(self, weights: Floats) -> Floats:
        """Average precision, (b,): the precision at each threshold, weighted by the step in recall."""
        return _average_precision(*self._cumulative_positives(weights))

    def _rates(self, weights: Floats) -> dict[str, Floats]:
        true_positives, true_negatives, actual, predicted = (weights @ self._counts).T
        total = weights.sum(axis=1)
        return {
            "sensitivity": ratio(true_positives, actual),
            "specificity": ratio(true_negatives, total - actual),
            "ppv": ratio(true_positives, predicted),
            "npv": ratio(true_negatives, total - predicted),
            "f1": ratio(2 * true_positives, actual + predicted),
        }

    @cached_property
    def _counts(self) -> Floats:
        """Indicators (n, 4): true positive, true negative, of the class, predicted as the class."""
        counted = self.actual & self.predicted, ~self.actual & ~self.predicted, self.actual, self.predicted
        return np.stack(counted, axis=1).astype(np.float64)

    @cached_property
    def _sorted(self) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Rows of the class and of the rest, by falling score, and how many of them reach each threshold."""
        order = np.argsort(-self.score, kind="stable")
        score, actual = self.score[order], self.actual[order]
        ends = np.flatnonzero(np.append(score[1:] != score[:-1], True)) if score.size else order
        return [(order[side], np.append(0, np.cumsum(side)[ends])) for side in (actual, ~actual)]

    def _cumulative_positives(self, weights: Floats) -> tuple[Floats, Floats]:
        """True and false positives (b, thresholds + 1), from none predicted positive to all."""
        true, false = (_weights_above(weights, *side) for side in self._sorted)
        return true, false


def one_vs_rest(predictions: Predictions) -> list[OneVsRest]:
    """Each class against the rest; of two classes, the positive one alone."""
    labels, predicted, probabilities = predictions.labels, predictions.predicted, predictions.probabilities
    return [
        OneVsRest(name, labels == code, predicted == code, probabilities[:, code])
        for code, name in enumerate(predictions.classes)
        if predictions.positive in (None, name)
    ]


def ratio(part: Floats, whole: Floats) -> Floats:
    """`part` over `whole`, NaN where `whole` is 0."""
    unknown: Floats = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.divide(part, whole, out=unknown, where=whole != 0)


def _weights_above(weights: Floats, rows: NDArray[np.intp], counts: NDArray[np.intp]) -> Floats:
    """Summed weights of the first `counts` of `rows`, (b, len(counts))."""
    cumulative = np.zeros((len(weights), len(rows) + 1))
    np.cumsum(weights[:, rows], axis=1, out=cumulative[:, 1:])
    return np.take(cumulative, counts, axis=1)


def _roc_auc(true_positives: Floats, false_positives: Floats) -> Floats:
    heights = (true_positives[:, 1:] + true_positives[:, :-1]) / 2
    area = np.einsum("bt,bt->b", heights, np.diff(false_positives, axis=1))
    return ratio(area, true_positives[:, -1] * false_positives[:, -1])


def _average_precision(true_positives: Floats, false_positives: Floats) -> Floats:
    positives = true_positives + false_positives
    # Above the first row of positive weight nothing is predicted positive, and recall takes no step.
    precision = np.divide(true_positives, positives, out=positives, where=positives > 0)
    area = np.einsum("bt,bt->b", precision[:, 1:], np.diff(true_positives, axis=1))
    one_class = false_positives[:, -1] == 0
    return np.where(one_class, np.nan, ratio(area, true_positives[:, -1]))
