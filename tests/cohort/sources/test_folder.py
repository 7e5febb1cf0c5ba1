from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hilum.cohort import source
from hilum.errors import SourceError

FOLDER = source("folder")


@pytest.fixture
def data(put: Callable[..., Path]) -> Path:
    names = ("ill/P1_a.png", "ill/deep/P1_b.DCM", "well/P2.jfif", "well/Thumbs.db", "notes.txt")
    return put(*(f"mine/{name}" for name in names))


def test_a_class_for_each_subfolder(data: Path) -> None:
    cohort = FOLDER.read(data, path="mine", name="ward")
    assert cohort.table[["image", "label", "patient", "source"]].to_numpy().tolist() == [
        ["mine/ill/P1_a.png", "ill", "ward:ill/P1_a", "ward"],
        ["mine/ill/deep/P1_b.DCM", "ill", "ward:ill/deep/P1_b", "ward"],
        ["mine/well/P2.jfif", "well", "ward:well/P2", "ward"],
    ]
    assert cohort.exclusions[["image", "reason"]].to_numpy().tolist() == [["mine/notes.txt", "no label"]]


def test_the_data_folder_itself(data: Path) -> None:
    assert FOLDER.read(data / "mine").table["image"].iloc[0] == "ill/P1_a.png"


def test_a_name_that_is_not_utf8_is_recorded(data: Path) -> None:
    with open(os.fsencode(data) + b"/mine/ill/\xff.png", "wb"):  # noqa: PTH123
        pass
    cohort = FOLDER.read(data, path="mine")
    assert len(cohort) == 3
    assert cohort.exclusions[["image", "detail"]].to_numpy().tolist() == [
        ["mine/ill/\\udcff.png", "its name is not UTF-8"],
        ["mine/notes.txt", "in no class's subfolder"],
    ]


@pytest.mark.parametrize("pattern", [r"P\d+", r"(P\d+)", r"/(?P<patient>P\d)"])
def test_patients_by_a_pattern(data: Path, pattern: str) -> None:
    table = FOLDER.read(data, path="mine", patient=pattern).table
    assert table["patient"].tolist() == ["folder:P1", "folder:P1", "folder:P2"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "mine", "patient": "P1"}, r"P2\.jfif: the patient is not in the file's path; expected P1"),
        ({"path": "mine", "patient": "("}, "no regular expression; found '\\('"),
        ({"path": "mine/ill/deep"}, "no class has images.*found 1 files and no subfolder"),
        ({"path": "elsewhere"}, "elsewhere: there is no such file or folder"),
        ({"path": ".."}, "leads out of the data folder"),
        ({"path": "mine", "patients": "x"}, "takes no option 'patients'.*Did you mean patient?"),
    ],
)
def test_what_cannot_be_read_is_explained(data: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        FOLDER.read(data, **options)
