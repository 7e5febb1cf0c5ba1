"""From a recipe's selections to a cohort."""

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

__all__ = ["Admission", "Ledger", "build", "check", "locate"]


class Ledger:
    """One reason an image; of several selections, that of the one that came closest to taking it."""

    def __init__(self) -> None:
        self._notes: dict[str, tuple[str, Reason, str]] = {}

    def note(self, rows: pd.DataFrame, reason: Reason, details: pd.Series | str = "") -> None:
        """Note `rows` (with ``image`` and ``source``) as left out; `details` is one for all, or one a row."""
        each = [details] * len(rows) if isinstance(details, str) else details.tolist()
        for image, origin, detail in zip(rows["image"].tolist(), rows["source"].tolist(), each, strict=True):
            if self._notes.get(image, ("", Reason.NOT_SELECTED, ""))[1] is Reason.NOT_SELECTED:
                self._notes[image] = (origin, reason, detail)

    def exclusions(self, in_use: Collection[str]) -> pd.DataFrame:
        """Give ``image, source, reason, detail`` of the noted images that are not `in_use`."""
        rows = [
            (image, source, reason.value, detail)
            for image, (source, reason, detail) in self._notes.items()
            if image not in in_use
        ]
        return pd.DataFrame(rows, columns=["image", "source", "reason", "detail"], dtype="str")


class Admission:
    """Admits rows in order, and remembers what it admitted.

    Parameters
    ----------
    data : Path
        Folder that the images' paths start from.
    drop : bool
        Whether a file with the bytes of an admitted one is left out.
    ledger : Ledger
        Where it is noted what is left out.
    """

    def __init__(self, data: Path, *, drop: bool, ledger: Ledger) -> None:
        self._data = data
        self._drop = drop
        self._ledger = ledger
        self._labels: dict[str, str] = {}
        self._first_with: dict[str, str] = {}

    def admit(self, rows: pd.DataFrame, limit: int | None, progress: Progress, what: str) -> pd.DataFrame:
        """Admit the first `limit` of `rows`, hashing no more files than that takes.

        Parameters
        ----------
        rows : DataFrame
            ``image``, ``source``, ``label``.
        limit : int, optional
        progress : Progress
        what : str
            Names the work to `progress`.

        Returns
        -------
        DataFrame
            The admitted rows with the column ``sha256``.

        Raises
        ------
        CohortError
            If an image is admitted already under another label.
        """
        wanted = len(rows) if limit is None else min(limit, len(rows))
        admitted: list[int] = []
        hashes: list[str] = []
        for place, digest in progress.track(self._new(rows, wanted), what=what, total=wanted):
            admitted.append(place)
            hashes.append(digest)
        if admitted and len(admitted) == limit:
            rest = rows.iloc[admitted[-1] + 1 :]
            self._ledger.note(rest, Reason.BEYOND_LIMIT, f"the first {limit} are in use")
        taken = rows.iloc[admitted]
        return taken.assign(sha256=pd.Series(hashes, taken.index, dtype="str"))

    def _new(self, rows: pd.DataFrame, wanted: int) -> Iterator[tuple[int, str]]:
        for place, (image, label) in enumerate(
            zip(rows["image"].tolist(), rows["label"].tolist(), strict=True)
        ):
            if self._is_admitted(image, label):
                continue
            digest = hash_file(self._data / image)
            first = self._first_with.setdefault(digest, image)
            if first != image and self._drop:
                detail = f"of {first}, labelled {self._labels[first]}"
                self._ledger.note(rows.iloc[[place]], Reason.DUPLICATE, detail)
                continue
            self._labels[image] = label
            wanted -= 1
            yield place, digest
            if wanted == 0:
                return

    def _is_admitted(self, image: str, label: str) -> bool:
        other = self._labels.get(image, label)
        if other != label:
            raise CohortError(
                "two selections give one image two labels",
                path=self._data / image,
                found=f"{other!r} and {label!r}",
                remedy="Let `where` tell the selections apart",
            )
        return image in self._labels


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


_FACTS = ("format", "rows", "columns", "mode", "bits", "bytes")


def check(cohort: Cohort, progress: Progress = SILENT) -> Cohort:
    """Read all pixels, and exclude what gives no radiograph, with the cause.

    Parameters
    ----------
    cohort : Cohort
    progress : Progress

    Returns
    -------
    Cohort
        Its table with the columns ``format, rows, columns, mode, bits, bytes`` of each file's header.
    """
    facts: list[dict[str, Any]] = []
    unreadable: list[int] = []
    causes: list[str] = []
    paths = progress.track(cohort.paths, what="Reading images", total=len(cohort))
    for row, path in enumerate(paths):
        try:
            header = asdict(read(path).header)
            facts.append({name: header[name] for name in _FACTS})
        except RadiographError as error:
            facts.append({})
            unreadable.append(row)
            causes.append(error.cause)
    known = pd.DataFrame(facts, columns=list(_FACTS), index=cohort.table.index)
    table = cohort.table.drop(columns=list(_FACTS), errors="ignore").join(known)
    return Cohort(table, cohort.exclusions, cohort.root).exclude(unreadable, Reason.UNREADABLE, causes)


USUAL_FOLDER = Path("data")


def locate(path: Path | str, data: Path | str | None = None) -> Cohort:
    """Open a cohort, and find the folder that its images' paths start from.

    Parameters
    ----------
    path : Path or str
        A ``.csv`` or ``.parquet`` table with ``image``, ``label``, ``patient`` and, where there are several,
        ``source``; or a folder with a subfolder for each class.
    data : Path or str, optional
        Folder that the table's paths start from. Without it: the folder ``data``, or the table's own,
        whichever has the first image.

    Returns
    -------
    Cohort

    Raises
    ------
    CohortError
        If there is none, or its images are not found.

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
    places = [USUAL_FOLDER, path.parent] if data is None else [Path(data)]
    images = table["image"].dropna().tolist() if "image" in table else []
    if not images:
        return places[0]  # the cohort itself says what it lacks
    for place in places:
        if (place / images[0]).is_file():
            return place
    raise CohortError(
        "the images of the cohort are not found",
        path=path,
        expected=f"{images[0]} below {' or '.join(map(str, places))}",
        found="no such file",
        remedy="Name the folder that the paths start from with --data.",
    )
