"""A cohort that a user names on the command line: a table, or a folder with a subfolder for each class."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from hilum.cohort.cohort import Cohort
from hilum.cohort.sources import SOURCES
from hilum.cohort.storage import read_table
from hilum.errors import CohortError

__all__ = ["locate"]

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
