from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from hilum.errors import CohortError, RunError
from hilum.metrics import OneVsRest, Predictions, one_vs_rest
from hilum.metrics.predictions import ratio


def test_parts_come_in_order_whatever_the_rows_do(drawn):
    predictions = drawn(n=6, split=["test", "train", "test", "validation", "train", "train"])
    assert predictions.parts == ("train", "validation", "test")
    assert [len(predictions.part(name)) for name in predictions.parts] == [3, 1, 2]
    assert predictions.part("test").images.tolist() == ["0.png", "2.png"]


def test_a_part_without_rows_is_empty(drawn):
    empty = drawn().part("train")
    assert len(empty) == 0
    assert empty.probabilities.shape == (0, 2)
    assert empty.parts == ()


def test_an_unknown_part_is_refused(drawn):
    with pytest.raises(ValueError, match="found 'tset'"):
        drawn().part("tset")


def test_codes_follow_the_order_of_the_classes(build):
    predictions = build([1, 0, 1], [0.9, 0.2, 0.4])
    assert predictions.labels.tolist() == [1, 0, 1]
    assert predictions.predicted.tolist() == [1, 0, 0]
    assert predictions.probabilities[0] == pytest.approx([0.1, 0.9])


def test_of_two_classes_the_second_is_positive(drawn):
    assert drawn(k=2).positive == "covid"
    assert drawn(k=3).positive is None


def test_the_table_is_a_copy(drawn):
    table = drawn().table.copy()
    predictions = Predictions(table, ("normal", "covid"))
    table.loc[0, "label"] = "changed"
    assert "changed" not in set(predictions.table["label"])


def test_columns_are_put_in_order(drawn):
    table = drawn().table
    assert list(table) == [
        "image", "patient", "source", "split", "fold", "label",
        "probability_normal", "probability_covid", "predicted",
    ]  # fmt: skip
    turned = Predictions(table[list(table)[::-1]].set_index(table["image"]), ("normal", "covid"))
    pd.testing.assert_frame_equal(turned.table, table)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("split", "dev", "unknown split; expected train or validation or test, found dev"),
        ("label", "cat", "unknown label"),
        ("predicted", "cat", "unknown predicted"),
        ("fold", -1, "folds count from 0; found -1"),
        ("fold", "one", "not numbers"),
        ("probability_covid", 1.2, r"outside \[0, 1\]; found 1.2"),
        ("probability_covid", "high", "not numbers"),
        ("probability_covid", float("nan"), "missing values"),
        ("patient", None, "missing values"),
        ("image", "0.png", "twice in a fold; found 0.png"),
    ],
)
def test_wrong_content_is_refused(drawn, column, value, message):
    table = drawn(n=4).table.astype(object)
    table.loc[3, column] = value
    with pytest.raises(CohortError, match=message):
        Predictions(table, ("normal", "covid"))


def test_probabilities_must_sum_to_one(drawn):
    table = drawn(n=4).table
    table.loc[2, ["probability_normal", "probability_covid"]] = 0.5, 0.4995
    Predictions(table, ("normal", "covid"))
    table.loc[2, "probability_covid"] = 0.498
    with pytest.raises(CohortError, match="do not sum to 1"):
        Predictions(table, ("normal", "covid"))


@pytest.mark.parametrize("columns", [{"extra": 1}, {}])
def test_other_columns_are_refused(drawn, columns):
    table = drawn().table.assign(**columns)
    table = table if columns else table.drop(columns="source")
    with pytest.raises(CohortError, match="wrong columns; expected image, patient, source"):
        Predictions(table, ("normal", "covid"))


@pytest.mark.parametrize(
    "classes", [(), ("covid",), ("covid", "covid"), ("COVID-19", "covid 19"), ("+", "a")]
)
def test_classes_must_be_told_apart(drawn, classes):
    with pytest.raises(CohortError, match="not distinct"):
        Predictions(drawn().table, classes)


@pytest.mark.parametrize("column", ["label", "patient"])
def test_an_image_is_the_same_in_every_fold(build, column):
    columns = {"image": ["a", "b", "a"], "fold": [0, 0, 1], "patient": ["1", "2", "1"]}
    build([0, 1, 0], [0.1, 0.9, 0.2], **columns)
    changed = {"patient": ["1", "2", "3"]} if column == "patient" else {"label": ["normal", "covid", "covid"]}
    with pytest.raises(CohortError, match="differs between folds; found a"):
        build([0, 1, 0], [0.1, 0.9, 0.2], **columns | changed)


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@settings(deadline=None, max_examples=60)
@given(st.lists(text, min_size=3, max_size=3, unique=True), st.floats(0, 1))
def test_csv_gives_the_table_back_to_the_last_bit(build, tmp_path_factory, names, share):
    predictions = build([0, 1, 1], [share, share / 3, 1 / 3], image=names, patient=names, source=names)
    path = tmp_path_factory.getbasetemp() / "predictions.csv"
    predictions.write(path)
    again = Predictions.read(path)
    assert again.classes == predictions.classes
    pd.testing.assert_frame_equal(again.table, predictions.table, check_exact=True)


