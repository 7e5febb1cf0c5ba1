from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from hilum.metrics.intervals import Contrast, contrasts, ratio


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
    return Contrast("covid", actual, called, np.array(draw(rows)) / 3), weights


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
            contrast.actual, contrast.called, pos_label=side, sample_weight=weights
        )
        assert found[name][0] == pytest.approx(expected, abs=1e-12)
    for name, side in {"ppv": True, "npv": False}.items():
        expected = metrics.precision_score(
            contrast.actual, contrast.called, pos_label=side, sample_weight=weights, zero_division=np.nan
        )
        assert found[name][0] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    expected = metrics.f1_score(contrast.actual, contrast.called, sample_weight=weights)
    assert found["f1"][0] == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(weighted_rows())
def test_a_weight_is_a_row_repeated(case):
    contrast, weights = case
    rows = np.repeat(np.arange(weights.size), weights.astype(int))
    repeated = Contrast("covid", contrast.actual[rows], contrast.called[rows], contrast.score[rows])
    plain = repeated.values(np.ones((1, rows.size)))
    for name, value in contrast.values(weights[None]).items():
        assert value == pytest.approx(plain[name], nan_ok=True)


def test_each_line_of_weights_is_on_its_own(drawn):
    (contrast,) = contrasts(drawn())
    weights = np.random.default_rng(0).integers(0, 3, size=(5, 120)).astype(float)
    together = contrast.values(weights)
    for line in range(5):
        for name, value in contrast.values(weights[line : line + 1]).items():
            assert together[name][line] == pytest.approx(value[0])


def test_areas_by_hand():
    # Scores of the sick 0.9, 0.5; of the well 0.5, 0.1. Pairs: 1, 1, ½, 1 of 4.
    # Precision at the sick: 1 of 1, then 2 of 3, as the tie is called together.
    contrast = Contrast(
        "covid", np.array([1, 1, 0, 0], bool), np.ones(4, bool), np.array([0.9, 0.5, 0.5, 0.1])
    )
    ones = np.ones((1, 4))
    assert contrast.roc_auc(ones)[0] == 3.5 / 4
    assert contrast.pr_auc(ones)[0] == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize("actual", [True, False])
def test_areas_of_one_class_are_undefined(actual):
    contrast = Contrast("covid", np.full(3, actual), np.ones(3, bool), np.array([0.1, 0.2, 0.3]))
    ones = np.ones((1, 3))
    assert np.isnan([contrast.roc_auc(ones)[0], contrast.pr_auc(ones)[0]]).all()


def test_of_two_classes_only_the_positive_stands_against_the_rest(drawn):
    assert [side.name for side in contrasts(drawn(k=2))] == ["covid"]
    assert [side.name for side in contrasts(drawn(k=3))] == ["COVID-19", "normal", "other infection"]


def test_ratio_is_nan_over_zero():
    assert ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])) == pytest.approx([0.5, np.nan], nan_ok=True)
