"""What one fact of the table tells of the label."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hilum.auditing.probes.metadata import alone, bands, by_label, column


def test_a_few_numbers_stay_as_they_are_and_many_become_tenths():
    assert bands(pd.Series([8, 16, 8])).tolist() == ["8", "16", "8"]
    many = bands(pd.Series(np.arange(1000.0)))
    assert many.nunique() == 10
    assert many.value_counts().unique().tolist() == [100]
    assert many.iloc[-1] == "899.1 to 999"


def test_a_missing_value_has_no_band():
    assert bands(pd.Series([1.0, None, 2.0])).isna().tolist() == [False, True, False]
    assert bands(pd.Series(["a", None])).isna().tolist() == [False, True]


def test_a_column_that_is_not_there_is_missing_throughout(make_subject):
    assert column(make_subject(n=40), "ward").isna().all()


def test_a_fact_that_is_the_label_tells_it_and_one_that_is_constant_tells_nothing(make_subject):
    subject = make_subject(n=60)
    told = alone(subject, pd.Series(subject.labels).map({0: "x", 1: "y"}), "test")
    assert told.part.value == 1
    constant = alone(subject, pd.Series(["x"] * 60), "test")
    assert constant.part.value == 0.5
    assert constant.whole == told.whole


def test_the_prediction_is_the_share_among_the_other_folds(make_subject):
    labels = np.tile([0, 1], 100)
    values = pd.Series(np.where(labels == 1, "high", "low"))
    values[labels.nonzero()[0][:25]] = "low"  # of 100 positives a quarter looks like a negative
    found = alone(make_subject(labels=labels), values, "test")
    assert found.part.value == pytest.approx(0.75 + 0.25 / 2, abs=0.02)


def test_only_rows_where_it_is_known_count_and_ten_of_each_label_are_needed(make_subject):
    subject = make_subject(n=120)
    values = pd.Series(np.random.default_rng(0).integers(20, 90, 120).astype(float))
    values[subject.labels == 0] = np.where(np.arange(60) < 10, values[subject.labels == 0], np.nan)
    found = alone(subject, values, "test")
    assert found.part.n == 70
    assert found.part.low < 0.5 < found.part.high  # that it is known tells the label, and must not count
    values[(subject.labels == 0).nonzero()[0][:1]] = np.nan
    assert alone(subject, values, "test") is None


def test_the_grid_counts_by_label(make_subject):
    labels = np.array([0, 1] * 20)
    values = pd.Series(["b"] * 10 + ["a"] * 29 + [None])
    grid = by_label(make_subject(labels=labels), values, "Letters")
    assert grid.columns == ("", "normal", "covid")
    assert grid.rows == (("a", "15", "14"), ("b", "5", "5"), ("unknown", "0", "1"))
    ages = by_label(make_subject(labels=labels), pd.Series([30.0, 4.0] * 20), "Ages")
    assert ages.rows == (("4", "0", "20"), ("30", "20", "0"))


def test_a_grid_names_ten_values_and_sums_the_others(make_subject):
    values = pd.Series([f"v{number % 15:02}" for number in range(60)])
    grid = by_label(make_subject(n=60), values, "Values")
    assert [row[0] for row in grid.rows][-1] == "5 others"
    assert sum(int(cell) for row in grid.rows for cell in row[1:]) == 60
