"""The contract of a source: how the folder of a collection becomes a cohort; and helpers of all sources."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hilum.cohort.cohort import Cohort, Reason
from hilum.errors import CohortError, SourceError, closest
from hilum.progress import SILENT, Progress

__all__ = ["Archive", "Source", "below", "exclude", "files", "found_in", "read_csv"]

_JUNK = {"thumbs.db", "desktop.ini", "icon\r", "__macosx"}


@dataclass(frozen=True)
class Archive:
    """Where a collection can be downloaded as one zip file."""

    url: str
    sha256: str | None  # None if the publisher states none
    inside: str  # folder of the zip file that holds the layout; `*` stands for one folder of any name
    keep: tuple[str, ...]  # files and folders to unpack from there


@dataclass(frozen=True)
class Source:
    """A collection of images and how to read it.

    ``rows(folder, **options)`` lists everything that the collection names: ``image`` (path below `folder`),
    ``label``, ``patient`` and any other columns; ``source`` may name another collection that a row comes
    from. What cannot be used is marked by `exclude`.
    """

    name: str  # as recipes call it; also its folder below the data folder
    title: str
    layout: str  # the expected folders and files, in words
    rows: Callable[..., pd.DataFrame]
    options: tuple[str, ...] = ()  # names of the options that `rows` takes
    marker: str = ""  # a path whose presence shows the layout; empty if options say what to read
    home: str = ""
    licence: str = ""
    citation: str = ""
    archive: Archive | None = None
    prepare: Callable[..., None] | None = None  # `prepare(data, progress, **options)` makes what `rows` reads

    def is_present(self, data: Path) -> bool:
        """Whether the collection's layout is found; False if only options say what to read."""
        return bool(self.marker) and self._folder(data) is not None

    def locate(self, data: Path) -> Path:
        """Return the folder with the layout, ``data/name`` or `data`; raise `SourceError` without one."""
        folder = self._folder(data)
        if folder is None:
            raise SourceError(
                f"the collection {self.name!r} is not in the data folder",
                path=data,
                expected=f"{self.layout}, in {self.name}/ or in the folder itself",
                found=found_in(data) if data.is_dir() else "no such folder",
                remedy=f"Run `hilum cohort fetch {self.name}`, or copy it from {self.home}"
                if self.archive
                else "Name the data folder that holds it",
            )
        return folder

    def _folder(self, data: Path) -> Path | None:
        return next((one for one in (data / self.name, data) if (one / self.marker).exists()), None)

    def read(self, data: Path, progress: Progress = SILENT, **options: Any) -> Cohort:
        """Read all rows of the collection, with a reason for each that cannot be used.

        The cohort's image paths are relative to `data`.

        Raises
        ------
        SourceError
            If the collection is missing or has an unexpected layout, or an option is unknown.
        """
        for name in options:
            if name not in self.options:
                raise SourceError(
                    f"the source {self.name!r} takes no option {name!r}",
                    expected=", ".join(self.options) or "no options",
                    remedy=closest(name, self.options),
                )
        folder = self.locate(data) if self.marker else data
        try:
            if self.prepare is not None:
                self.prepare(data, progress, **options)
            return _cohort(self.rows(folder, **options), self.name, data, folder)
        except SourceError:
            raise
        except CohortError as error:
            raise SourceError(
                f"{self.name}: {error.what}",
                path=error.path or folder,
                expected=error.expected,
                found=error.found,
                remedy=error.remedy,
            ) from error


def _cohort(rows: pd.DataFrame, name: str, data: Path, folder: Path) -> Cohort:
    """Turn a listing into a cohort whose paths are relative to `data`."""
    rows = rows.reset_index(drop=True)
    exclude(rows, rows["image"].duplicated(), Reason.DUPLICATE, "listed twice")
    lost = ~rows["image"].map(lambda image: (folder / image).is_file()).astype(bool)
    exclude(rows, lost, Reason.UNREADABLE, "its name is not UTF-8")
    prefix = "" if folder == data else folder.relative_to(data).as_posix() + "/"
    rows["image"] = prefix + rows["image"].astype("str")
    if "source" not in rows:
        rows["source"] = name
    if not len(rows):
        raise SourceError("the collection has no images", path=folder)
    use = rows["exclusion"].isna()
    if not use.any():
        reasons = rows["exclusion"].value_counts().items()
        found = ", ".join(f"{count} with {reason}" for reason, count in reasons)
        raise SourceError("no image can be used", path=folder, found=found)
    owners = rows["source"].tolist()
    rows["patient"] = [
        patient if patient.startswith(f"{owner}:") else f"{owner}:{patient}"
        for owner, patient in zip(owners, rows["patient"].tolist(), strict=True)
    ]
    table = rows[use].drop(columns=["exclusion", "exclusion_detail"])
    names = {"exclusion": "reason", "exclusion_detail": "detail"}
    exclusions = rows[~use].rename(columns=names)[["image", "source", "reason", "detail"]]
    return Cohort(table, exclusions, data)


def exclude(rows: pd.DataFrame, mask: pd.Series, reason: Reason, detail: pd.Series | str = "") -> None:
    """Mark rows of a listing as excluded, in place, unless they already are."""
    if "exclusion" not in rows:
        rows["exclusion"] = pd.Series(pd.NA, index=rows.index, dtype="str")
        rows["exclusion_detail"] = pd.Series("", index=rows.index, dtype="str")
    new = mask.fillna(False).astype(bool) & rows["exclusion"].isna()
    rows.loc[new, "exclusion"] = reason.value
    rows.loc[new, "exclusion_detail"] = detail if isinstance(detail, str) else detail[new]


def files(folder: Path) -> Iterator[str]:
    """Yield the files below `folder`, sorted by name, as relative paths with ``/``.

    Files that desktops create (``.DS_Store``, ``._x``, ``Thumbs.db``) are skipped. All others are listed
    whatever their suffix, since the content decides whether a file is an image. A name that is not UTF-8 is
    escaped, for tables hold UTF-8 only; it then leads to no file.
    """
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(".") or entry.name.casefold() in _JUNK:
            continue
        name = entry.name.encode(errors="backslashreplace").decode()
        if entry.is_dir(follow_symlinks=False):
            yield from (f"{name}/{inner}" for inner in files(folder / entry.name))
        elif entry.is_file():
            yield name


def found_in(folder: Path) -> str:
    """Name a folder's first entries, for an error message."""
    return ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "an empty folder"


def below(data: Path, path: str) -> Path:
    """Resolve an option's path; raise `SourceError` if it leaves the data folder or does not exist."""
    target = data / path
    if not target.resolve().is_relative_to(data.resolve()):
        raise SourceError(
            "the path leads out of the data folder", path=target, expected=f"a path below {data}"
        )
    if not target.exists():
        raise SourceError("no such file or folder", path=target)
    return target


def read_csv(path: Path, required: tuple[str, ...]) -> pd.DataFrame:
    """Read a publisher's CSV as text, with NaN for missing values.

    Raises
    ------
    SourceError
        If it is not a CSV table in UTF-8, or lacks a required column.
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
