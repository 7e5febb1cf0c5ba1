from __future__ import annotations

import numpy as np
import pytest

from hilum.metrics import DecisionCurve, Estimate, decision_curve
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
    with pytest.raises(ValueError, match="expected 2 figures"):
        DecisionCurve((0.1, 0.2), (Estimate(0, 0, 0, 1),), ())
