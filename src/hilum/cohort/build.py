"""From a recipe's selections to a cohort."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from hilum.cohort.admission import Admission
from hilum.cohort.cohort import Cohort
from hilum.cohort.ledger import Ledger
from hilum.cohort.reason import Reason
from hilum.cohort.sources import source
from hilum.errors import CohortError, closest
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import CohortSettings, Selection

__all__ = ["build"]


def build(settings: CohortSettings, data: Path, progress: Progress = SILENT) -> Cohort:
    """Select the rows that a recipe states, in its order.

    A selection keeps the rows that `where` allows, drops files with the bytes of an earlier row (unless
    duplicates are kept), and then takes the first `limit`. Every row of the sources that no selection takes
    is in the exclusions with its reason.

    Parameters
    ----------
    settings : CohortSettings
    data : Path
        Folder that holds the collections.
    progress : Progress

    Returns
    -------
    Cohort
        With the column ``sha256``, and labels among ``settings.classes``.

    Raises
    ------
    CohortError
        If a selection matches nothing, names an unknown column, or two selections give one image two labels.
    SourceError
        If a collection is not there, or an option is unknown.
    """
    ledger = Ledger()
    admission = Admission(data, drop=settings.duplicates == "drop", ledger=ledger)
    collections: dict[str, Cohort] = {}
    parts = []
    for selection in settings.select:
        collection = _read_once(collections, selection, data, progress)
        rows = _matching(collection.table, selection, settings.classes, ledger)
        parts.append(admission.admit(rows, selection.limit, progress, f"Hashing {selection.source}"))
    table = pd.concat(parts, ignore_index=True)
    unusable = [collection.exclusions for collection in collections.values()]
    exclusions = pd.concat([*unusable, ledger.exclusions(set(table["image"].tolist()))], ignore_index=True)
    return Cohort(table, exclusions.drop_duplicates(), data)


def _read_once(
    collections: dict[str, Cohort], selection: Selection, data: Path, progress: Progress
) -> Cohort:
    key = f"{selection.source} {sorted(selection.options.items())}"
    if key not in collections:
        collections[key] = source(selection.source).read(data, progress, **selection.options)
    return collections[key]


def _matching(table: pd.DataFrame, selection: Selection, classes: list[str], ledger: Ledger) -> pd.DataFrame:
    """Rows that `where` allows, with the selection's label, or their own where that is a class."""
    rows = table
    for column, values in selection.where.items():
        rows = _keep(rows, column, _allowed(rows, column, values, selection), ledger)
    if selection.label is None:
        rows = _keep(rows, "label", rows["label"].isin(classes), ledger)
    if rows.empty:
        raise CohortError(
            f"the selection from {selection.source!r} matches nothing",
            expected=_stated(selection, classes),
            found=f"{len(table)} usable images, none of them such",
            remedy=_hint(table, selection.where or {"label": classes}),
        )
    return rows if selection.label is None else rows.assign(label=selection.label)


def _keep(rows: pd.DataFrame, column: str, allowed: pd.Series, ledger: Ledger) -> pd.DataFrame:
    others = rows[~allowed]
    lateral = (others[column] == "lateral") & (column == "projection")
    ledger.note(others[lateral], Reason.LATERAL_VIEW)
    shown = column + " is " + others[column].astype("str").fillna("not known")
    ledger.note(others[~lateral], Reason.NOT_SELECTED, shown[~lateral])
    return rows[allowed]


def _allowed(rows: pd.DataFrame, column: str, values: list[str], selection: Selection) -> pd.Series:
    if column not in rows:
        raise CohortError(
            f"`where` names no column of {selection.source!r}: {column!r}",
            expected=", ".join(rows.columns),
            remedy=closest(column, rows.columns),
        )
    if pd.api.types.is_float_dtype(rows[column]):
        numbers = pd.to_numeric(pd.Series(values), errors="coerce").dropna()
        return rows[column].isin(numbers)
    return rows[column].astype("str").isin(values)


def _stated(selection: Selection, classes: list[str]) -> str:
    where = selection.where | ({} if selection.label else {"label": classes})
    return " and ".join(f"{column} {' or '.join(values)}" for column, values in where.items())


def _hint(table: pd.DataFrame, where: dict[str, list[str]]) -> str | None:
    """Tell what a column holds instead of the first value that is not in it."""
    for column, values in where.items():
        here = list(dict.fromkeys(np.asarray(table[column].dropna().astype("str"))))
        for value in values:
            if value not in here:
                return closest(value, here) or f"The column {column} holds {', '.join(here[:12])}"
    return None
