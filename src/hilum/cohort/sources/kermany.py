"""The Labeled Chest X-Ray Images of Kermany, Zhang and Goldbaum: children of one hospital."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pandas as pd

from hilum.cohort.cohort import Reason
from hilum.cohort.sources.source import Archive, Source, exclude, files

__all__ = ["KERMANY"]

_LABELS = ("NORMAL", "PNEUMONIA")
_PATIENT = re.compile(r"(?P<person>person\d+)_(?P<subtype>bacteria|virus)_|(?P<exam>(?:NORMAL2-)?IM-\d+)-")


def _rows(folder: Path) -> pd.DataFrame:
    rows = pd.DataFrame([_row(image) for image in files(folder / "chest_xray")], columns=_COLUMNS)
    exclude(rows, ~rows["label"].isin(_LABELS), Reason.NO_LABEL, "not in NORMAL or PNEUMONIA")
    return rows


def _row(image: str) -> tuple[str | None, ...]:
    path = PurePosixPath(image)
    label = path.parent.name
    match = _PATIENT.match(path.name)
    patient = (match["person"] or match["exam"]) if match else path.stem
    subtype = match["subtype"] if match else None
    split = path.parts[0] if len(path.parts) == 3 else None
    return (f"chest_xray/{image}", label, patient, label, subtype, split, *_FACTS.values())


_FACTS = {"view": "AP", "projection": "frontal", "modality": "X-ray", "age_band": "1 to 5 years"}
_COLUMNS = ["image", "label", "patient", "finding", "subtype", "publisher_split", *_FACTS]

KERMANY = Source(
    name="kermany",
    title="Labeled Chest X-Ray Images, children aged 1 to 5",
    home="https://data.mendeley.com/datasets/rscbjbr9sj/2",
    licence="CC BY 4.0",
    citation="Kermany, Zhang, Goldbaum 2018, doi:10.17632/rscbjbr9sj.2",
    layout="chest_xray/{train,test}/{NORMAL,PNEUMONIA}/*.jpeg",
    marker="chest_xray",
    rows=_rows,
    archive=Archive(
        url="https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded",
        sha256=None,
        inside="",
        keep=("chest_xray",),
    ),
)
