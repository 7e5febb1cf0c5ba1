from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hilum.cohort import Cohort, Reason, source
from hilum.errors import SourceError

TABLE = source("table")
TEXT = """file,dx,pid,ward,years,Sex,part
1.png,COVID-19,P1,north,50,f,train
2.png,Normal,P2,,0.5,male,test
lost.png,COVID-19,P3,north,,,
3.png,,P4,north,,?,
,COVID-19,P5,north,,,
"""
COLUMNS = {
    "image": "file",
    "label": "dx",
    "patient": "pid",
    "source": "ward",
    "age": "years",
    "sex": "Sex",
    "split": "part",
}


@pytest.fixture
def data(put: Callable[..., Path]) -> Path:
    put("films/1.png", "films/2.png", "films/3.png")
    return put("study/list.csv", content=TEXT.encode("utf-8-sig"))


def test_columns_by_option(data: Path) -> None:
    table = TABLE.read(data, path="study/list.csv", images="films", name="mine", **COLUMNS).table
    names = ["image", "label", "patient", "source", "age", "sex", "split"]
    assert table[names].to_numpy().tolist() == [
        ["films/1.png", "COVID-19", "north:P1", "north", 50.0, "F", "train"],
        ["films/2.png", "Normal", "mine:P2", "mine", 0.5, "M", "test"],
    ]


def test_rows_that_cannot_be_used(data: Path) -> None:
    cohort = TABLE.read(data, path="study/list.csv", images="films", **COLUMNS)
    assert cohort.exclusions[["image", "reason"]].to_numpy().tolist() == [
        ["films/lost.png", "missing file"],
        ["films/3.png", "no label"],
        ["films", "missing file"],
    ]


def test_images_beside_the_table(data: Path, put: Callable[..., Path]) -> None:
    put("films/cohort.csv", content=b"image,label,patient\n1.png,COVID-19,P1\n")
    assert TABLE.read(data, path="films/cohort.csv").table["image"].tolist() == ["films/1.png"]
    put("cohort.csv", content=b"image,label,patient\nfilms/1.png,COVID-19,P1\n")
    assert TABLE.read(data).table["image"].tolist() == ["films/1.png"]


def test_a_cohort_that_hilum_wrote_reads_back(data: Path, put: Callable[..., Path]) -> None:
    put("cohort.csv", content=b"image,label,patient\nfilms/1.png,COVID-19,P1\nfilms/2.png,Normal,P2\n")
    before = TABLE.read(data).exclude([1], Reason.CT, "view Axial")
    before.write(data / "cohort.csv")
    after = TABLE.read(data)
    assert after.table["patient"].tolist() == ["table:P1"]
    assert after.exclusions.to_numpy().tolist() == before.exclusions.to_numpy().tolist()
    assert isinstance(after, Cohort)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patient": "pld"}, r"list\.csv: no column 'pld' for the patient; found file, .*Did you mean pid\?"),
        ({"patient": "zzz"}, "no column 'zzz'.*patients are unknown"),
        ({"image": "zzz"}, "no column 'zzz' for the image"),
        ({"age": "pid"}, r"list\.csv: the age .*; found 'P1' in row 0"),
        ({"path": "none.csv"}, r"none\.csv: no such file"),
        ({"images": ".."}, "leads out of the data folder"),
        ({"images": "study"}, "no image can be used; found 5 with missing file"),
    ],
)
def test_what_cannot_be_read_is_explained(data: Path, change: dict[str, str], message: str) -> None:
    options = {"path": "study/list.csv", "images": "films", **COLUMNS, **change}
    with pytest.raises(SourceError, match=message):
        TABLE.read(data, **options)


def test_the_image_may_stand_for_the_patient(data: Path) -> None:
    table = TABLE.read(data, path="study/list.csv", images="films", **COLUMNS | {"patient": "file"}).table
    assert table["patient"].tolist() == ["north:1.png", "table:2.png"]
