"""Predictions made elsewhere, with and without what a run would say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.errors import CohortError
from hilum.metrics import Predictions, read_predictions

PLAIN = pd.DataFrame(
    {"image": ["1.png", "2.png", "3.png"], "label": ["ill", "well", "ill"], "probability": [0.9, 0.2, 0.4]}
)
NAMED = {"classes": ("well", "ill")}


@pytest.fixture
def read(tmp_path):
    def written(table, suffix=".csv", **options):
        path = tmp_path / f"p{suffix}"
        table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path, index=False)
        return read_predictions(path, **options)

    return written


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_least_table_is_completed_and_what_it_lacks_is_named(read, suffix):
    found = read(PLAIN, suffix, classes=("well", "ill"))
    table = found.predictions.table
    assert table["probability_ill"].tolist() == [0.9, 0.2, 0.4]
    assert table["predicted"].tolist() == ["ill", "well", "well"]
    assert table["patient"].tolist() == table["image"].tolist()
    assert set(table["split"]) == {"test"}
    assert set(found.absent) == {"patient", "source", "split", "fold", "predicted"}


def test_a_threshold_decides(read):
    found = read(PLAIN, classes=("well", "ill"), threshold=0.4).predictions
    assert found.table["predicted"].tolist() == ["ill", "well", "ill"]


def test_a_cohort_gives_the_facts_that_the_table_lacks(read):
    facts = pd.DataFrame(
        {"image": ["3.png", "2.png", "1.png", "0.png"], "label": ["ill", "well", "ill", "ill"]}
    ).assign(patient=["c", "b", "a", "z"], source="there")
    found = read(PLAIN.drop(columns="label"), classes=("well", "ill"), facts=facts)
    assert found.predictions.table["label"].tolist() == ["ill", "well", "ill"]
    assert found.predictions.table["patient"].tolist() == ["a", "b", "c"]
    assert set(found.absent) == {"split", "fold", "predicted"}
    with pytest.raises(CohortError, match=r"1 images of the predictions are not in the cohort.*found 2\.png"):
        read(PLAIN, classes=("well", "ill"), facts=facts.drop(index=1))


@pytest.mark.parametrize(
    ("table", "options", "classes"),
    [
        (PLAIN, NAMED, ("well", "ill")),
        (PLAIN.rename(columns={"probability": "probability_ill"}), {}, ("well", "ill")),
        (PLAIN.assign(label=[1, 0, 1]), {}, ("0", "1")),
        (
            PLAIN.assign(probability_ill=PLAIN["probability"], probability_well=1 - PLAIN["probability"]),
            {},
            ("ill", "well"),
        ),
    ],
)
def test_the_positive_class_is_clear(read, table, options, classes):
    found = read(table, **options).predictions
    assert found.classes == classes
    assert found.probabilities[0, classes.index(classes[1])] == pytest.approx(
        0.9 if classes[1] != "well" else 0.1
    )


def test_three_classes_have_a_column_each(read):
    table = pd.DataFrame({"image": ["1", "2"], "label": ["a", "c"]}).assign(
        probability_a=[0.7, 0.1], probability_b=[0.2, 0.1], probability_c=[0.1, 0.8]
    )
    found = read(table, classes=("c", "b", "a")).predictions
    assert found.classes == ("c", "b", "a")
    assert found.table["predicted"].tolist() == ["a", "c"]


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (PLAIN, {}, "not clear which class.*found the labels ill, well. Name both classes.*--classes"),
        (PLAIN.drop(columns="image"), {}, "no column 'image'"),
        (PLAIN.rename(columns={"label": "lable"}), {}, "no column 'label'.*Did you mean lable"),
        (PLAIN.drop(columns="probability"), {}, "no column 'probability'"),
        (
            PLAIN.assign(label=["ill", None, "ill"]),
            NAMED,
            r"1 images have no label.*2\.png",
        ),
        (
            PLAIN.assign(probability=[0.9, None, 0.4]),
            NAMED,
            "no probabilities.*found nan in row 1",
        ),
        (
            PLAIN.assign(probability=[0.9, 4.2, 0.4]),
            NAMED,
            "found '4.2' in row 1. If these are logits",
        ),
        (PLAIN.assign(probability=["high", 0, 1]), NAMED, "found 'high' in row 0"),
        (PLAIN, {"classes": ("a", "b")}, "unknown label"),
        (PLAIN, {"classes": ("a", "b", "c")}, "one column of probabilities"),
        (
            PLAIN.rename(columns={"probability": "probability_ill"}),
            {"classes": ("ill", "well")},
            "positive class of two",
        ),
        (PLAIN.assign(split="holdout"), NAMED, "unknown part.*found 'holdout'"),
        (PLAIN.assign(image="1.png"), NAMED, "twice in a fold"),
        (PLAIN.assign(probability_ill=0.5, probability_well=0.9), {}, "do not sum to 1"),
        (PLAIN.assign(probability_ill=0.5, probability_well=0.5), {"classes": ("a", "b")}, "other classes"),
    ],
)
def test_a_bad_table_is_refused_with_the_reason(read, table, options, message):
    with pytest.raises(CohortError, match=message) as raised:
        read(table, **options)
    assert raised.value.path.name == "p.csv"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.xlsx", b"", "CSV or Parquet file"),
        ("p.csv", b"", "cannot be read"),
        ("p.csv", b"\xff\xfe\x00", "cannot be read"),
        ("p.parquet", b"no", "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CohortError, match=message):
        read_predictions(tmp_path / name)
    with pytest.raises(CohortError, match="there are no such predictions"):
        read_predictions(tmp_path / "gone.csv")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_run_s_own_table_comes_back_unchanged(tmp_path_factory, values):
    positive = np.array(values)
    table = pd.DataFrame(
        {
            "image": [f"{row}.png" for row in range(len(values))],
            "patient": "p",
            "source": "s",
            "split": "train",
            "fold": 0,
            "label": "ill",
            "probability_well": 1 - positive,
            "probability_ill": positive,
            "predicted": "well",
        }
    )
    written = Predictions(table, ("well", "ill"))
    path = tmp_path_factory.getbasetemp() / "own.csv"
    written.write(path)
    found = read_predictions(path)
    pd.testing.assert_frame_equal(found.predictions.table, written.table)
    assert not found.absent
