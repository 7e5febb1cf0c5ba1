"""Predictions made elsewhere: a CSV or Parquet table becomes `Predictions`, and what it lacks is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.errors import CohortError, closest
from hilum.metrics.predictions import PARTS, Predictions

__all__ = ["PredictionsTable", "read_predictions"]

_PREFIX = "probability_"
_SINGLE = "probability"
_FACTS = ("label", "patient", "source", "split")
_STAND_INS = {
    "patient": "each image counts as a patient of its own",
    "source": "all images count as of one source",
    "split": "all images count as test images",
    "fold": "there is one fold",
    "predicted": "the class is decided from the probability",
}


@dataclass(frozen=True, eq=False)
class PredictionsTable:
    """Predictions of a table, and what the table does not say.

    Parameters
    ----------
    predictions : Predictions
    absent : dict of str to str
        Columns that are not in the table, and what stands in for each, for people.
    """

    predictions: Predictions
    absent: dict[str, str]


def read_predictions(
    path: Path | str,
    *,
    classes: Sequence[str] | None = None,
    threshold: float | None = None,
    facts: pd.DataFrame | None = None,
) -> PredictionsTable:
    """Read a table with one row per image, or per image and fold.

    It has the columns ``image``, ``label``, and either ``probability`` (of the positive class) or one
    ``probability_<class>`` per class; where known ``patient``, ``source``, ``split`` (``train``,
    ``validation`` or ``test``), ``fold`` and ``predicted``. Other columns are ignored. What a run keeps in
    ``predictions.csv`` is such a table.

    Parameters
    ----------
    path : Path or str
        A ``.csv`` or ``.parquet`` file.
    classes : sequence of str, optional
        In order; of two, the second is the positive one. The table's own otherwise.
    threshold : float, optional
        Decides where the table has no column ``predicted``: 0.5 for two classes otherwise. The most
        probable one of three classes or more is predicted.
    facts : DataFrame, optional
        A cohort's table (``image``, and some of ``label, patient, source, split``), for the columns that the
        predictions lack.

    Raises
    ------
    CohortError
        If the file is missing or no such table, or it is not clear which class is positive.
    """
    path = Path(path)
    try:
        table = _with_facts(_read(path), facts)
        return _interpreted(table, classes, 0.5 if threshold is None else threshold)
    except CohortError as error:
        error.path = error.path or path
        raise


def _read(path: Path) -> pd.DataFrame:
    if path.suffix.lower() not in {".csv", ".parquet"}:
        raise CohortError(
            "predictions are a CSV or Parquet file",
            expected=".csv or .parquet",
            found=path.suffix or "no suffix",
        )
    if not path.is_file():
        raise CohortError("there are no such predictions", remedy="Check the name.")
    try:
        if path.suffix.lower() == ".csv":
            return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        table = pd.read_parquet(path)
    except (ValueError, OSError) as error:  # what pandas, pyarrow and decoders raise
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        raise CohortError("the table cannot be read", found=cause) from error
    return table.rename(columns=str)


def _with_facts(table: pd.DataFrame, facts: pd.DataFrame | None) -> pd.DataFrame:
    _require(table, "image")
    empty = table["image"].isna()
    if empty.any():
        raise CohortError("a row names no image", found=f"row {int(np.flatnonzero(empty)[0])}")
    table = table.assign(image=table["image"].astype(str))
    if facts is None:
        return table
    known = facts.set_index(facts["image"].astype(str))
    unknown = ~table["image"].isin(known.index)
    if unknown.any():
        raise CohortError(
            f"{int(unknown.sum())} images of the predictions are not in the cohort",
            expected=f"names as {known.index[0]}" if len(known) else None,
            found=table.loc[unknown, "image"].iloc[0],
        )
    wanted = [name for name in _FACTS if name in known and name not in table]
    return table.assign(**{name: known.loc[table["image"], name].to_numpy() for name in wanted})


def _interpreted(table: pd.DataFrame, classes: Sequence[str] | None, threshold: float) -> PredictionsTable:
    _require(table, "label")
    table = table.assign(label=_labels(table))
    names, values = _probabilities(table, None if classes is None else tuple(classes))
    columns = {name: table[name] for name in ("image", "label")}
    columns["patient"] = table.get("patient", table["image"]).fillna(table["image"])
    columns["source"] = table.get("source", pd.Series("not stated", table.index)).fillna("not stated")
    columns["split"] = table.get("split", pd.Series("test", table.index))
    if not columns["split"].isin(PARTS).all():
        found = columns["split"][~columns["split"].isin(PARTS)].iloc[0]
        raise CohortError("an unknown part of the split", expected=" or ".join(PARTS), found=repr(found))
    columns["fold"] = table.get("fold", pd.Series(0, table.index))
    columns["predicted"] = table.get("predicted", _decided(names, values, threshold, table.index))
    probabilities = {_PREFIX + name: values[:, place] for place, name in enumerate(names)}
    absent = {name: told for name, told in _STAND_INS.items() if name not in table}
    return PredictionsTable(Predictions(pd.DataFrame(columns | probabilities), names), absent)


def _labels(table: pd.DataFrame) -> pd.Series:
    empty = table["label"].isna()
    if empty.any():
        raise CohortError(
            f"{int(empty.sum())} images have no label", found=str(table.loc[empty, "image"].iloc[0])
        )
    return table["label"].astype(str)


def _require(table: pd.DataFrame, name: str) -> None:
    if name not in table:
        raise CohortError(
            f"the predictions have no column {name!r}",
            found=", ".join(table.columns)[:200] or "no columns",
            remedy=closest(name, table.columns),
        )


def _probabilities(
    table: pd.DataFrame, classes: tuple[str, ...] | None
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the classes in order, and the probability of each, float64 (n, classes)."""
    own = tuple(name.removeprefix(_PREFIX) for name in map(str, table) if name.startswith(_PREFIX))
    if len(own) >= 2:
        names = classes or own
        if set(names) != set(own):
            raise CohortError("the table has other classes", expected=", ".join(names), found=", ".join(own))
        return names, np.stack([_numbers(table, _PREFIX + name) for name in names], axis=1)
    if not own:
        _require(table, _SINGLE)
    names = classes or _two_classes(table["label"].unique().tolist(), own)
    if len(names) != 2 or (own and own[0] != names[1]):
        raise CohortError(
            "one column of probabilities is that of the positive class of two",
            expected=f"the classes {', '.join(names)}",
            found=_PREFIX + own[0] if own else _SINGLE,
        )
    values = _numbers(table, _PREFIX + own[0] if own else _SINGLE)
    return names, np.stack([1 - values, values], axis=1)


