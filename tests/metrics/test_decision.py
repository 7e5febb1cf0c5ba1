from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from hilum.files import write_json
from hilum.metrics import DecisionCurve, Estimate, Predictions, clinical, decision_curve, operating_points
from hilum.metrics.decision import THRESHOLDS


def rng():
    return np.random.default_rng(5)


def at(curve, threshold):
    place = curve.thresholds.index(threshold)
    return curve.model[place], curve.treat_all[place]


def test_net_benefit_by_hand(build):
    # At 0.2: called 0.9, 0.3 (ill), 0.2 (well); (2 - 1 / 4) / 5. All: (3 - 2 / 4) / 5.
    predictions = build([1, 1, 1, 0, 0], [0.9, 0.3, 0.1, 0.2, 0.05])
    model, everyone = at(decision_curve(predictions, rng(), 50), 0.2)
    assert model.value == pytest.approx((2 - 0.25) / 5)
    assert everyone.value == pytest.approx((3 - 2 * 0.25) / 5)
    assert model.n == 5


def test_all_thresholds_against_the_definition(drawn):
    predictions = drawn(n=150)
    score, sick = predictions.probabilities[:, 1], predictions.labels == 1
    curve = decision_curve(predictions, rng(), 50)
    assert curve.thresholds == THRESHOLDS == tuple(i / 100 for i in range(1, 100))
    for threshold, model, everyone in zip(curve.thresholds, curve.model, curve.treat_all, strict=True):
        odds = threshold / (1 - threshold)
        called = score >= threshold
        expected = ((called & sick).sum() - odds * (called & ~sick).sum()) / 150
        assert model.value == pytest.approx(expected)
        assert everyone.value == pytest.approx(sick.mean() - odds * (1 - sick.mean()))


def test_treating_everyone_breaks_even_at_the_prevalence(build):
    _, everyone = at(decision_curve(build([1, 0, 0, 0], [0.4] * 4), rng(), 50), 0.25)
    assert everyone.value == pytest.approx(0)


def test_a_perfect_classifier_reaches_the_prevalence(build):
    curve = decision_curve(build([1, 1, 0, 0, 0] * 4, [1, 1, 0, 0, 0] * 4), rng())
    assert all(model.value == pytest.approx(0.4) for model in curve.model)
    assert all(model.low < 0.4 < model.high for model in curve.model)


def test_the_interval_resamples_patients(build):
    labels, scores = [1, 0] * 30, [0.7, 0.6] * 30
    alone = decision_curve(build(labels, scores), rng())
    paired = decision_curve(build(labels, scores, patient=[f"p{i // 2}" for i in range(60)]), rng())
    model, _ = at(alone, 0.5)
    assert model.low < model.value < model.high
    assert np.isnan(at(paired, 0.5)[0].low)  # every patient is alike, so no resample differs


def test_without_rows_nothing_is_known(build):
    assert all(np.isnan(model.value) for model in decision_curve(build([], []), rng(), 20).model)


def test_two_classes_and_one_length_are_asked_for(drawn):
    with pytest.raises(ValueError, match="expected two classes"):
        decision_curve(drawn(k=3), rng())
    with pytest.raises(ValueError, match="expected 2 estimates"):
        DecisionCurve((0.1, 0.2), (Estimate(0, 0, 0, 1),), ())


def with_parts(build, validation, test, **columns):
    """Predictions of two parts, each a pair of labels and scores."""
    labels = [*validation[0], *test[0]]
    splits = ["validation"] * len(validation[0]) + ["test"] * len(test[0])
    return build(labels, [*validation[1], *test[1]], split=splits, **columns)


def points(predictions, threshold=0.5):
    return {point.name: point for point in operating_points(predictions, threshold)}


OVERLAP = ([0] * 20 + [1] * 20, [*np.arange(20) / 40, *(np.arange(20) + 16) / 40])
"""Well: 0 to 0.475; ill: 0.4 to 0.875, in steps of 0.025."""


