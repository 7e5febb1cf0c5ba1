"""The images of DarkCovidNet: COVID-19 from the collection `cohen`, the rest from NIH ChestX-ray8."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pandas as pd

from hilum.cohort.cohort import Reason
from hilum.cohort.sources.cohen import patients_by_file
from hilum.cohort.sources.source import Archive, Source, exclude, files

__all__ = ["DARKCOVIDNET"]

_FOLDER = "X-Ray Image DataSet"
_LABELS = ("Covid-19", "No_findings", "Pneumonia")
_NIH = re.compile(r"(?P<patient>\d{8})_\d{3}\.")


def _rows(folder: Path) -> pd.DataFrame:
    cohen = patients_by_file(folder.parent / "cohen") or patients_by_file(folder / "cohen")
    rows = pd.DataFrame(
        [_row(image, cohen) for image in files(folder / _FOLDER)],
        columns=["image", "label", "finding", "patient", "source"],
    )
    exclude(rows, ~rows["label"].isin(_LABELS), Reason.NO_LABEL, f"not in {', '.join(_LABELS)}")
    return rows


def _row(image: str, cohen: dict[str, str]) -> tuple[str, ...]:
    path = PurePosixPath(image)
    label = path.parts[0] if len(path.parts) > 1 else ""
    patient, collection = _patient(path.name, label, cohen)
    return (f"{_FOLDER}/{image}", label, label, patient, collection)


def _patient(name: str, label: str, cohen: dict[str, str]) -> tuple[str, str]:
    """Return the patient, and the collection that the image comes from.

    COVID-19 images keep their file names of `cohen`. If its table is in the data folder, they get its
    patients' keys; otherwise each file counts as a patient.
    """
    match = _NIH.match(name)
    if match:
        return match["patient"], "nih"
    if label == _LABELS[0]:
        return cohen.get(name, name), "cohen"
    return name, "darkcovidnet"


DARKCOVIDNET = Source(
    name="darkcovidnet",
    title="DarkCovidNet's images: COVID-19, no findings, pneumonia",
    home="https://github.com/muhammedtalo/COVID-19",
    licence="as the two collections it was taken from",
    citation="Ozturk et al. 2020, doi:10.1016/j.compbiomed.2020.103792",
    layout=f"{_FOLDER}/{{{','.join(_LABELS)}}}/",
    marker=_FOLDER,
    rows=_rows,
    archive=Archive(
        url="https://github.com/muhammedtalo/COVID-19/archive/8c645fb9b2b5340e7381c6d1ef4e21f182bfa1d9.zip",
        sha256=None,
        inside="*",
        keep=(_FOLDER,),
    ),
)
