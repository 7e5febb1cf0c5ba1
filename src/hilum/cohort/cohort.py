"""A cohort: one table row per image in use, and one per excluded image with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hilum.cohort.tables import RESERVED, read_table, typed, write_table
from hilum.errors import CohortError

__all__ = ["Cohort", "Reason"]


class Reason(StrEnum):
    """Why an image is excluded, worded for reports; the row's `detail` adds specifics."""

    CT = "CT"
    """Computed tomography, not a projection."""
    LATERAL_VIEW = "lateral view"
    MISSING_FILE = "missing file"
    """The collection lists an image that is not on disk."""
    UNREADABLE = "unreadable"
    """The file yields no radiograph."""
    DUPLICATE = "duplicate"
    """Same bytes as an earlier image, which `detail` names; or a file that is listed twice."""
    NO_LABEL = "no label"
    UNCERTAIN_LABEL = "uncertain label"
    """The collection marks the label as undecided."""
    NOT_SELECTED = "not selected"
    BEYOND_LIMIT = "beyond the limit"


_REQUIRED = ("image", "label", "patient", "source")
_EXCLUSION = ("image", "source", "reason", "detail")
_OLDEST_YEARS = 130.0
_NOT_BELOW = re.compile(r"(^|/)\.{0,2}(/|$)|^[A-Za-z]:|^\\\\")
"""Matches an empty step (and so an absolute path), ``.``, ``..`` and a drive."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Images with their labels, patients and sources, and the excluded images with the reasons.

    Parameters
    ----------
    table : DataFrame
        Rows in use. ``image`` (path below `root` with ``/``, unique), ``label``, ``patient`` (pseudonymous
        key, unique across sources) and ``source``; where known ``view``, ``age`` (years), ``sex`` (``F`` or
        ``M``), ``split``, ``sha256`` (of the file's bytes); and any other columns.
    exclusions : DataFrame
        ``image``, ``source``, ``reason`` (a `Reason`) and ``detail``.
    root : Path
        Folder that the paths are relative to.

    Raises
    ------
    CohortError
        If a column is missing or a value is not allowed.

    Examples
    --------
    >>> table = pd.DataFrame({"image": ["a/1.png", "a/2.png"], "label": ["COVID-19", "Normal"],
    ...                       "patient": ["a:1", "a:2"], "source": "a"})
    >>> cohort = Cohort.of(table, Path("data"))
    >>> cohort.exclude([1], Reason.UNREADABLE, "empty file").exclusions["image"].tolist()
    ['a/2.png']
    """

    table: pd.DataFrame
    exclusions: pd.DataFrame
    root: Path

    def __post_init__(self) -> None:
        _check_columns(self.table, _REQUIRED, "the cohort's table")
        _check_columns(self.exclusions, _EXCLUSION, "the cohort's exclusions")
        exclusions = typed(self.exclusions[list(_EXCLUSION)].astype("str"))
        object.__setattr__(self, "table", typed(self.table))
        object.__setattr__(self, "exclusions", exclusions.astype("str").fillna({"detail": ""}))
        object.__setattr__(self, "root", Path(self.root))
        _check_values(self.table)
        _check_reasons(self.exclusions)

    @classmethod
    def of(cls, table: pd.DataFrame, root: Path) -> Cohort:
        """Make a cohort without exclusions."""
        return cls(table, pd.DataFrame(columns=list(_EXCLUSION), dtype="str"), root)

    @classmethod
    def read(cls, path: Path, root: Path) -> Cohort:
        """Read a CSV or Parquet file that `write` made, or a plain table with the required columns."""
        try:
            return cls(*read_table(path), root)
        except CohortError as error:
            if error.path is None:
                error.path = path
            raise

    def write(self, path: Path) -> None:
        """Write everything except `root` to a ``.csv`` or ``.parquet`` file, atomically.

        `read` restores an equal cohort, types included.
        """
        write_table(path, self.table, self.exclusions)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def paths(self) -> list[Path]:
        """The image files, in row order."""
        return [self.root / image for image in self.table["image"].tolist()]

    def exclude(self, rows: ArrayLike, reason: Reason, detail: str | Sequence[str] = "") -> Cohort:
        """Return the cohort without `rows` (positions or a boolean mask), which are recorded as exclusions.

        `detail` is one text for all rows, or one per row.
        """
        positions = np.asarray(rows)
        positions = np.flatnonzero(positions) if positions.dtype == bool else positions.astype(np.int64)
        excluded = self.table.iloc[positions][["image", "source"]].assign(reason=reason.value, detail=detail)
        exclusions = pd.concat([self.exclusions, excluded], ignore_index=True)
        kept = np.setdiff1d(np.arange(len(self)), positions)
        return Cohort(self.table.iloc[kept], exclusions, self.root)

    def summary(self) -> pd.DataFrame:
        """Count what is in use: ``label, source, images, patients``, in order of first appearance."""
        groups = self.table.groupby(["label", "source"], sort=False)
        return groups.agg(images=("image", "size"), patients=("patient", "nunique")).reset_index()


def _check_columns(table: pd.DataFrame, required: tuple[str, ...], what: str) -> None:
    missing = [name for name in required if name not in table]
    if missing:
        raise CohortError(
            f"{what} lacks {_joined(missing)}",
            expected=_joined(required),
            found=_joined(table.columns) or "no columns",
        )
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise CohortError(f"{what} has several columns of the same name", found=_joined(twice))
    reserved = [name for name in RESERVED if name in table]
    if reserved:
        raise CohortError(f"{what} has columns with reserved names", found=_joined(reserved))


def _check_values(table: pd.DataFrame) -> None:
    for name in _REQUIRED:
        empty = table[name].isna() | (table[name].str.strip() == "")
        _refuse(table, empty, f"the {name} is empty", shown="image")
    image = table["image"]
    _refuse(table, image.duplicated(), "an image is listed twice")
    outside = image.map(lambda path: _NOT_BELOW.search(path) is not None).astype(bool)
    _refuse(table, outside, "an image path must stay below the data folder")
    if "sex" in table:
        _refuse(
            table,
            ~table["sex"].isin(["F", "M"]) & table["sex"].notna(),
            "the sex must be F or M",
            shown="sex",
        )
    if "age" in table:
        outside = ~table["age"].between(0, _OLDEST_YEARS) & table["age"].notna()
        _refuse(table, outside, f"the age must be in years from 0 to {_OLDEST_YEARS:.0f}", shown="age")


def _check_reasons(exclusions: pd.DataFrame) -> None:
    unknown = ~exclusions["reason"].isin([str(reason) for reason in Reason])
    if unknown.any():
        raise CohortError(
            "the reason of an exclusion is unknown",
            expected=_joined(Reason),
            found=repr(exclusions.loc[unknown, "reason"].iloc[0]),
        )


def _refuse(table: pd.DataFrame, wrong: pd.Series, what: str, shown: str = "image") -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        more = "" if wrong.sum() == 1 else f", and {wrong.sum() - 1} more"
        value = table[shown].tolist()[row]  # a Python number, not a NumPy one
        raise CohortError(what, found=f"{value!r} in row {row}{more}")


def _joined(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))