def test_thresholds_by_hand(build):
    found = points(with_parts(build, OVERLAP, ([1, 0], [0.9, 0.1])))
    # 19 of 20 ill lie at 0.425 or above, 18 at 0.45; the next of the well below are 0.4 and 0.425.
    assert found["sensitivity_95"].threshold == pytest.approx((0.425 + 0.4) / 2)
    assert found["sensitivity_90"].threshold == pytest.approx((0.45 + 0.425) / 2)
    # 19 of 20 well lie at 0.45 or below; the next of the ill above is 0.475.
    assert found["specificity_95"].threshold == pytest.approx((0.45 + 0.475) / 2)
    assert found["own"].threshold == 0.5
    assert all(point.note == "" for point in found.values())


def test_the_test_rows_choose_nothing_and_are_judged(build):
    test = ([1, 1, 1, 0, 0], [0.9, 0.43, 0.2, 0.41, 0.44])
    found = points(with_parts(build, OVERLAP, test))
    other = points(with_parts(build, OVERLAP, ([1, 0], [0.01, 0.99])))
    assert {name: one.threshold for name, one in found.items()} == {
        name: one.threshold for name, one in other.items()
    }
    point = found["sensitivity_95"]  # at 0.4125: called 0.9, 0.43 and 0.44
    assert point.sensitivity.value == pytest.approx(2 / 3)
    assert point.specificity.value == pytest.approx(1 / 2)
    assert point.ppv.value == pytest.approx(2 / 3)
    assert point.npv.value == pytest.approx(1 / 2)
    assert (point.sensitivity.n, point.specificity.n, point.ppv.n, point.npv.n) == (3, 2, 3, 2)
    assert point.sensitivity.low == pytest.approx(0.2077, abs=1e-4)  # Wilson, 2 of 3


@pytest.mark.parametrize("seed", range(20))
def test_the_target_is_reached_on_the_validation_rows_and_no_further_than_it_must(drawn, seed):
    rows = drawn(n=120, seed=seed, split="validation").table
    predictions = Predictions(
        pd.concat([rows, rows.assign(split="test", image=rows["image"] + "t")]), ("normal", "covid")
    )
    score, sick = rows["probability_covid"].to_numpy(), (rows["label"] == "covid").to_numpy()
    for name, target, among, hit in (
        ("sensitivity_95", 0.95, sick, lambda t: score >= t),
        ("sensitivity_90", 0.90, sick, lambda t: score >= t),
        ("specificity_95", 0.95, ~sick, lambda t: score < t),
    ):
        point = points(predictions)[name]
        assert hit(point.threshold)[among].mean() >= target
        rates = [hit(t)[~among].mean() for t in [*np.unique(score), np.inf] if hit(t)[among].mean() >= target]
        reached = point.specificity if "sensitivity" in name else point.sensitivity
        assert 1 - reached.value == pytest.approx(min(rates))


def test_own_figures_are_those_of_the_predicted_classes(build):
    labels, scores = [1, 1, 0], [0.9, 0.9, 0.9]
    predictions = build(labels, scores, predicted=[1, 0, 0])
    own = points(predictions, 0.95)["own"]
    assert (own.sensitivity.value, own.specificity.value) == (0.5, 1)


def test_too_few_or_no_validation_images_are_said(build):
    test = ([1, 0], [0.9, 0.1])
    few = points(with_parts(build, ([1] * 9 + [0] * 12, [0.8] * 9 + [0.9] * 12), test))
    assert few["sensitivity_95"].note.startswith("9 validation images of covid")
    assert few["specificity_95"].note == "none of 12 validation images of normal may be missed"
    none = points(with_parts(build, ([0] * 12, [0.1] * 12), test))
    assert none["sensitivity_95"].note == "no validation images of covid to choose on"
    assert np.isnan(none["sensitivity_95"].threshold)
    assert none["sensitivity_95"].sensitivity.n == 0
    assert none["specificity_95"].note.startswith("no validation image of covid")
    assert none["specificity_95"].specificity.value == 1
    bare = points(build(*test))
    assert np.isnan(bare["specificity_95"].threshold)


