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
    names = ("covid/P1_a.png", "covid/deep/P1_b.DCM", "normal/P2.jfif", "normal/Thumbs.db", "notes.txt")
    return put(*(f"mine/{name}" for name in names))


def test_a_class_for_each_subfolder(data: Path) -> None:
    cohort = FOLDER.read(data, path="mine", name="ward")
    assert cohort.table[["image", "label", "patient", "source"]].to_numpy().tolist() == [
        ["mine/covid/P1_a.png", "covid", "ward:covid/P1_a", "ward"],
        ["mine/covid/deep/P1_b.DCM", "covid", "ward:covid/deep/P1_b", "ward"],
        ["mine/normal/P2.jfif", "normal", "ward:normal/P2", "ward"],
    ]
    assert cohort.exclusions[["image", "reason"]].to_numpy().tolist() == [["mine/notes.txt", "no label"]]


def test_the_data_folder_itself(data: Path) -> None:
    assert FOLDER.read(data / "mine").table["image"].iloc[0] == "covid/P1_a.png"


def test_a_name_that_is_not_utf8_is_recorded(data: Path) -> None:
    with open(os.fsencode(data) + b"/mine/covid/\xff.png", "wb"):  # noqa: PTH123
        pass
    cohort = FOLDER.read(data, path="mine")
    assert len(cohort) == 3
    assert cohort.exclusions[["image", "detail"]].to_numpy().tolist() == [
        ["mine/covid/\\udcff.png", "its name is not UTF-8"],
        ["mine/notes.txt", "in no class's subfolder"],
    ]


@pytest.mark.parametrize("pattern", [r"P\d+", r"(P\d+)", r"/(?P<patient>P\d)"])
def test_patients_by_a_pattern(data: Path, pattern: str) -> None:
    table = FOLDER.read(data, path="mine", patient=pattern).table
    assert table["patient"].tolist() == ["folder:P1", "folder:P1", "folder:P2"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "mine", "patient": "P1"}, r"P2\.jfif: .*`patient`; expected P1"),
        ({"path": "mine", "patient": "("}, "regular expression; found '\\('"),
        ({"path": "mine/covid/deep"}, "no class has images.*found 1 files and no subfolder"),
        ({"path": "elsewhere"}, "elsewhere: no such file or folder"),
        ({"path": ".."}, "leads out of the data folder"),
        ({"path": "mine", "patients": "x"}, "takes no option 'patients'.*Did you mean patient?"),
    ],
)
def test_what_cannot_be_read_is_explained(data: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        FOLDER.read(data, **options)
