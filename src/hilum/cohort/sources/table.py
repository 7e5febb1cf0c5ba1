"""The user's own CSV table, whose columns options name."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pandas as pd

from hilum.cohort.cohort import Reason
from hilum.cohort.sources.source import Source, below, exclude, read_csv
from hilum.errors import SourceError, closest

__all__ = ["TABLE", "table_rows"]

_NEEDED = ("image", "label", "patient")
_COLUMNS = (*_NEEDED, "source", "view", "age", "sex", "split")
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}


def table_rows(
    data: Path, path: str = "cohort.csv", name: str = "table", images: str = "", **columns: str
) -> pd.DataFrame:
    """List the rows of the CSV table at `path` below `data`.

    `name` is the source of rows that state none. Image paths are relative to the folder `images` below
    `data`, by default the table's own. `columns` names the table's columns that have another name than
    ``image``, ``label``, ``patient`` (these are required), ``source``, ``view``, ``age``, ``sex`` or
    ``split``. Patients must be pseudonyms: they are kept unchanged.
    """
    file = below(data, path)
    table = read_csv(file, ())
    _require(table, columns, file)
    rows = table.drop(columns=[one for one in columns if one in table])
    for column, own in columns.items():
        rows[column] = table[own]
    folder = images or PurePosixPath(path).parent.as_posix()
    below(data, folder)
    _place(rows, PurePosixPath(folder), data)
    _normalise(rows, name, file)
    return rows


def _require(table: pd.DataFrame, columns: dict[str, str], file: Path) -> None:
    for column, own in ({one: one for one in _NEEDED} | columns).items():
        if own not in table:
            hint = "If patients are unknown, `patient: image` counts each image as one"
            raise SourceError(
                f"no column {own!r} for the {column}",
                path=file,
                found=", ".join(table.columns) or "no columns",
                remedy=closest(own, table.columns) or (hint if column == "patient" else None),
            )


def _place(rows: pd.DataFrame, base: PurePosixPath, data: Path) -> None:
    named = rows["image"].notna()
    rows["image"] = [(base / name).as_posix() for name in rows["image"].fillna("")]
    exclude(rows, ~named, Reason.MISSING_FILE, "the table names no file")
    exclude(rows, ~rows["image"].map(lambda name: (data / name).is_file()).astype(bool), Reason.MISSING_FILE)
    exclude(rows, rows["label"].isna(), Reason.NO_LABEL)


def _normalise(rows: pd.DataFrame, name: str, file: Path) -> None:
    rows["source"] = rows["source"].fillna(name) if "source" in rows else name
    rows["finding"] = rows.get("finding", rows["label"])
    # A row without a patient counts as a patient of its own.
    rows["patient"] = rows["patient"].fillna(rows["image"])
    if "sex" in rows:
        rows["sex"] = rows["sex"].str.lower().map(_SEXES).astype("str")
    if "age" in rows:
        years = pd.to_numeric(rows["age"], errors="coerce")
        odd = rows.loc[years.isna() & rows["age"].notna(), "age"]
        if len(odd):
            raise SourceError(
                "the age is not a number of years", path=file, found=f"{odd.iloc[0]!r} in row {odd.index[0]}"
            )
        rows["age"] = years


TABLE = Source(
    name="table",
    title="your own CSV table",
    layout=(
        "a CSV file with one row per image; options: path (the table), images (folder of the images), "
        f"name (of the source), and the columns that hold {', '.join(_COLUMNS)}"
    ),
    rows=table_rows,
    options=("path", "name", "images", *_COLUMNS),
)
