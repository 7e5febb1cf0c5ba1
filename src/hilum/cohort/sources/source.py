"""The contract of a source: a known collection, and how its folder becomes a cohort."""

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

__all__ = ["Archive", "Source", "below", "files", "mark", "read_csv", "split_exclusions"]


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


@dataclass(frozen=True)
class Archive:
    """Where a collection can be downloaded as one zip file.

    Parameters
    ----------
    url : str
    sha256 : str or None
        Of the zip file, as its publisher states it; None where none is published.
    inside : str
        Folder of the zip file that holds the layout; ``*`` stands for one folder of any name.
    keep : tuple of str
        What to unpack from there: files and folders.
    """

    url: str
    sha256: str | None
    inside: str
    keep: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A collection of images and how to read it.

    Parameters
    ----------
    name : str
        As recipes call it; also its folder below the data folder.
    title, home, licence, citation : str
        For people: what it is, its page, the terms of use, what to cite.
    layout : str
        The expected folders and files, in words.
    marker : str
        A path whose presence shows the layout; empty where options say what to read.
    rows : callable
        ``rows(folder, **options)`` lists everything that the collection names, as `listing` describes.
    options : tuple of str
        Names of the options that `rows` takes.
    archive : Archive, optional
        Where it can be downloaded.
    prepare : callable, optional
        ``prepare(data, progress, **options)`` makes what `rows` reads, where hilum makes it itself.
    """

    name: str
    title: str
    home: str
    licence: str
    citation: str
    layout: str
    marker: str
    rows: Callable[..., pd.DataFrame]
    options: tuple[str, ...] = ()
    archive: Archive | None = None
    prepare: Callable[..., None] | None = None

    def is_present(self, data: Path) -> bool:
        """Whether the collection's layout is found; False for what only options can find."""
        return bool(self.marker) and self._found(data) is not None

    def locate(self, data: Path) -> Path:
        """Find the folder that has the layout: ``data/name``, or `data` itself.

        Raises
        ------
        SourceError
            If neither has it.
        """
        folder = self._found(data)
        if folder is None:
            raise self.missing(data)
        return folder

    def _found(self, data: Path) -> Path | None:
        return next((one for one in (data / self.name, data) if (one / self.marker).exists()), None)

    def read(self, data: Path, progress: Progress = SILENT, **options: Any) -> Cohort:
        """Read all rows of the collection, with a reason for each that cannot be used.

        Parameters
        ----------
        data : Path
            The data folder; images of the cohort are relative to it.
        progress : Progress
        **options
            What this source takes: see `options` and `layout`.

        Returns
        -------
        Cohort

        Raises
        ------
        SourceError
            If the collection is not there, is laid out differently, or an option is unknown.
        """
        self._check(options)
        folder = self.locate(data) if self.marker else data
        try:
            if self.prepare is not None:
                self.prepare(data, progress, **options)
            return split_exclusions(self.rows(folder, **options), self.name, data, folder)
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

    def missing(self, data: Path) -> SourceError:
        """Make the error that says where the collection belongs and how to get it."""
        found = sorted(path.name for path in data.iterdir())[:8] if data.is_dir() else None
        remedy = f"Run `hilum cohort fetch {self.name}`, or copy it from {self.home}"
        return SourceError(
            f"the collection {self.name!r} is not here",
            path=data,
            expected=f"{self.layout}, in {self.name}/ or in the folder itself",
            found="no such folder" if found is None else ", ".join(found) or "an empty folder",
            remedy=remedy if self.archive else "Name the data folder that holds it",
        )

    def _check(self, options: dict[str, Any]) -> None:
        for name in options:
            if name not in self.options:
                raise SourceError(
                    f"the source {self.name!r} takes no option {name!r}",
                    expected=", ".join(self.options) or "no options",
                    remedy=closest(name, self.options),
                )
