"""Cohorts that a user names: tables, wherever their images are, and folders."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hilum.cohort import locate
from hilum.errors import CohortError


@pytest.fixture
def hospital(tmp_path):
    """Return a folder with two classes of one image each, and a table of them beside."""
    for label in ("ill", "well"):
        (tmp_path / "images" / label).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "images" / label / "1.png")
    table = pd.DataFrame(
        {"image": ["ill/1.png", "well/1.png"], "label": ["ill", "well"], "patient": ["a", "b"]}
    )
    table.to_csv(tmp_path / "hospital.csv", index=False)
    return tmp_path


def test_paths_start_from_the_folder_that_is_named(hospital):
    cohort = locate(hospital / "hospital.csv", hospital / "images")
    assert all(path.is_file() for path in cohort.paths)
    assert cohort.table["source"].unique().tolist() == ["hospital"]


def test_without_one_they_start_from_the_tables_own(hospital):
    table = hospital / "hospital.csv"
    table.rename(hospital / "images" / "hospital.csv")
    assert locate(hospital / "images" / "hospital.csv").root == hospital / "images"


def test_or_from_the_usual_one(hospital, monkeypatch):
    monkeypatch.chdir(hospital)
    (hospital / "images").rename(hospital / "data")
    assert locate("hospital.csv").paths[0].is_file()


def test_a_folder_has_a_class_a_subfolder(hospital):
    cohort = locate(hospital / "images")
    assert cohort.table["label"].tolist() == ["ill", "well"]
    assert all(path.is_file() for path in cohort.paths)


def test_images_that_are_nowhere_are_named_with_the_places(hospital):
    with pytest.raises(CohortError, match=r"not found; expected ill/1\.png below .*elsewhere.*--data"):
        locate(hospital / "hospital.csv", hospital / "elsewhere")


def test_a_table_without_patients_says_what_to_do(hospital):
    pd.read_csv(hospital / "hospital.csv").drop(columns="patient").to_csv(hospital / "bare.csv", index=False)
    with pytest.raises(CohortError, match=r"lacks patient.*repeat the image's path"):
        locate(hospital / "bare.csv", hospital / "images")
