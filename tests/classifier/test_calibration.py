from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss

from hilum.classifier.calibration import (
    RECALIBRATIONS,
    Isotonic,
    Platt,
    Temperature,
    fit_intercept,
    fit_isotonic,
    fit_line,
    fit_platt,
    fit_temperature,
)
from hilum.errors import FitError

ALL = list(RECALIBRATIONS.values())


def sharpened(n=3000, k=2, by=3.0, seed=0):
    """Labels, and probabilities whose logits are `by` times too large."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (n, k))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    sharp = np.exp(by * logits)
    return labels, sharp / sharp.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("fit", ALL)
@pytest.mark.parametrize("k", [2, 3, 5])
def test_probabilities_stay_probabilities_and_mean_more(fit, k):
    labels, probabilities = sharpened(k=k)
    fresh_labels, fresh = sharpened(k=k, seed=1)
    mapped = fit(labels, probabilities).apply(fresh)
    assert mapped.shape == fresh.shape
    assert mapped.dtype == np.float64
    assert (mapped >= 0).all()
    assert mapped.sum(axis=1) == pytest.approx(np.ones(len(fresh)))
    clipped = [np.clip(each, 1e-7, 1) for each in (mapped, fresh)]
    losses = [log_loss(fresh_labels, each / each.sum(axis=1, keepdims=True)) for each in clipped]
    assert losses[0] < losses[1] - 0.1


@pytest.mark.parametrize("k", [2, 4])
def test_temperature_finds_what_was_put_in(k):
    assert fit_temperature(*sharpened(20_000, k=k, by=2.5)).value == pytest.approx(2.5, rel=0.05)


def test_temperature_by_hand():
    # ln 9 is sure of 0.9; three of four right want ln 3 = ln 9 / 2.
    labels = np.array([1, 1, 1, 0] * 5 + [0, 0, 0, 1] * 5)
    probabilities = np.array([[0.1, 0.9]] * 20 + [[0.9, 0.1]] * 20)
    found = fit_temperature(labels, probabilities)
    assert found.value == pytest.approx(2, abs=1e-5)
    assert found.apply(probabilities)[0].tolist() == pytest.approx([0.25, 0.75], abs=1e-5)
    assert Temperature(1.0).apply(probabilities) == pytest.approx(probabilities)


def test_platt_is_logistic_regression_on_his_targets():
    labels, probabilities = sharpened(400)
    found = fit_platt(labels, probabilities)
    ill = labels.sum()
    targets = np.where(labels == 1, (ill + 1) / (ill + 2), 1 / (400 - ill + 2))
    odds = logit(probabilities[:, 1])
    fit = sm.GLM(targets, sm.add_constant(odds), sm.families.Binomial()).fit(tol=1e-12)
    assert [*found.intercepts, *found.slopes] == pytest.approx(fit.params.tolist(), abs=1e-6)
    expected = expit(fit.params[0] + fit.params[1] * odds)
    assert found.apply(probabilities)[:, 1] == pytest.approx(expected, abs=1e-7)


def test_isotonic_is_sklearn_s():
    labels, probabilities = sharpened(200)
    fresh = sharpened(200, seed=2)[1]
    reference = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(probabilities[:, 1], labels)
    mapped = fit_isotonic(labels, probabilities).apply(fresh)[:, 1]
    assert mapped == pytest.approx(reference.predict(fresh[:, 1]))


def test_each_class_of_three_has_its_own_curve():
    labels, probabilities = sharpened(600, k=3)
    platt = fit_platt(labels, probabilities)
    alone = fit_platt(
        (labels == 2).astype(int), np.stack([1 - probabilities[:, 2], probabilities[:, 2]], axis=1)
    )
    assert len(platt.slopes) == 3
    assert platt.slopes[2] == pytest.approx(alone.slopes[0])
    sides = expit(np.array(platt.intercepts) + np.array(platt.slopes) * logit(probabilities))
    assert platt.apply(probabilities) == pytest.approx(sides / sides.sum(axis=1, keepdims=True))


def test_a_row_that_every_staircase_maps_to_0_stays():
    never = ((0.0, 1.0), (0.0, 0.0))
    row = np.array([[0.2, 0.3, 0.5]])
    assert Isotonic((never,) * 3).apply(row).tolist() == row.tolist()


def test_platt_and_isotonic_take_separated_rows():
    labels = np.repeat([0, 1], 10)
    probabilities = np.where(labels[:, None] == [0, 1], 1.0, 0.0)
    platt, isotonic = fit_platt(labels, probabilities), fit_isotonic(labels, probabilities)
    assert platt.apply(probabilities)[[0, 10], 1].tolist() == pytest.approx([1 / 12, 11 / 12])
    assert isotonic.apply(probabilities)[[0, 10], 1].tolist() == [0, 1]


def test_no_temperature_suits_rows_that_are_all_right():
    labels = np.repeat([0, 1], 10)
    probabilities = np.where(labels[:, None] == [0, 1], 0.8, 0.2)
    with pytest.raises(FitError, match="no temperature is best"):
        fit_temperature(labels, probabilities)


@pytest.mark.parametrize("fit", ALL)
@pytest.mark.parametrize(("well", "ill"), [(9, 30), (30, 9), (30, 0), (0, 0)])
def test_few_rows_of_a_class_are_refused(fit, well, ill):
    labels = np.repeat([0, 1], [well, ill])
    probabilities = np.full((well + ill, 2), 0.5)
    with pytest.raises(FitError, match=f"too few.*expected 10 of each class, found {min(well, ill)}"):
        fit(labels, probabilities)


def test_one_probability_for_all_has_no_curve():
    with pytest.raises(FitError, match="same probability"):
        fit_platt(np.repeat([0, 1], 10), np.full((20, 2), 0.5))


def test_maps_are_values():
    assert Platt((0.0,), (1.0,)) == Platt((0.0,), (1.0,))
    identity = Platt((0.0,), (1.0,)).apply(np.array([[0.3, 0.7]]))
    assert identity == pytest.approx(np.array([[0.3, 0.7]]))


@pytest.mark.parametrize("seed", range(10))
def test_it_is_statsmodels_logistic_regression(seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, rng.uniform(0.1, 8), 60)
    targets = (rng.random(60) < expit(rng.normal() + 0.3 * scores)).astype(float)
    fit = sm.GLM(targets, sm.add_constant(scores), sm.families.Binomial()).fit(tol=1e-13, maxiter=200)
    assert fit_line(scores, targets) == pytest.approx(fit.params.tolist(), abs=1e-6)
    fit = sm.GLM(targets, np.ones((60, 1)), sm.families.Binomial(), offset=scores).fit(tol=1e-13)
    assert fit_intercept(scores, targets) == pytest.approx(fit.params[0], abs=1e-6)


def test_shares_count_as_shares():
    # A quarter at 0 and three quarters at 1: logits -ln 3 and ln 3.
    assert fit_line(np.array([0.0, 1.0]), np.array([0.25, 0.75])) == pytest.approx(
        [-np.log(3), 2 * np.log(3)]
    )


def test_far_scores_do_not_overflow():
    intercept, slope = fit_line(np.array([-16.0, -16, 16, 16, 16]), np.array([0.0, 1, 0, 1, 1]))
    assert intercept - 16 * slope == pytest.approx(0, abs=1e-6)  # half of two
    assert intercept + 16 * slope == pytest.approx(np.log(2), abs=1e-6)  # two of three
