from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logit

from hilum.metrics import (
    SCREENING_PREVALENCE,
    Estimate,
    PrCurve,
    RocCurve,
    evaluate,
    pr_curve,
    predictive_values,
    prevalence_curve,
    roc_curve,
)


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


SENSITIVITY = Estimate(0.9, 0.82, 0.95, n=100)
SPECIFICITY = Estimate(0.8, 0.74, 0.85, n=200)


def test_values_by_hand():
    # Of 1,000 people 100 are ill: 90 found, 180 false alarms; 720 of 730 all-clears are right.
    point = predictive_values(SENSITIVITY, SPECIFICITY, 0.1)
    assert point.ppv.value == pytest.approx(90 / 270)
    assert point.npv.value == pytest.approx(720 / 730)
    assert point.ppv.n == point.npv.n == 300


def test_intervals_by_hand():
    # var logit PPV = (1 - Se) / (Se n1) + Sp / ((1 - Sp) n0) = 0.1 / 90 + 0.8 / 40
    point = predictive_values(SENSITIVITY, SPECIFICITY, 0.1)
    half = 1.959964 * math.sqrt(0.1 / 90 + 0.8 / 40)
    assert logit(point.ppv.low) == pytest.approx(logit(1 / 3) - half, abs=1e-6)
    assert logit(point.ppv.high) == pytest.approx(logit(1 / 3) + half, abs=1e-6)
    half = 1.959964 * math.sqrt(0.9 / 10 + 0.2 / 160)
    assert logit(point.npv.low) == pytest.approx(logit(720 / 730) - half, abs=1e-6)
    assert logit(point.npv.high) == pytest.approx(logit(720 / 730) + half, abs=1e-6)


def test_the_interval_covers():
    rng = np.random.default_rng(0)
    truth = 0.05 * 0.85 / (0.05 * 0.85 + 0.95 * 0.1)
    found = 0
    for _ in range(1000):
        hits, alarms = rng.binomial(80, 0.85), rng.binomial(120, 0.1)
        rates = Estimate(hits / 80, 0, 1, 80), Estimate(1 - alarms / 120, 0, 1, 120)
        ppv = predictive_values(*rates, 0.05).ppv
        found += ppv.low <= truth <= ppv.high
    assert 930 <= found <= 975


def test_a_perfect_classifier_has_an_interval_all_the_same():
    point = predictive_values(Estimate(1, 0.9, 1, 33), Estimate(1, 0.85, 1, 22), 0.02)
    assert point.ppv.value == point.ppv.high == point.npv.value == 1
    # (22 + z2/2) / (22 + z2) of the healthy, (33 + z2/2) / (33 + z2) of the ill
    z2 = 1.959964**2
    false, true = 1 - (22 + z2 / 2) / (22 + z2), (33 + z2 / 2) / (33 + z2)
    centre = true * 0.02 / (true * 0.02 + false * 0.98)
    half = math.sqrt(z2 * ((1 - true) / (true * (33 + z2)) + (1 - false) / (false * (22 + z2))))
    assert logit(point.ppv.low) == pytest.approx(logit(centre) - half, abs=1e-6)


def test_more_of_the_sick_mean_better_alarms_and_worse_all_clears(drawn):
    curve = prevalence_curve(drawn(n=200))
    ppv, npv = ([getattr(point, name).value for point in curve.points] for name in ("ppv", "npv"))
    assert (np.diff(ppv) > 0).all()
    assert (np.diff(npv) < 0).all()
    at = [point.prevalence for point in curve.points]
    assert at == sorted(set(at))
    assert at[0] == pytest.approx(0.001)
    assert {SCREENING_PREVALENCE, curve.cohort} <= set(at)


def test_at_the_cohort_s_prevalence_they_are_the_cohort_s(drawn):
    predictions = drawn(n=200)
    curve = prevalence_curve(predictions)
    called, sick = predictions.predicted == 1, predictions.labels == 1
    assert curve.cohort == sick.mean()
    assert curve.at(curve.cohort).ppv.value == pytest.approx(sick[called].mean())
    assert curve.at(curve.cohort).npv.value == pytest.approx((~sick)[~called].mean())
    with pytest.raises(KeyError):
        curve.at(0.123)


@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_without_both_classes_there_is_no_curve(build, labels):
    curve = prevalence_curve(build(labels, [0.4] * len(labels)))
    assert curve.points == ()
    assert curve.cohort == pytest.approx(labels[0] if labels else np.nan, nan_ok=True)


def test_never_an_alarm_has_no_ppv(build):
    curve = prevalence_curve(build([0, 1, 1], [0.1, 0.2, 0.3]))
    assert math.isnan(curve.at(SCREENING_PREVALENCE).ppv.value)
    assert curve.at(SCREENING_PREVALENCE).npv.value == pytest.approx(0.98)


def test_what_makes_no_sense_is_refused(drawn):
    for prevalence in (0, 1, -0.1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            predictive_values(SENSITIVITY, SPECIFICITY, prevalence)
    with pytest.raises(ValueError, match="expected two classes"):
        prevalence_curve(drawn(k=3))
