from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hilum.cohort import Cohort, Reason
from hilum.errors import CohortError


def table(**columns: object) -> pd.DataFrame:
    rows = {
        "image": ["a/1.png", "a/2.png", "b/3.png"],
        "label": ["COVID-19", "Normal", "COVID-19"],
        "patient": ["a:1", "a:1", "b:1"],
        "source": ["a", "a", "b"],
    }
    return pd.DataFrame(rows | columns)


def cohort(**columns: object) -> Cohort:
    return Cohort.of(table(**columns), Path("data"))


@pytest.mark.parametrize("name", ["image", "label", "patient", "source"])
def test_required_columns(name: str) -> None:
    with pytest.raises(CohortError, match=rf"lacks {name}; expected image, label, patient, source, found"):
        Cohort.of(table().drop(columns=name), Path())


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": ["a", "b", "a"]}, "an image is listed twice; found 'a' in row 2"),
        ({"image": ["/a", "b", "c"]}, "stay below the data folder; found '/a' in row 0"),
        ({"image": ["a", "b/../../c", "c"]}, "stay below.*row 1"),
        ({"image": ["a", "b", "./c"]}, "stay below.*row 2"),
        ({"image": ["C:\\a", "b", "c"]}, "stay below.*row 0"),
        ({"label": ["COVID-19", " ", "COVID-19"]}, "the label is empty; found 'a/2.png' in row 1"),
        ({"patient": [None, None, "x"]}, "the patient is empty; found 'a/1.png' in row 0, and 1 more"),
        ({"age": [1.0, 131.0, None]}, "from 0 to 130; found .*131.0.* in row 1"),
        ({"age": [-1.0, 1.0, None]}, r"age .*found -1\.0 in row 0"),
        ({"sex": ["F", "X", None]}, "sex .*F or M; found 'X' in row 1"),
        ({"exclusion": ["", "", ""]}, "reserved names; found exclusion"),
    ],
)
def test_values_are_checked(columns: dict[str, object], message: str) -> None:
    with pytest.raises(CohortError, match=message):
        cohort(**columns)


def test_unknown_reason_is_refused() -> None:
    exclusions = pd.DataFrame({"image": ["z"], "source": ["a"], "reason": ["whim"], "detail": [""]})
    with pytest.raises(
        CohortError, match=r"reason of an exclusion is unknown; expected CT, .*, found 'whim'"
    ):
        Cohort(table(), exclusions, Path())


def test_two_columns_of_one_name_are_refused() -> None:
    twice = pd.concat([table(), table()[["label"]]], axis=1)
    with pytest.raises(CohortError, match="columns of the same name; found label"):
        Cohort.of(twice, Path())


def test_excluding_moves_rows_in_order() -> None:
    out = cohort().exclude(np.array([True, False, True]), Reason.UNREADABLE, ["empty", "cut short"])
    assert out.table["image"].tolist() == ["a/2.png"]
    assert out.exclusions.to_numpy().tolist() == [
        ["a/1.png", "a", "unreadable", "empty"],
        ["b/3.png", "b", "unreadable", "cut short"],
    ]
    again = out.exclude([0], Reason.CT)
    assert len(again) == 0
    assert again.exclusions["image"].tolist() == ["a/1.png", "b/3.png", "a/2.png"]


def test_excluding_nothing_changes_nothing() -> None:
    out = cohort().exclude([], Reason.CT)
    pd.testing.assert_frame_equal(out.table, cohort().table)
    assert out.exclusions.empty


def test_summary_counts_images_and_patients() -> None:
    assert cohort().summary().to_numpy().tolist() == [
        ["COVID-19", "a", 1, 1],
        ["Normal", "a", 1, 1],
        ["COVID-19", "b", 1, 1],
    ]


def test_paths_start_from_the_root() -> None:
    assert cohort().paths[2] == Path("data/b/3.png")


def same(one: Cohort, other: Cohort) -> None:
    pd.testing.assert_frame_equal(one.table, other.table)
    pd.testing.assert_frame_equal(one.exclusions, other.exclusions)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".CSV"])
def test_a_file_gives_the_same_cohort_back(tmp_path: Path, suffix: str) -> None:
    before = cohort(
        age=[1.5, None, 80],
        sex=["F", None, "M"],
        exposure=[0.1, 1 / 3, 1e-300],
        kv=[80, None, 110],
        boxed=[True, False, None],
        ward=["007", "", None],
        note=['a "quoted", line\nbreak', "NA", "null"],
        nothing=[None, None, None],
    ).exclude([1], Reason.DUPLICATE, "of a/1.png, labelled COVID-19")
    before.write(tmp_path / f"cohort{suffix}")
    same(before, Cohort.read(tmp_path / f"cohort{suffix}", Path("data")))


CELLS = st.one_of(
    st.none(),
    st.floats(),
    st.integers(-(2**70), 2**70),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4),
)


@settings(max_examples=30, deadline=None)
@example([None, "\r", None], ".csv")
@given(st.lists(CELLS, min_size=3, max_size=3), st.sampled_from([".csv", ".parquet"]))
def test_any_column_comes_back(
    tmp_path_factory: pytest.TempPathFactory, cells: list[object], suffix: str
) -> None:
    path = tmp_path_factory.mktemp("cohort") / f"cohort{suffix}"
    before = cohort(extra=pd.Series(cells, dtype=object)).exclude([2], Reason.NO_LABEL, "x")
    before.write(path)
    same(before, Cohort.read(path, Path("data")))


def test_excluded_rows_are_in_the_file(tmp_path: Path) -> None:
    cohort().exclude([0], Reason.CT, "view Axial").write(tmp_path / "c.csv")
    assert (tmp_path / "c.csv").read_text().splitlines() == [
        "image,label,patient,source,exclusion,exclusion_detail",
        "a/2.png,Normal,a:1,a,,",
        "b/3.png,COVID-19,b:1,b,,",
        "a/1.png,,,a,CT,view Axial",
    ]


def test_a_cohort_may_be_empty(tmp_path: Path) -> None:
    empty = cohort(age=[1, 2, 3]).exclude([0, 1, 2], Reason.UNREADABLE)
    empty.write(tmp_path / "c.csv")
    same(empty, Cohort.read(tmp_path / "c.csv", Path()))


def test_a_plain_table_reads(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "c.csv", index=False)
    assert len(Cohort.read(tmp_path / "c.csv", Path())) == 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.csv", b"image,label\na,b\n", r"c\.csv: the cohort's table lacks patient, source"),
        ("c.csv", b"", r"c\.csv: not a csv table"),
        ("c.csv", b"\xff\xfe\x00a", r"c\.csv: not a csv table"),
        ("c.parquet", b"PAR1 nonsense", r"c\.parquet: not a parquet table"),
        ("c.xlsx", b"x", r"expected \.csv or \.parquet, found \.xlsx"),
        ("c", b"x", "found no suffix"),
    ],
)
def test_what_is_no_cohort_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CohortError, match=message):
        Cohort.read(tmp_path / name, Path())


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match=r"c\.csv: .*does not exist"):
        Cohort.read(tmp_path / "c.csv", Path())


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.csv"
    cohort().write(path)
    before = path.read_bytes()

    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        cohort().write(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["c.csv"]