def test_separated_validation_images_are_said(build):
    validation = ([0] * 20 + [1] * 20, [0.1] * 20 + [0.9] * 20)
    found = points(with_parts(build, validation, ([1, 0], [0.6, 0.4])))
    assert {found[name].threshold for name in ("sensitivity_95", "sensitivity_90", "specificity_95")} == {0.5}
    assert "separated without error" in found["specificity_95"].note


def test_a_healthy_image_at_1_leaves_a_threshold_above_all(build):
    validation = ([0] * 20 + [1] * 20, [1.0] * 20 + [0.5] * 20)
    point = points(with_parts(build, validation, ([1, 0], [1.0, 1.0])))["specificity_95"]
    assert 1 < point.threshold < 1.0001
    assert (point.sensitivity.value, point.specificity.value) == (0, 1)
    assert np.isnan(point.ppv.value)


def test_each_fold_is_judged_by_its_own_threshold(build):
    # In fold 0 all scores are 0.3 lower than in fold 1.
    labels = ([0] * 10 + [1] * 10 + [0, 1]) * 2
    low = [0.2] * 10 + [0.4] * 10 + [0.2, 0.4]
    scores = low + [score + 0.3 for score in low]
    splits = (["validation"] * 20 + ["test"] * 2) * 2
    predictions = build(labels, scores, split=splits, fold=[0] * 22 + [1] * 22)
    point = points(predictions)["sensitivity_95"]
    assert point.threshold == pytest.approx((0.3 + 0.6) / 2)
    assert (point.sensitivity.value, point.specificity.value) == (1, 1)


def test_two_classes_are_asked_for(drawn):
    with pytest.raises(ValueError, match="expected two classes"):
        operating_points(drawn(k=3), 0.5)


def test_two_classes_have_every_part_and_three_calibration_alone(drawn):
    two = clinical(drawn(), 0.5, rng())
    assert set(two.record()) == {"schema_version", "calibration", "points", "prevalence", "decision"}
    assert two.points[0].name == "own"
    three = clinical(drawn(k=3), None, rng())
    assert set(three.record()) == {"schema_version", "calibration", "confidence"}


def test_the_record_is_json(drawn, tmp_path):
    write_json(tmp_path / "evaluation.json", clinical(drawn(), 0.5, rng()).record())
    record = json.loads((tmp_path / "evaluation.json").read_text())
    assert record["schema_version"] == 1
    assert record["points"][1]["threshold"] is None  # there are no validation rows
    assert len(record["decision"]["thresholds"]) == 99
    assert 0.02 in [point["prevalence"] for point in record["prevalence"]["points"]]
    figure = record["calibration"]["covid"]["error"]
    assert set(figure) == {"value", "low", "high", "n"}


def test_only_test_rows_are_judged(drawn):
    rows = drawn().table
    more = rows.assign(split="train", image=rows["image"] + "t", label="normal", predicted="normal")
    classes = ("normal", "covid")
    both = clinical(Predictions(pd.concat([rows, more]), classes), 0.5, rng())
    alone = clinical(Predictions(rows, classes), 0.5, rng())
    assert both.calibration == alone.calibration
    assert both.decision == alone.decision
    assert both.prevalence == alone.prevalence


@pytest.mark.parametrize("labels", [[], [1, 1, 1], [0]])
def test_few_or_no_rows_are_no_error(build, labels):
    found = clinical(build(labels, [0.7] * len(labels)), 0.5, rng())
    if labels:
        assert math.isnan(found.calibration["covid"].line.slope.value)
    else:
        assert found.record() == {"schema_version": 1}
