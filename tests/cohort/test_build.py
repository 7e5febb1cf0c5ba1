"""Cohorts by a recipe's selections, with checked images, and from a user's table or folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hilum.cohort import Cohort, build, check, locate, source
from hilum.errors import CohortError, SourceError
from hilum.files import hash_file
from hilum.recipe import load
from hilum.recipe.settings import CohortSettings


def settings(*select: dict[str, Any], classes: tuple[str, ...] = ("a", "b"), **more: Any) -> CohortSettings:
    return CohortSettings.model_validate({"classes": list(classes), "select": list(select), **more})


def folder(label: str, limit: int | None = None, /, **where: list[str]) -> dict[str, Any]:
    where = {"finding": [label]} | where
    return {"source": "folder", "label": label, "where": where, "limit": limit}


def reasons(cohort: Cohort) -> dict[str, tuple[str, str]]:
    rows = cohort.exclusions.itertuples()
    return {row.image: (row.reason, row.detail) for row in rows}


@pytest.fixture
def two(put: Callable[..., Path]) -> Path:
    """Classes a and b of four images each; b/1 and a/3 are copies of a/1."""
    put(*(f"{label}/{number}.png" for label in "ab" for number in range(4)))
    return put("a/1.png", "a/3.png", "b/1.png", content=b"the same")


def test_order_labels_and_hashes(two: Path) -> None:
    cohort = build(settings(folder("b"), folder("a"), duplicates="keep"), two)
    assert cohort.table["image"].tolist() == [
        f"{label}/{number}.png" for label in "ba" for number in range(4)
    ]
    assert cohort.table["sha256"].tolist() == [hash_file(path) for path in cohort.paths]
    assert cohort.exclusions.empty


def test_duplicates_go_before_the_limit(two: Path) -> None:
    cohort = build(settings(folder("a", 3), folder("b", 2)), two)
    assert cohort.table["image"].tolist() == ["a/0.png", "a/1.png", "a/2.png", "b/0.png", "b/2.png"]
    assert reasons(cohort) == {
        "a/3.png": ("beyond the limit", "the first 3 are in use"),
        "b/1.png": ("duplicate", "of a/1.png, labelled a"),
        "b/3.png": ("beyond the limit", "the first 2 are in use"),
    }


def test_a_copy_beyond_the_limit_does_not_take_anothers_place(put: Callable[..., Path]) -> None:
    put("a/0.png", "b/0.png")
    data = put("a/1.png", "b/1.png", content=b"the same")
    cohort = build(settings(folder("a", 1), folder("b")), data)
    assert cohort.table["image"].tolist() == ["a/0.png", "b/0.png", "b/1.png"]


def test_every_row_of_every_source_is_accounted_for(cohen: Path, kermany: Path) -> None:
    chosen = settings(
        {
            "source": "cohen",
            "label": "a",
            "where": {"finding": ["COVID-19"], "projection": ["frontal"]},
            "limit": 1,
        },
        {"source": "kermany", "label": "b", "where": {"publisher_split": ["train"], "finding": ["NORMAL"]}},
    )
    cohort = build(chosen, cohen)
    assert cohort.table["label"].tolist() == ["a", "b", "b", "b"]
    assert cohort.table["finding"].tolist() == ["COVID-19", "NORMAL", "NORMAL", "NORMAL"]
    assert reasons(cohort) == {
        "cohen/images/e.png": ("CT", "view Axial"),
        "cohen/volumes/f.nii.gz": ("CT", "view Coronal"),
        "cohen/images/lost.png": ("missing file", ""),
        "cohen/images/g.png": ("uncertain label", "finding todo"),
        "cohen/images/b.png": ("beyond the limit", "the first 1 are in use"),
        "cohen/images/c.jpg": ("lateral view", ""),
        "cohen/images/D.jpg": ("not selected", "finding is SARS"),
        "cohen/images/h.png": ("not selected", "projection is other"),
        "cohen/images/i.png": ("not selected", "finding is No Finding"),
        "kermany/chest_xray/readme.txt": ("no label", "not in NORMAL or PNEUMONIA"),
        **{
            f"kermany/chest_xray/{name}": ("not selected", detail)
            for name, detail in (
                ("test/NORMAL/odd name.jpeg", "publisher_split is test"),
                ("test/PNEUMONIA/person7_virus_1.jpeg", "publisher_split is test"),
                ("train/PNEUMONIA/person1000_bacteria_2931.jpeg", "finding is PNEUMONIA"),
                ("train/PNEUMONIA/person1000_virus_1681.jpeg", "finding is PNEUMONIA"),
            )
        },
    }


def test_two_selections_of_one_source(cohen: Path) -> None:
    chosen = settings(
        {"source": "cohen", "label": "a", "where": {"finding": ["COVID-19"]}, "limit": 1},
        {"source": "cohen", "label": "b", "where": {"finding": ["SARS", "No Finding"]}},
    )
    cohort = build(chosen, cohen)
    assert cohort.table["image"].str[-5:].tolist() == [".jpeg", "D.jpg", "i.png"]
    assert reasons(cohort)["cohen/images/b.png"][0] == "beyond the limit"  # not overwritten by the second
    assert len(cohort) + len(cohort.exclusions) == 10


def test_each_source_is_read_once(cohen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    original = type(source("cohen")).read

    def counted(self: Any, *args: Any, **options: Any) -> Cohort:
        read.append(self.name)
        return original(self, *args, **options)

    monkeypatch.setattr(type(source("cohen")), "read", counted)
    covid = {"source": "cohen", "label": "a", "where": {"finding": ["COVID-19"]}}
    build(settings(covid, covid | {"label": "b", "where": {"finding": ["SARS"]}}), cohen)
    assert read == ["cohen"]


def test_own_labels_that_are_no_class_are_left_out(two: Path) -> None:
    cohort = build(settings({"source": "folder"}, classes=("b", "c"), duplicates="keep"), two)
    assert set(cohort.table["label"]) == {"b"}
    assert reasons(cohort)["a/0.png"] == ("not selected", "label is a")


def test_numbers_compare_as_numbers(cohen: Path) -> None:
    chosen = settings({"source": "cohen", "label": "a", "where": {"age": ["65", "41.0"]}})
    assert build(chosen, cohen).table["age"].tolist() == [65.0, 65.0, 41.0, 41.0]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (
            folder("a", findng=["a"]),
            r"'folder' has no column 'findng'.*Did you mean finding\?",
        ),
        (folder("a", label=["A"]), r"matches nothing; expected finding a and label A, .*Did you mean a\?"),
        (folder("a", label=["zebra"]), "The column label holds a, b"),
        (folder("a") | {"source": "foldr"}, r"no source 'foldr'.*Did you mean folder\?"),
        ({"source": "folder"}, "matches nothing; expected label x or y"),
    ],
)
def test_an_impossible_selection_is_explained(two: Path, selection: dict[str, Any], message: str) -> None:
    classes = ("a", "b") if selection.get("label") else ("x", "y")
    with pytest.raises(CohortError, match=message):
        build(settings(selection, classes=classes), two)


def test_one_image_has_one_label(two: Path) -> None:
    both = {"source": "folder", "where": {"finding": ["a"]}}
    with pytest.raises(
        CohortError, match=r"a/0\.png: two selections give one image two labels; found 'a' and 'b'"
    ):
        build(settings(both | {"label": "a"}, both | {"label": "b"}), two)


def test_an_image_selected_twice_is_in_use_once(two: Path) -> None:
    cohort = build(settings(folder("a", 2), folder("a"), duplicates="keep"), two)
    assert cohort.table["image"].tolist() == [f"a/{number}.png" for number in range(4)]


def test_a_missing_source_is_the_sources_own_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="hilum cohort fetch cohen"):
        build(settings({"source": "cohen", "label": "a"}), tmp_path)


def test_progress_counts_the_rows_in_use(two: Path) -> None:
    class Listener:
        def __init__(self) -> None:
            self.seen: list[tuple[str, int | None, int]] = []

        def track(self, items: Iterable[Any], *, what: str, total: int | None = None) -> Iterator[Any]:
            count = 0
            for item in items:
                count += 1
                yield item
            self.seen.append((what, total, count))

        def say(self, message: str) -> None: ...

    listener = Listener()
    build(settings(folder("a", 2), folder("b"), duplicates="keep"), two, listener)
    assert listener.seen == [("Hashing folder", 2, 2), ("Hashing folder", 4, 4)]


@pytest.mark.real
def test_the_tutorials_275_images(real_data: Path) -> None:
    cohort = build(load("tutorial-model-1").cohort, real_data)
    assert cohort.summary().to_numpy().tolist() == [
        ["COVID-19", "cohen", 175, 118],
        ["Normal", "kermany", 100, 98],
    ]
    normal = cohort.table["image"].iloc[175:]
    on_disk = sorted(path.name for path in (real_data / "kermany/chest_xray/train/NORMAL").iterdir())
    assert [Path(image).name for image in normal] == on_disk[:100]
    assert len(cohort) + len(cohort.exclusions) == 758 + 843


@pytest.mark.real
def test_the_one_copy_in_cohen(real_data: Path) -> None:
    cohort = build(load("covid-vs-normal").cohort, real_data)
    assert cohort.table["label"].value_counts().to_dict() == {"COVID-19": 422, "Normal": 403}
    assert (cohort.exclusions["reason"] == "duplicate").sum() == 1


@pytest.fixture
def checkable(put: Callable[..., Path], tmp_path: Path) -> Cohort:
    noise = np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "film.png")
    Image.fromarray(noise).save(tmp_path / "jpeg-by-content.png", format="JPEG")
    put("empty.png", content=b"")
    put("words.jpg", content=b"no picture")
    images = ["film.png", "empty.png", "jpeg-by-content.png", "words.jpg"]
    table = pd.DataFrame({"image": images, "label": "a", "patient": images, "source": "s", "rows": 1})
    return Cohort.of(table, tmp_path)


def test_the_table_gets_the_headers_columns(checkable: Cohort, tmp_path: Path) -> None:
    table = check(checkable).table
    assert table["image"].tolist() == ["film.png", "jpeg-by-content.png"]
    assert table[["format", "rows", "columns", "mode", "bits"]].to_numpy().tolist() == [
        ["PNG", 40, 50, "L", 8],
        ["JPEG", 40, 50, "L", 8],
    ]
    assert table["bytes"].tolist() == [(tmp_path / image).stat().st_size for image in table["image"]]


def test_what_cannot_be_read_is_left_out_with_its_cause(checkable: Cohort, tmp_path: Path) -> None:
    exclusions = check(checkable).exclusions
    assert exclusions[["image", "reason"]].to_numpy().tolist() == [
        ["empty.png", "unreadable"],
        ["words.jpg", "unreadable"],
    ]
    assert exclusions["detail"].str.len().gt(5).all()
    assert not exclusions["detail"].str.contains(str(tmp_path)).any()


def test_checking_twice_changes_nothing(checkable: Cohort) -> None:
    once = check(checkable)
    twice = check(once)
    pd.testing.assert_frame_equal(once.table, twice.table)
    pd.testing.assert_frame_equal(once.exclusions, twice.exclusions)


@pytest.fixture
def hospital(tmp_path):
    """Return a folder with two classes of one image each, and a table of them beside."""
    for label in ("covid", "normal"):
        (tmp_path / "images" / label).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "images" / label / "1.png")
    table = pd.DataFrame(
        {"image": ["covid/1.png", "normal/1.png"], "label": ["covid", "normal"], "patient": ["a", "b"]}
    )
    table.to_csv(tmp_path / "hospital.csv", index=False)
    return tmp_path


def test_paths_are_relative_to_the_named_folder(hospital):
    cohort = locate(hospital / "hospital.csv", hospital / "images")
    assert all(path.is_file() for path in cohort.paths)
    assert cohort.table["source"].unique().tolist() == ["hospital"]


def test_paths_are_relative_to_the_tables_folder_by_default(hospital):
    table = hospital / "hospital.csv"
    table.rename(hospital / "images" / "hospital.csv")
    assert locate(hospital / "images" / "hospital.csv").root == hospital / "images"


def test_paths_are_relative_to_the_default_data_folder(hospital, monkeypatch):
    monkeypatch.chdir(hospital)
    (hospital / "images").rename(hospital / "data")
    assert locate("hospital.csv").paths[0].is_file()


def test_each_subfolder_is_a_class(hospital):
    cohort = locate(hospital / "images")
    assert cohort.table["label"].tolist() == ["covid", "normal"]
    assert all(path.is_file() for path in cohort.paths)


def test_missing_images_are_named_with_the_folders_searched(hospital):
    with pytest.raises(CohortError, match=r"not found; expected covid/1\.png below .*elsewhere.*--data"):
        locate(hospital / "hospital.csv", hospital / "elsewhere")


def test_a_table_without_patients_says_what_to_do(hospital):
    pd.read_csv(hospital / "hospital.csv").drop(columns="patient").to_csv(hospital / "bare.csv", index=False)
    with pytest.raises(CohortError, match=r"lacks patient.*repeat the image's path"):
        locate(hospital / "bare.csv", hospital / "images")
