from __future__ import annotations

from pathlib import Path

import pytest

from hilum.cohort import source

KERMANY = source("kermany")


def test_patients_and_findings_come_from_names(kermany: Path) -> None:
    table = KERMANY.read(kermany).table
    names = ["image", "patient", "finding", "subtype", "publisher_split"]
    assert table[names].fillna("").to_numpy().tolist() == [
        ["kermany/chest_xray/test/NORMAL/odd name.jpeg", "kermany:odd name", "NORMAL", "", "test"],
        [
            "kermany/chest_xray/test/PNEUMONIA/person7_virus_1.jpeg",
            "kermany:person7",
            "PNEUMONIA",
            "virus",
            "test",
        ],
        ["kermany/chest_xray/train/NORMAL/IM-0115-0001.jpeg", "kermany:IM-0115", "NORMAL", "", "train"],
        ["kermany/chest_xray/train/NORMAL/IM-0117-0001-0002.jpeg", "kermany:IM-0117", "NORMAL", "", "train"],
        [
            "kermany/chest_xray/train/NORMAL/NORMAL2-IM-1427-0001.JPEG",
            "kermany:NORMAL2-IM-1427",
            "NORMAL",
            "",
            "train",
        ],
        [
            "kermany/chest_xray/train/PNEUMONIA/person1000_bacteria_2931.jpeg",
            "kermany:person1000",
            "PNEUMONIA",
            "bacteria",
            "train",
        ],
        [
            "kermany/chest_xray/train/PNEUMONIA/person1000_virus_1681.jpeg",
            "kermany:person1000",
            "PNEUMONIA",
            "virus",
            "train",
        ],
    ]


def test_children_of_unknown_age(kermany: Path) -> None:
    table = KERMANY.read(kermany).table
    assert set(table["age_band"]) == {"1 to 5 years"}
    assert "age" not in table
    assert "split" not in table


def test_what_is_in_no_class_is_recorded(kermany: Path) -> None:
    exclusions = KERMANY.read(kermany).exclusions
    assert exclusions[["image", "reason"]].to_numpy().tolist() == [
        ["kermany/chest_xray/readme.txt", "no label"]
    ]


@pytest.mark.real
def test_real_counts(real_data: Path) -> None:
    """Counted with ``ls | wc -l``, and patients with ``sed`` and ``sort -u``."""
    cohort = KERMANY.read(real_data)
    assert cohort.table.groupby(["publisher_split", "label"]).size().to_dict() == {
        ("test", "NORMAL"): 92,
        ("test", "PNEUMONIA"): 76,
        ("train", "NORMAL"): 311,
        ("train", "PNEUMONIA"): 364,
    }
    assert cohort.table["patient"].nunique() == 779
    assert cohort.exclusions.empty