def _two_classes(labels: list[str], positive: tuple[str, ...]) -> tuple[str, ...]:
    """Return the negative and the positive class, where one is named or the labels are 0 and 1."""
    if not positive and set(labels) <= {"0", "1"}:
        return "0", "1"
    negative = [label for label in labels if label not in positive]
    if len(positive) != 1 or len(negative) != 1:
        raise CohortError(
            "it is not clear which class the probability is of",
            found=f"the labels {', '.join(labels[:8])}",
            remedy="Name both classes, the positive one last: --classes Normal,COVID-19.",
        )
    return negative[0], positive[0]


def _numbers(table: pd.DataFrame, column: str) -> NDArray[np.float64]:
    numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64)
    wrong = ~((numbers >= 0) & (numbers <= 1))  # true for NaN
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise CohortError(
            f"the column {column} holds no probabilities",
            expected="numbers in [0, 1]",
            found=f"{table[column].tolist()[row]!r} in row {row}",
            remedy="If these are logits, apply a sigmoid or a softmax.",
        )
    return numbers


def _decided(
    names: tuple[str, ...], values: NDArray[np.float64], threshold: float, index: pd.Index
) -> pd.Series:
    codes = (values[:, 1] >= threshold).astype(int) if len(names) == 2 else values.argmax(axis=1)
    return pd.Series(np.asarray(names, object)[codes], index)
