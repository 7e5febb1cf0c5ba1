"""The COVID-19 Image Data Collection of Cohen, Morrison and Dao."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from hilum.cohort.cohort import Reason
from hilum.cohort.sources.source import Archive, Source, exclude, read_csv

__all__ = ["COHEN", "patients_by_file"]

_REQUIRED = ("patientid", "sex", "age", "finding", "view", "modality", "folder", "filename")
_KEPT = ("offset", "survival", "intubated", "went_icu", "date", "location", "doi", "url", "license")
_OPEN_FINDINGS = ("todo", "unknown")
_PROJECTIONS = {
    "PA": "frontal",
    "AP": "frontal",
    "AP Supine": "frontal",
    "AP Erect": "frontal",
    "L": "lateral",
}


def _rows(folder: Path) -> pd.DataFrame:
    metadata = read_csv(folder / "metadata.csv", _REQUIRED)
    # Later states of the collection write a path, such as Pneumonia/Viral/COVID-19.
    finding = metadata["finding"].str.split("/").str[-1].str.strip()
    rows = pd.DataFrame(
        {
            "image": _images(folder, metadata),
            "label": finding,
            "patient": metadata["patientid"].str.strip(),
            "finding": finding,
            "view": metadata["view"],
            "projection": metadata["view"].map(_PROJECTIONS).fillna("other"),
            "modality": metadata["modality"],
            "age": pd.to_numeric(metadata["age"], errors="coerce"),
            "sex": metadata["sex"].where(metadata["sex"].isin(["F", "M"])),
            **{name: metadata[name] for name in _KEPT if name in metadata},
        }
    )
    _exclude(rows, metadata, folder)
    return rows


def _exclude(rows: pd.DataFrame, metadata: pd.DataFrame, folder: Path) -> None:
    volume = metadata["filename"].str.lower().str.endswith((".gz", ".nii")).fillna(False)
    exclude(rows, (rows["modality"] == "CT") | volume, Reason.CT, "view " + rows["view"].fillna("not stated"))
    exclude(rows, metadata["filename"].isna(), Reason.MISSING_FILE, "the table names no file")
    present = rows["image"].map(lambda image: (folder / image).is_file()).astype(bool)
    lateral = rows["projection"].map({"lateral": "lateral view"}).fillna("")
    exclude(rows, ~present, Reason.MISSING_FILE, lateral)
    exclude(rows, rows["label"].isna(), Reason.NO_LABEL)
    open_finding = rows["label"].str.lower().isin(_OPEN_FINDINGS)
    exclude(rows, open_finding, Reason.UNCERTAIN_LABEL, "finding " + rows["label"].fillna(""))
    # A row without a patient counts as a patient of its own.
    rows["patient"] = rows["patient"].fillna(rows["image"])


def _images(folder: Path, metadata: pd.DataFrame) -> pd.Series:
    """Paths of the files, in the case that they have on disk."""
    images = folder / "images"
    exact = {path.name for path in images.iterdir()} if images.is_dir() else set()
    by_folded = {name.casefold(): name for name in exact}

    def on_disk(name: str) -> str:
        return name if name in exact else by_folded.get(name.casefold(), name)

    names = metadata["filename"].fillna("").map(on_disk)
    return metadata["folder"].fillna("images") + "/" + names


def patients_by_file(folder: Path) -> dict[str, str]:
    """Map file names of the collection in `folder` to its patients; empty if the collection is missing."""
    path = folder / "metadata.csv"
    if not path.is_file():
        return {}
    metadata = read_csv(path, _REQUIRED).dropna(subset=["filename", "patientid"])
    return dict(zip(metadata["filename"], metadata["patientid"].str.strip(), strict=True))


COHEN = Source(
    name="cohen",
    title="COVID-19 Image Data Collection",
    home="https://github.com/ieee8023/covid-chestxray-dataset",
    licence="each image its own (column license); the table CC BY-NC-SA 4.0",
    citation="Cohen, Morrison, Dao 2020, arXiv:2003.11597",
    layout="metadata.csv and images/",
    marker="metadata.csv",
    rows=_rows,
    archive=Archive(
        # The collection's last commit, which is later than the one that the tutorial used.
        url="https://github.com/ieee8023/covid-chestxray-dataset/archive/6a4242344473ccb5ed0d2148d8c7bfb1691e4ed8.zip",
        sha256=None,
        inside="*",
        keep=("metadata.csv", "images"),
    ),
)
