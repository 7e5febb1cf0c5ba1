"""Making cohorts: by a recipe's selections, from a user's table or folder, and with every image checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hilum.cohort.cohort import Cohort, Reason
from hilum.cohort.sources import SOURCES, source
from hilum.cohort.tables import read_table
from hilum.errors import CohortError, RadiographError, closest
from hilum.files import hash_file
from hilum.progress import SILENT, Progress
from hilum.radiograph import read
from hilum.recipe.settings import CohortSettings, Selection

__all__ = ["build", "check", "locate"]

DEFAULT_DATA = Path("data")
_HEADER_COLUMNS = ("format", "rows", "columns", "mode", "bits", "bytes")


def build(settings: CohortSettings, data: Path, progress: Progress = SILENT) -> Cohort:
    """Select the images that a recipe states, in its order.

    A selection keeps the rows that `where` allows, drops files with the bytes of an earlier row (unless
    duplicates are kept), and then takes the first `limit`. Every other row of the sources is in the
    exclusions, with its reason.

    The paths are relative to `data`, which holds the collections. The table gets the column ``sha256``.

    Raises
    ------
    CohortError
        If a selection matches nothing or names an unknown column, or two selections give an image two labels.
    SourceError
        If a collection is missing, or an option is unknown.
    """
    log = _ExclusionLog()
    deduplicator = _Deduplicator(data, drop=settings.duplicates == "drop", log=log)
    collections: dict[str, Cohort] = {}
    parts = []
    for selection in settings.select:
        key = f"{selection.source} {sorted(selection.options.items())}"
        if key not in collections:
            collections[key] = source(selection.source).read(data, progress, **selection.options)
        rows = _matching(collections[key].table, selection, settings.classes, log)
        parts.append(deduplicator.take(rows, selection.limit, progress, f"Hashing {selection.source}"))
    table = pd.concat(parts, ignore_index=True)
    unusable = [collection.exclusions for collection in collections.values()]
    exclusions = pd.concat([*unusable, log.exclusions(set(table["image"].tolist()))], ignore_index=True)
    return Cohort(table, exclusions.drop_duplicates(), data)


class _ExclusionLog:
    """One reason per image: that of the selection that came closest to taking it."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[str, Reason, str]] = {}

    def add(self, rows: pd.DataFrame, reason: Reason, details: pd.Series | str = "") -> None:
        each = [details] * len(rows) if isinstance(details, str) else details.tolist()
        for image, origin, detail in zip(rows["image"].tolist(), rows["source"].tolist(), each, strict=True):
            if self._entries.get(image, ("", Reason.NOT_SELECTED, ""))[1] is Reason.NOT_SELECTED:
                self._entries[image] = (origin, reason, detail)

    def exclusions(self, in_use: Collection[str]) -> pd.DataFrame:
        rows = [(image, *entry) for image, entry in self._entries.items() if image not in in_use]
        return pd.DataFrame(rows, columns=["image", "source", "reason", "detail"], dtype="str")


class _Deduplicator:
    """Takes rows in order, and leaves out files with the bytes of one taken before if `drop` is set."""

    def __init__(self, data: Path, *, drop: bool, log: _ExclusionLog) -> None:
        self._data = data
        self._drop = drop
        self._log = log
        self._labels: dict[str, str] = {}
        self._first_with: dict[str, str] = {}

    def take(self, rows: pd.DataFrame, limit: int | None, progress: Progress, what: str) -> pd.DataFrame:
        """Take the first `limit` of `rows`, with their ``sha256``; hash no more files than necessary."""
        wanted = len(rows) if limit is None else min(limit, len(rows))
        taken: list[int] = []
        hashes: list[str] = []
        for position, digest in progress.track(self._new(rows, wanted), what=what, total=wanted):
            taken.append(position)
            hashes.append(digest)
        if taken and len(taken) == limit:
            rest = rows.iloc[taken[-1] + 1 :]
            self._log.add(rest, Reason.BEYOND_LIMIT, f"the first {limit} are in use")
        table = rows.iloc[taken]
        return table.assign(sha256=pd.Series(hashes, table.index, dtype="str"))

    def _new(self, rows: pd.DataFrame, wanted: int) -> Iterator[tuple[int, str]]:
        images = zip(rows["image"].tolist(), rows["label"].tolist(), strict=True)
        for position, (image, label) in enumerate(images):
            if self._is_taken(image, label):
                continue
            digest = hash_file(self._data / image)
            first = self._first_with.setdefault(digest, image)
            if first != image and self._drop:
                detail = f"of {first}, labelled {self._labels[first]}"
                self._log.add(rows.iloc[[position]], Reason.DUPLICATE, detail)
                continue
            self._labels[image] = label
            wanted -= 1
            yield position, digest
            if wanted == 0:
                return

    def _is_taken(self, image: str, label: str) -> bool:
        other = self._labels.get(image, label)
        if other != label:
            raise CohortError(
                "two selections give one image two labels",
                path=self._data / image,
                found=f"{other!r} and {label!r}",
                remedy="Narrow `where` so that the selections do not overlap",
            )
        return image in self._labels


