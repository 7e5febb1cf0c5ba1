"""The user's own folder, with one subfolder per class."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pandas as pd

from hilum.cohort.cohort import Reason
from hilum.cohort.sources.source import Source, below, exclude, files
from hilum.errors import SourceError

__all__ = ["FOLDER"]


def _rows(data: Path, path: str = ".", name: str = "folder", patient: str = "") -> pd.DataFrame:
    folder = below(data, path)
    images = list(files(folder)) if folder.is_dir() else []
    if not any("/" in image for image in images):
        raise SourceError(
            "no class has images",
            path=folder,
            expected="one subfolder per class, with images in it",
            found=f"{len(images)} files and no subfolder with files" if images else "no files",
        )
    place = PurePosixPath(path).as_posix()
    prefix = "" if place == "." else f"{place}/"
    rows = pd.DataFrame(
        {
            "image": [prefix + image for image in images],
            "label": [image.split("/")[0] if "/" in image else None for image in images],
            "patient": [_patient(image, patient, folder) for image in images],
            "source": name,
        }
    )
    exclude(rows, rows["label"].isna(), Reason.NO_LABEL, "in no class's subfolder")
    rows["finding"] = rows["label"]
    return rows


def _patient(image: str, pattern: str, folder: Path) -> str:
    """Return the path without suffix, or what `pattern` matches: group ``patient``, the first, or all."""
    if not pattern or "/" not in image:
        return PurePosixPath(image).with_suffix("").as_posix()
    try:
        match = re.search(pattern, image)
    except re.error as error:
        raise SourceError(
            "the option `patient` is not a regular expression", found=f"{pattern!r}: {error}"
        ) from error
    if match is None:
        raise SourceError(
            "the file's path does not match the option `patient`", path=folder / image, expected=pattern
        )
    groups = match.groupdict()
    return str(groups.get("patient") or next(iter(match.groups()), None) or match[0])


FOLDER = Source(
    name="folder",
    title="your own folder, a class per subfolder",
    layout=(
        "one subfolder per class; options: path (folder), name (of the source), "
        "patient (regular expression on the image's path; without it, each file counts as a patient)"
    ),
    rows=_rows,
    options=("path", "name", "patient"),
)
