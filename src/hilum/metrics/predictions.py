"""What a classifier said about each image: the table that every figure here starts from."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.errors import CohortError, RunError
from hilum.files import write_text

__all__ = ["PARTS", "Predictions", "slug"]


PARTS = ("train", "validation", "test")
"""The parts of a split, in the order in which they are shown."""

_TEXT = ("image", "patient", "source", "split", "label", "predicted")
_PREFIX = "probability_"
_SUM_TOLERANCE = 1e-3  # probabilities may have been rounded on their way


def slug(name: str) -> str:
    """A class's name as it stands in names of metrics.

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
        counts from 0, ``label`` and ``predicted`` are names of classes. Copied, and put in this order.
    classes : tuple of str
        At least two; of two, the second is the positive one.

    Raises
    ------
    CohortError
        If a column is missing, unknown or of wrong content, if an image stands twice in a fold, or if
        its label or patient differs between folds.

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
        """The rows of one part; none if the split has no such part.

        Raises
        ------
        ValueError
            If `name` is not one of `PARTS`.
        """
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
        """Write the table as CSV, whole or not at all; `read` gives it back to the last bit."""
        # The writer quotes line feeds by itself, but not carriage returns.
        returns = any(self.table[name].str.contains("\r").any() for name in _TEXT)
        quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
        write_text(path, self.table.to_csv(index=False, lineterminator="\n", quoting=quoting))

    @classmethod
    def read(cls, path: Path) -> Predictions:
        """Read what `write` wrote; the probability columns give the classes.

        Raises
        ------
        RunError
            If the file is missing, no CSV, or not a valid table of predictions.
        """
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
            "the classes cannot be told apart",
            expected="two or more names that differ in letters or digits",
            found=", ".join(map(repr, classes)) or "none",
        )


def _typed(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Copy `table` with exactly `columns`, each of its type, rows numbered from 0."""
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
        raise CohortError("predictions have values that are no numbers", found=str(error)) from error


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
        raise CohortError("probabilities of a row do not sum to 1", found=str(probabilities[off][0].sum()))


def _check_images(table: pd.DataFrame) -> None:
    twice = table.duplicated(["image", "fold"])
    if twice.any():
        raise CohortError("an image stands twice in a fold", found=table.loc[twice, "image"].iloc[0])
    facts = table[["image", "label", "patient"]].drop_duplicates()
    differ = facts.duplicated("image")
    if differ.any():
        raise CohortError(
            "an image's label or patient differs between folds", found=facts.loc[differ, "image"].iloc[0]
        )
