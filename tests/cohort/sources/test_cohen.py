from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hilum.cohort import source
from hilum.errors import SourceError

COHEN = source("cohen")


def test_rows_in_use_in_the_order_of_the_table(cohen: Path) -> None:
    table = COHEN.read(cohen).table
    names = ["image", "patient", "label", "view", "projection"]
    assert table[names].fillna("").to_numpy().tolist() == [
        ["cohen/images/a.jpeg", "cohen:2", "COVID-19", "PA", "frontal"],
        ["cohen/images/b.png", "cohen:2", "COVID-19", "AP Supine", "frontal"],
        ["cohen/images/c.jpg", "cohen:3", "COVID-19", "L", "lateral"],
        ["cohen/images/D.jpg", "cohen:4", "SARS", "AP", "frontal"],
        ["cohen/images/h.png", "cohen:9", "COVID-19", "", "other"],
        ["cohen/images/i.png", "cohen:10", "No Finding", "PA", "frontal"],
    ]


def test_every_other_row_has_its_reason(cohen: Path) -> None:
    exclusions = COHEN.read(cohen).exclusions
    assert exclusions[["image", "reason", "detail"]].to_numpy().tolist() == [
        ["cohen/images/e.png", "CT", "view Axial"],
        ["cohen/volumes/f.nii.gz", "CT", "view Coronal"],
        ["cohen/images/lost.png", "missing file", ""],
        ["cohen/images/g.png", "uncertain label", "finding todo"],
    ]


def test_facts_about_patients(cohen: Path) -> None:
    table = COHEN.read(cohen).table
    assert table["age"].tolist()[:2] == [65.0, 65.0]
    assert table["age"].isna().tolist() == [False, False, True, False, False, False]
    assert table["sex"].fillna("").tolist() == ["M", "M", "F", "", "M", "M"]
    assert table["location"].iloc[0] == "Vietnam"
    assert set(table["source"]) == {"cohen"}
    assert "clinical_notes" not in table


def test_the_layout_may_be_the_data_folder_itself(cohen: Path) -> None:
    assert COHEN.read(cohen / "cohen").table["image"].iloc[0] == "images/a.jpeg"


def test_a_file_listed_twice_counts_once(cohen: Path) -> None:
    path = cohen / "cohen/metadata.csv"
    rows = pd.read_csv(path, dtype=str)
    pd.concat([rows, rows.iloc[[0]]]).to_csv(path, index=False)
    cohort = COHEN.read(cohen)
    assert len(cohort) == 6
    assert cohort.exclusions.iloc[-1].tolist() == [
        "cohen/images/a.jpeg",
        "cohen",
        "duplicate",
        "listed twice",
    ]


def test_a_path_that_leads_out_is_refused(cohen: Path) -> None:
    path = cohen / "cohen/metadata.csv"
    path.write_text(path.read_text().replace(",images,a.jpeg", ",images/../../cohen/images,a.jpeg"))
    with pytest.raises(SourceError, match=r"cohen: .*stay below the data folder"):
        COHEN.read(cohen)


@pytest.mark.parametrize("column", ["patientid", "finding", "filename"])
def test_a_missing_column_is_named(cohen: Path, column: str) -> None:
    path = cohen / "cohen/metadata.csv"
    path.write_text(path.read_text().replace(column, "other", 1))
    with pytest.raises(SourceError, match=rf"metadata\.csv: a column is missing: {column}; expected"):
        COHEN.read(cohen)


def test_a_table_in_another_encoding_is_refused(cohen: Path) -> None:
    (cohen / "cohen/metadata.csv").write_bytes("patientid,location\n1,Zürich".encode("latin-1"))
    with pytest.raises(SourceError, match=r"metadata\.csv: not a CSV table in UTF-8"):
        COHEN.read(cohen)


@pytest.mark.real
def test_real_counts(real_data: Path) -> None:
    """Counted from metadata.csv and the folder with the csv module alone."""
    cohort = COHEN.read(real_data)
    assert len(cohort) == 520
    assert cohort.table["patient"].nunique() == 313
    covid = cohort.table[cohort.table["label"] == "COVID-19"]
    assert len(covid) == 411
    assert covid["patient"].nunique() == 258
    assert set(covid["projection"]) == {"frontal"}
    assert cohort.exclusions["reason"].value_counts().to_dict() == {
        "uncertain label": 85,
        "CT": 84,
        "missing file": 69,
    }
    assert len(cohort) + len(cohort.exclusions) == 758
