from __future__ import annotations

import numpy as np
import pytest

from hilum.metrics import PrCurve, RocCurve, evaluate, pr_curve, roc_curve
from hilum.metrics.intervals import Estimate


def rng():
    return np.random.default_rng(4)


def test_corners_by_hand(build):
    # Sick at 0.9 and 0.5, well at 0.5 and 0.1.
    predictions = build([1, 1, 0, 0], [0.9, 0.5, 0.5, 0.1])
    roc = roc_curve(predictions)["covid"]
    assert roc.false_positive_rate.tolist() == [0, 0, 0.5, 1]
    assert roc.true_positive_rate.tolist() == [0, 0.5, 1, 1]
    assert roc.thresholds.tolist() == [np.inf, 0.9, 0.5, 0.1]
    assert roc.auc.value == 3.5 / 4
    pr = pr_curve(predictions, rng())["covid"]
    assert pr.recall.tolist() == [0, 0.5, 1, 1]
    assert pr.precision.tolist() == pytest.approx([1, 1, 2 / 3, 1 / 2])
    assert pr.thresholds.tolist() == [np.inf, 0.9, 0.5, 0.1]
    assert pr.average_precision.value == pytest.approx((1 + 2 / 3) / 2)
    assert pr.prevalence == 0.5


@pytest.mark.parametrize("k", [2, 3])
def test_areas_and_intervals_are_those_of_the_metrics(drawn, k):
    predictions = drawn(k=k)
    figures = evaluate(predictions, rng())
    rocs, prs = roc_curve(predictions), pr_curve(predictions, rng())
    assert list(rocs) == list(prs) == (["covid"] if k == 2 else list(predictions.classes))
    for name in rocs:
        suffix = "" if k == 2 else "_" + {"COVID-19": "covid_19"}.get(name, name.replace(" ", "_"))
        assert rocs[name].auc == figures["roc_auc" + suffix]
        assert prs[name].average_precision == figures["pr_auc" + suffix]


@pytest.mark.parametrize("k", [2, 3])
def test_the_area_under_the_points_is_the_area(drawn, k):
    predictions = drawn(k=k, n=400)
    for name, roc in roc_curve(predictions).items():
        heights = (roc.true_positive_rate[1:] + roc.true_positive_rate[:-1]) / 2
        assert heights @ np.diff(roc.false_positive_rate) == pytest.approx(roc.auc.value)
        pr = pr_curve(predictions, rng(), resamples=10)[name]
        assert pr.precision[1:] @ np.diff(pr.recall) == pytest.approx(pr.average_precision.value)
        assert pr.prevalence == predictions.table["label"].eq(name).mean()
        for curve in (roc, pr):
            assert curve.thresholds[0] == np.inf
            assert (np.diff(curve.thresholds[1:]) < 0).all()


@pytest.mark.parametrize("labels", [[1, 1], [0, 0], []])
def test_without_both_classes_a_curve_is_empty(build, labels):
    predictions = build(labels, [0.4] * len(labels))
    roc, pr = roc_curve(predictions)["covid"], pr_curve(predictions, rng())["covid"]
    assert roc.thresholds.size == pr.thresholds.size == 0
    assert np.isnan([roc.auc.value, pr.average_precision.value]).all()
    assert pr.prevalence == pytest.approx(labels[0] if labels else np.nan, nan_ok=True)


def test_arrays_must_have_one_length():
    area = Estimate(0.5, 0.4, 0.6, 3)
    with pytest.raises(ValueError, match="differ in length"):
        RocCurve(np.zeros(2), np.zeros(2), np.zeros(3), area)
    with pytest.raises(ValueError, match="differ in length"):
        PrCurve(np.zeros(2), np.zeros(3), np.zeros(3), area, 0.5)