def test_csv_keeps_names_that_look_like_something_else(build, tmp_path):
    predictions = build([0, 1, 1], [0.1, 0.8, 0.9], patient=["007", "NA", "1e5"], source=["", "nan", "null"])
    predictions.write(tmp_path / "predictions.csv")
    again = Predictions.read(tmp_path / "predictions.csv")
    assert again.patients.tolist() == ["007", "NA", "1e5"]
    assert again.table["source"].tolist() == ["", "nan", "null"]


def test_csv_keeps_three_classes_and_no_rows(drawn, tmp_path):
    drawn(k=3).part("train").write(tmp_path / "predictions.csv")
    again = Predictions.read(tmp_path / "predictions.csv")
    assert again.classes == ("COVID-19", "normal", "other infection")
    assert len(again) == 0


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b'"open\n1'])
def test_a_file_that_is_no_table_of_predictions_is_named(tmp_path, content):
    path = tmp_path / "predictions.csv"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"predictions\.csv: ") as caught:
        Predictions.read(path)
    assert caught.value.path == path


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RunError, match=r"none\.csv: predictions cannot be read"):
        Predictions.read(tmp_path / "none.csv")


def test_rows_keep_their_probabilities(drawn):
    predictions = drawn(k=3)
    column = predictions.table["probability_normal"].to_numpy()
    assert np.array_equal(predictions.probabilities[:, 1], column)


@st.composite
def weighted_rows(draw):
    """A contrast with many ties, and weights under which both classes have rows."""
    n = draw(st.integers(2, 40))
    rows = st.lists(st.integers(0, 3), min_size=n, max_size=n)
    actual = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    actual[:2] = True, False
    called = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    weights = np.array(draw(rows), float)
    weights[:2] += 1
    return OneVsRest("covid", actual, called, np.array(draw(rows)) / 3), weights


@settings(deadline=None)
@given(weighted_rows())
def test_areas_agree_with_scikit_learn(case):
    contrast, weights = case
    found = contrast.values(weights[None])
    roc = metrics.roc_auc_score(contrast.actual, contrast.score, sample_weight=weights)
    precision = metrics.average_precision_score(contrast.actual, contrast.score, sample_weight=weights)
    assert found["roc_auc"][0] == pytest.approx(roc, abs=1e-12)
    assert found["pr_auc"][0] == pytest.approx(precision, abs=1e-12)


@settings(deadline=None)
@given(weighted_rows())
def test_rates_agree_with_scikit_learn(case):
    contrast, weights = case
    found = contrast.values(weights[None])
    sides = {"sensitivity": True, "specificity": False}
    for name, side in sides.items():
        expected = metrics.recall_score(
            contrast.actual, contrast.predicted, pos_label=side, sample_weight=weights
        )
        assert found[name][0] == pytest.approx(expected, abs=1e-12)
    for name, side in {"ppv": True, "npv": False}.items():
        expected = metrics.precision_score(
            contrast.actual, contrast.predicted, pos_label=side, sample_weight=weights, zero_division=np.nan
        )
        assert found[name][0] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    expected = metrics.f1_score(contrast.actual, contrast.predicted, sample_weight=weights)
    assert found["f1"][0] == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(weighted_rows())
def test_a_weight_is_a_row_repeated(case):
    contrast, weights = case
    rows = np.repeat(np.arange(weights.size), weights.astype(int))
    repeated = OneVsRest("covid", contrast.actual[rows], contrast.predicted[rows], contrast.score[rows])
    plain = repeated.values(np.ones((1, rows.size)))
    for name, value in contrast.values(weights[None]).items():
        assert value == pytest.approx(plain[name], nan_ok=True)


def test_each_line_of_weights_is_on_its_own(drawn):
    (contrast,) = one_vs_rest(drawn())
    weights = np.random.default_rng(0).integers(0, 3, size=(5, 120)).astype(float)
    together = contrast.values(weights)
    for line in range(5):
        for name, value in contrast.values(weights[line : line + 1]).items():
            assert together[name][line] == pytest.approx(value[0])


def test_areas_by_hand():
    # Scores of the sick 0.9, 0.5; of the well 0.5, 0.1. Pairs: 1, 1, ½, 1 of 4.
    # Precision at the sick: 1 of 1, then 2 of 3, as the tie is called together.
    contrast = OneVsRest(
        "covid", np.array([1, 1, 0, 0], bool), np.ones(4, bool), np.array([0.9, 0.5, 0.5, 0.1])
    )
    ones = np.ones((1, 4))
    assert contrast.roc_auc(ones)[0] == 3.5 / 4
    assert contrast.pr_auc(ones)[0] == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize("actual", [True, False])
def test_areas_of_one_class_are_undefined(actual):
    contrast = OneVsRest("covid", np.full(3, actual), np.ones(3, bool), np.array([0.1, 0.2, 0.3]))
    ones = np.ones((1, 3))
    assert np.isnan([contrast.roc_auc(ones)[0], contrast.pr_auc(ones)[0]]).all()


def test_of_two_classes_only_the_positive_stands_against_the_rest(drawn):
    assert [side.name for side in one_vs_rest(drawn(k=2))] == ["covid"]
    assert [side.name for side in one_vs_rest(drawn(k=3))] == ["COVID-19", "normal", "other infection"]


def test_ratio_is_nan_over_zero():
    assert ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])) == pytest.approx([0.5, np.nan], nan_ok=True)
