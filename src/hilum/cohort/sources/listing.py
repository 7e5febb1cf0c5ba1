"""What sources share: a listing of rows, and the files of a folder.

A *listing* is a table of everything that a collection names, in its order. ``image`` is relative to the
collection's folder; ``exclusion`` is missing for a row that can be used, else a `Reason`, and
``exclusion_detail`` says more. Where ``source`` is absent it is the collection's name. ``patient`` gets the
source as prefix, or, where a collection was taken from others, what ``patient_of`` names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from hilum.cohort.cohort import Cohort
from hilum.cohort.reason import Reason
from hilum.errors import SourceError

__all__ = ["below", "files", "mark", "read_csv", "split_exclusions"]

_JUNK = {"thumbs.db", "desktop.ini", "icon\r", "__macosx"}


def files(folder: Path) -> Iterator[str]:
    """Yield the files below `folder` by name, as paths relative to it with ``/``.

    What desktops leave (``.DS_Store``, ``._x``, ``Thumbs.db``) is passed over. The content tells whether a
    file is an image, so all others are listed, whatever their suffix. A table holds UTF-8 alone, so a name
    that is not comes escaped, and leads to no file.
    """
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(".") or entry.name.casefold() in _JUNK:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from (f"{_utf8(entry.name)}/{name}" for name in files(folder / entry.name))
        elif entry.is_file():
            yield _utf8(entry.name)


def _utf8(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def mark(rows: pd.DataFrame, mask: pd.Series, reason: Reason, detail: pd.Series | str = "") -> None:
    """Exclude rows of a listing, in place, unless they are excluded already."""
    if "exclusion" not in rows:
        rows["exclusion"] = pd.Series(pd.NA, index=rows.index, dtype="str")
        rows["exclusion_detail"] = pd.Series("", index=rows.index, dtype="str")
    new = mask.fillna(False).astype(bool) & rows["exclusion"].isna()
    rows.loc[new, "exclusion"] = reason.value
    rows.loc[new, "exclusion_detail"] = detail if isinstance(detail, str) else detail[new]


def below(data: Path, path: str) -> Path:
    """Resolve an option's path against the data folder.

    Raises
    ------
    SourceError
        If it leads out of the folder, or nowhere.
    """
    target = data / path
    if not target.resolve().is_relative_to(data.resolve()):
        raise SourceError(
            "the path leads out of the data folder", path=target, expected=f"a path below {data}"
        )
    if not target.exists():
        raise SourceError("there is no such file or folder", path=target)
    return target


def read_csv(path: Path, required: tuple[str, ...]) -> pd.DataFrame:
    """Read a publisher's CSV as text; missing values are NaN.

    Raises
    ------
    SourceError
        If it cannot be read as UTF-8 CSV, or lacks a column.
    """
    try:
        table = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except ValueError as error:  # pandas' parser errors and UnicodeDecodeError are ValueErrors
        raise SourceError("not a CSV table in UTF-8", path=path, found=str(error).splitlines()[0]) from error
    missing = [name for name in required if name not in table]
    if missing:
        raise SourceError(
            f"a column is missing: {', '.join(missing)}",
            path=path,
            expected=", ".join(required),
            found=", ".join(table.columns),
        )
    return table


def split_exclusions(rows: pd.DataFrame, name: str, data: Path, folder: Path) -> Cohort:
    """Turn a listing into a cohort whose paths start from `data`."""
    rows = rows.reset_index(drop=True)
    mark(rows, rows["image"].duplicated(), Reason.DUPLICATE, "listed twice")
    lost = ~rows["image"].map(lambda image: (folder / image).is_file()).astype(bool)
    mark(rows, lost, Reason.UNREADABLE, "its name is not UTF-8")
    prefix = "" if folder == data else folder.relative_to(data).as_posix() + "/"
    rows["image"] = prefix + rows["image"].astype("str")
    if "source" not in rows:
        rows["source"] = name
    if not len(rows):
        raise SourceError("there are no images", path=folder)
    use = rows["exclusion"].isna()
    if not use.any():
        reasons = rows["exclusion"].value_counts().items()
        found = ", ".join(f"{count} with {reason}" for reason, count in reasons)
        raise SourceError("no image can be used", path=folder, found=found)
    owner = rows["patient_of" if "patient_of" in rows else "source"]
    rows["patient"] = [_key(*pair) for pair in zip(owner.tolist(), rows["patient"].tolist(), strict=True)]
    table = rows[use].drop(columns=["exclusion", "exclusion_detail", "patient_of"], errors="ignore")
    names = {"exclusion": "reason", "exclusion_detail": "detail"}
    exclusions = rows[~use].rename(columns=names)[["image", "source", "reason", "detail"]]
    return Cohort(table, exclusions, data)


def _key(owner: str, patient: str) -> str:
    return patient if patient.startswith(f"{owner}:") else f"{owner}:{patient}"
