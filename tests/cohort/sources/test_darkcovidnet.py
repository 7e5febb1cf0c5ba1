from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hilum.cohort import source

DARKCOVIDNET = source("darkcovidnet")
FOLDER = "darkcovidnet/X-Ray Image DataSet"


@pytest.fixture
def data(put: Callable[..., Path]) -> Path:
    names = (
        "Covid-19/a.jpeg",
        "Covid-19/z.png",
        "No_findings/00001280_004.png",
        "Pneumonia/00001280_005.JPG",
    )
    return put(*(f"{FOLDER}/{name}" for name in names), f"{FOLDER}/Covid-19/.DS_Store", f"{FOLDER}/x.txt")


def test_each_file_counts_as_a_patient_where_cohen_is_not_there(data: Path) -> None:
    table = DARKCOVIDNET.read(data).table
    assert table[["label", "patient", "source"]].to_numpy().tolist() == [
        ["Covid-19", "cohen:a.jpeg", "cohen"],
        ["Covid-19", "cohen:z.png", "cohen"],
        ["No_findings", "nih:00001280", "nih"],
        ["Pneumonia", "nih:00001280", "nih"],
    ]


def test_patients_of_cohen_are_recognised(data: Path, cohen: Path) -> None:
    table = DARKCOVIDNET.read(data).table
    assert table["patient"].tolist()[:2] == ["cohen:2", "cohen:z.png"]


def test_what_is_in_no_class_is_recorded(data: Path) -> None:
    assert DARKCOVIDNET.read(data).exclusions["image"].tolist() == [f"{FOLDER}/x.txt"]


@pytest.mark.real
def test_real_counts(real_data: Path) -> None:
    """Counted with ``ls | wc -l``, NIH patients with ``cut -c-8 | sort -u``."""
    table = DARKCOVIDNET.read(real_data).table
    assert table["label"].value_counts().to_dict() == {"No_findings": 500, "Pneumonia": 500, "Covid-19": 124}
    assert table.groupby("label")["patient"].nunique().to_dict() == {
        "Covid-19": 82,
        "No_findings": 332,
        "Pneumonia": 371,
    }
    assert table["patient"].nunique() == 764