def _matching(
    table: pd.DataFrame, selection: Selection, classes: list[str], log: _ExclusionLog
) -> pd.DataFrame:
    """Rows that `where` allows, with the selection's label, or with their own if it is among the classes."""
    rows = table
    for column, values in selection.where.items():
        rows = _keep(rows, column, _allowed(rows, column, values, selection), log)
    if selection.label is None:
        rows = _keep(rows, "label", rows["label"].isin(classes), log)
    if rows.empty:
        conditions = selection.where | ({} if selection.label else {"label": classes})
        raise CohortError(
            f"the selection from {selection.source!r} matches nothing",
            expected=" and ".join(f"{column} {' or '.join(values)}" for column, values in conditions.items()),
            found=f"{len(table)} usable images, none of which match",
            remedy=_hint(table, conditions),
        )
    return rows if selection.label is None else rows.assign(label=selection.label)


def _keep(rows: pd.DataFrame, column: str, allowed: pd.Series, log: _ExclusionLog) -> pd.DataFrame:
    others = rows[~allowed]
    lateral = (others[column] == "lateral") & (column == "projection")
    log.add(others[lateral], Reason.LATERAL_VIEW)
    details = column + " is " + others[column].astype("str").fillna("not known")
    log.add(others[~lateral], Reason.NOT_SELECTED, details[~lateral])
    return rows[allowed]


def _allowed(rows: pd.DataFrame, column: str, values: list[str], selection: Selection) -> pd.Series:
    if column not in rows:
        raise CohortError(
            f"the source {selection.source!r} has no column {column!r}, which `where` names",
            expected=", ".join(rows.columns),
            remedy=closest(column, rows.columns),
        )
    if pd.api.types.is_float_dtype(rows[column]):
        numbers = pd.to_numeric(pd.Series(values), errors="coerce").dropna()
        return rows[column].isin(numbers)
    return rows[column].astype("str").isin(values)


def _hint(table: pd.DataFrame, conditions: dict[str, list[str]]) -> str | None:
    """Say what a column holds instead of the first value that is not in it."""
    for column, values in conditions.items():
        present = list(dict.fromkeys(np.asarray(table[column].dropna().astype("str"))))
        for value in values:
            if value not in present:
                return closest(value, present) or f"The column {column} holds {', '.join(present[:12])}"
    return None


def check(cohort: Cohort, progress: Progress = SILENT) -> Cohort:
    """Decode every image, and exclude those that yield no radiograph, with the cause.

    The table gets the columns ``format, rows, columns, mode, bits, bytes`` from the files' headers.
    """
    headers: list[dict[str, Any]] = []
    unreadable: list[int] = []
    causes: list[str] = []
    paths = progress.track(cohort.paths, what="Reading images", total=len(cohort))
    for row, path in enumerate(paths):
        try:
            header = asdict(read(path).header)
            headers.append({name: header[name] for name in _HEADER_COLUMNS})
        except RadiographError as error:
            headers.append({})
            unreadable.append(row)
            causes.append(error.cause)
    known = pd.DataFrame(headers, columns=list(_HEADER_COLUMNS), index=cohort.table.index)
    table = cohort.table.drop(columns=list(_HEADER_COLUMNS), errors="ignore").join(known)
    return Cohort(table, cohort.exclusions, cohort.root).exclude(unreadable, Reason.UNREADABLE, causes)


def locate(path: Path | str, data: Path | str | None = None) -> Cohort:
    """Open a table or a folder as a cohort, and find the folder that its image paths are relative to.

    Parameters
    ----------
    path : Path or str
        A ``.csv`` or ``.parquet`` table with ``image``, ``label``, ``patient`` and, if there are several,
        ``source``; or a folder with one subfolder per class.
    data : Path or str, optional
        Folder that the table's paths are relative to. Default: ``data`` or the table's own folder, whichever
        holds the first image.

    Raises
    ------
    CohortError
        If the table is invalid, or its images are not found.

    Examples
    --------
    >>> locate("hospital.csv", "xrays/")  # doctest: +SKIP
    """
    path = Path(path)
    if path.is_dir():
        return SOURCES["folder"].read(path, name=path.resolve().name)
    table, exclusions = read_table(path)
    if "source" not in table:
        table = table.assign(source=path.stem)
    try:
        return Cohort(table, exclusions, _root(path, table, data))
    except CohortError as error:
        error.path = error.path or path
        if "patient" not in table:
            error.remedy = (
                "Add a column `patient`; where patients are unknown, repeat the image's path there."
            )
        raise


def _root(path: Path, table: pd.DataFrame, data: Path | str | None) -> Path:
    folders = [DEFAULT_DATA, path.parent] if data is None else [Path(data)]
    images = table["image"].dropna().tolist() if "image" in table else []
    if not images:
        return folders[0]  # the cohort's own checks report what is missing
    for folder in folders:
        if (folder / images[0]).is_file():
            return folder
    raise CohortError(
        "the images of the cohort are not found",
        path=path,
        expected=f"{images[0]} below {' or '.join(map(str, folders))}",
        found="no such file",
        remedy="Name the folder that the paths are relative to with --data.",
    )
