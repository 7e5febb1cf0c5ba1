"""The table of a study: one row per image, and one per image left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    """The closed set of reasons, in words for a report; the row's `detail` says the rest."""

    CT = "CT"
    """A computed tomography, not a projection."""
    LATERAL_VIEW = "lateral view"
    MISSING_FILE = "missing file"
    """The collection lists an image that is not on disk."""
    UNREADABLE = "unreadable"
    """The file gives no radiograph."""
    DUPLICATE = "duplicate"
    """The same bytes as an earlier image, or the same file listed twice; `detail` names the earlier one."""
    NO_LABEL = "no label"
    UNCERTAIN_LABEL = "uncertain label"
    """The collection itself marks the label as open."""
    NOT_SELECTED = "not selected"
    BEYOND_LIMIT = "beyond the limit"


_REQUIRED = ("image", "label", "patient", "source")
_EXCLUSION = ("image", "source", "reason", "detail")
_OLDEST_YEARS = 130.0
_ELSEWHERE = re.compile(r"(^|/)\.{0,2}(/|$)|^[A-Za-z]:|^\\\\")
"""An empty step (so also a path from the root), ``.`` or ``..``, or a drive."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Images with their labels, patients and sources, and the images left out with the reason.

    Parameters
    ----------
    table : DataFrame
        Rows in use, in order. ``image`` (path below `root` with ``/``, unique), ``label``, ``patient``
        (pseudonymous key, unique across sources) and ``source``; where known ``view``, ``age`` (years),
        ``sex`` (``F`` or ``M``), ``split``, ``sha256`` (of the file's bytes), and any other columns.
    exclusions : DataFrame
        ``image``, ``source``, ``reason`` (a `Reason`) and ``detail``, in order.
    root : Path
        Folder that the paths start from.

    Raises
    ------
    CohortError
        If a column is missing or a value is not allowed.

    Examples
    --------
    >>> table = pd.DataFrame({"image": ["a/1.png", "a/2.png"], "label": ["ill", "well"],
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
        """Make a cohort from which nothing is excluded."""
        return cls(table, pd.DataFrame(columns=list(_EXCLUSION), dtype="str"), root)

    @classmethod
    def read(cls, path: Path, root: Path) -> Cohort:
        """Read a CSV or Parquet file that `write` left, or a plain table with the same columns.

        Raises
        ------
        CohortError
            If the file is missing, damaged, or no cohort.
        """
        try:
            return cls(*read_table(path), root)
        except CohortError as error:
            if error.path is None:
                error.path = path
            raise

    def write(self, path: Path) -> None:
        """Write everything except `root` to a ``.csv`` or ``.parquet`` file, whole or not at all.

        `read` gives the same cohort back, types included.
        """
        write_table(path, self.table, self.exclusions)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def paths(self) -> list[Path]:
        """The images' files, in the order of the rows."""
        return [self.root / image for image in self.table["image"].tolist()]

    def exclude(self, rows: ArrayLike, reason: Reason, detail: str | Sequence[str] = "") -> Cohort:
        """Take rows out of use, and record why.

        Parameters
        ----------
        rows : array_like
            Positions in the table, or a boolean mask over it.
        reason : Reason
        detail : str or sequence of str
            One for all, or one for each of `rows` in order.

        Returns
        -------
        Cohort
        """
        places = np.asarray(rows)
        places = np.flatnonzero(places) if places.dtype == bool else places.astype(np.int64)
        left = self.table.iloc[places][["image", "source"]].assign(reason=reason.value, detail=detail)
        exclusions = pd.concat([self.exclusions, left], ignore_index=True)
        kept = np.setdiff1d(np.arange(len(self)), places)
        return Cohort(self.table.iloc[kept], exclusions, self.root)

    def summary(self) -> pd.DataFrame:
        """Count what is in use.

        Returns
        -------
        DataFrame
            ``label, source, images, patients``, in the table's order of labels and sources.
        """
        groups = self.table.groupby(["label", "source"], sort=False)
        return groups.agg(images=("image", "size"), patients=("patient", "nunique")).reset_index()

    def excluded(self) -> pd.DataFrame:
        """Count what is left out: ``source, reason, images``, in the order of first appearance."""
        return self.exclusions.groupby(["source", "reason"], sort=False).size().reset_index(name="images")


def _check_columns(table: pd.DataFrame, required: tuple[str, ...], what: str) -> None:
    missing = [name for name in required if name not in table]
    if missing:
        raise CohortError(
            f"{what} lacks {_listed(missing)}",
            expected=_listed(required),
            found=_listed(table.columns) or "no columns",
        )
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise CohortError(f"{what} has columns of the same name", found=_listed(twice))
    taken = [name for name in RESERVED if name in table]
    if taken:
        raise CohortError(f"{what} has columns that files of cohorts reserve", found=_listed(taken))


def _check_values(table: pd.DataFrame) -> None:
    for name in _REQUIRED:
        empty = table[name].isna() | (table[name].str.strip() == "")
        _refuse(table, empty, f"the {name} is empty", shown="image")
    image = table["image"]
    _refuse(table, image.duplicated(), "an image is listed twice")
    elsewhere = image.map(lambda path: _ELSEWHERE.search(path) is not None).astype(bool)
    _refuse(table, elsewhere, "a path must lead down from the data folder")
    if "sex" in table:
        _refuse(table, ~table["sex"].isin(["F", "M"]) & table["sex"].notna(), "sex is F or M", shown="sex")
    if "age" in table:
        outside = ~table["age"].between(0, _OLDEST_YEARS) & table["age"].notna()
        _refuse(table, outside, f"age is in years from 0 to {_OLDEST_YEARS:.0f}", shown="age")


def _check_reasons(exclusions: pd.DataFrame) -> None:
    unknown = ~exclusions["reason"].isin([str(reason) for reason in Reason])
    if unknown.any():
        raise CohortError(
            "the reason of an exclusion is unknown",
            expected=_listed(Reason),
            found=repr(exclusions.loc[unknown, "reason"].iloc[0]),
        )


def _refuse(table: pd.DataFrame, wrong: pd.Series, what: str, shown: str = "image") -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        more = "" if wrong.sum() == 1 else f", and {wrong.sum() - 1} more"
        value = table[shown].tolist()[row]  # Python's own number, not NumPy's
        raise CohortError(what, found=f"{value!r} in row {row}{more}")


def _listed(names: object) -> str:
    return ", ".join(str(name) for name in names)  # type: ignore[attr-defined]
