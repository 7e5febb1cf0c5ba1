from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hilum.metrics import Predictions, operating_points


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
    assert few["sensitivity_95"].note.startswith("9 validation images of covid: too few")
    assert few["specificity_95"].note == "of 12 validation images of normal none may be missed"
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
