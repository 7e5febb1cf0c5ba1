from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss

from hilum.metrics import calibration, confidence_calibration, overall_calibration
from hilum.metrics.calibration import BrierParts


def rng():
    return np.random.default_rng(6)


def shifted(build, n=1000, slope=1.0, shift=0.0, seed=0, per_patient=1):
    """Labels whose log odds are `shift` + `slope` times those that the probabilities say."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(0, 1.5, n)
    labels = draw.random(n) < expit(shift + slope * odds)
    return build(labels.astype(int), expit(odds), patient=[f"p{i // per_patient}" for i in range(n)])


def test_bins_and_error_by_hand(build):
    # 0.2 twenty times, five ill; 0.7 ten times, eight ill.
    labels = [1] * 5 + [0] * 15 + [1] * 8 + [0] * 2
    found = overall_calibration(build(labels, [0.2] * 20 + [0.7] * 10), rng())
    assert [(one.rows, one.observed.value) for one in found.bins] == [(20, 0.25), (10, 0.8)]
    assert [one.predicted for one in found.bins] == pytest.approx([0.2, 0.7])
    assert found.bins[1].observed.low == pytest.approx(0.4902, abs=1e-4)  # Wilson, 8 of 10
    assert found.error.value == pytest.approx((20 * 0.05 + 10 * 0.1) / 30)
    assert found.error.n == 30
    mean = 13 / 30
    parts = found.brier
    assert parts.reliability == pytest.approx((20 * 0.05**2 + 10 * 0.1**2) / 30)
    assert parts.resolution == pytest.approx((20 * (0.25 - mean) ** 2 + 10 * (0.8 - mean) ** 2) / 30)
    assert parts.uncertainty == pytest.approx(mean * (1 - mean))
    assert parts.within == pytest.approx(0)  # one probability a bin: Murphy's identity


def test_bins_have_equal_mass_and_keep_equal_probabilities_together(build, drawn):
    found = overall_calibration(shifted(build), rng(), 20)
    assert [one.rows for one in found.bins] == [100] * 10
    rounded = drawn(n=200, decimals=0)
    by_bin = overall_calibration(rounded, rng(), 20).bins
    assert sum(one.rows for one in by_bin) == 200
    means = [one.predicted for one in by_bin]
    assert means == sorted(means)


@pytest.mark.parametrize("n", [1, 7, 25, 300])
def test_the_brier_score_is_sklearn_s_and_its_parts_sum_to_it(build, n):
    predictions = shifted(build, n, slope=0.5)
    parts = overall_calibration(predictions, rng(), 20).brier
    expected = brier_score_loss(predictions.labels, predictions.probabilities[:, 1], labels=[0, 1])
    assert parts.score == pytest.approx(expected)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(parts.score, abs=1e-12)


def test_parts_that_do_not_sum_are_refused():
    with pytest.raises(ValueError, match=r"sum to 0\.2"):
        BrierParts(0.2, 0.0, 0.0, 0.25, 0.0)


@pytest.mark.parametrize("per_patient", [1, 3])
def test_slope_and_intercept_are_statsmodels_with_errors_by_patient(build, per_patient):
    predictions = shifted(build, 600, slope=0.6, shift=-0.4, per_patient=per_patient)
    odds = logit(predictions.probabilities[:, 1])
    groups = np.unique(predictions.patients, return_inverse=True)[1]
    robust = {"groups": groups, "use_correction": False}
    line = overall_calibration(predictions, rng(), 20).line
    model = sm.Logit(predictions.labels, sm.add_constant(odds))
    fit = model.fit(disp=0, tol=1e-12, cov_type="cluster", cov_kwds=robust)
    for figure, value, bounds in zip((line.intercept, line.slope), fit.params, fit.conf_int(), strict=True):
        assert [figure.value, figure.low, figure.high] == pytest.approx([value, *bounds], abs=1e-6)
    model = sm.GLM(predictions.labels, np.ones((600, 1)), sm.families.Binomial(), offset=odds)
    fit = model.fit(tol=1e-12, cov_type="cluster", cov_kwds=robust)
    large = line.in_the_large
    expected = [fit.params[0], *fit.conf_int()[0]]
    assert [large.value, large.low, large.high] == pytest.approx(expected, abs=1e-6)


def test_slope_and_intercept_find_what_was_put_in(build):
    line = overall_calibration(shifted(build, 20_000, slope=0.5, shift=0.7), rng(), 20).line
    assert line.slope.value == pytest.approx(0.5, abs=0.03)
    assert line.intercept.value == pytest.approx(0.7, abs=0.06)
    assert line.slope.high < 1


SEPARATED = [1e-9, 0.0, 0.2, 0.8, 1.0, 1.0]


@pytest.mark.parametrize(
    ("labels", "scores", "reason"),
    [
        ([0, 0, 0, 1, 1, 1], SEPARATED, "separate"),
        ([1, 1, 1, 0, 0, 0], SEPARATED, "separate"),
        ([0, 0, 1, 0, 1, 1], [0.1, 0.1, 0.5, 0.5, 0.9, 0.9], "separate"),  # but for a tie
        ([0, 1, 0, 1], [0.5] * 4, "same probability"),
        ([1, 1, 1], [0.2, 0.5, 0.9], "one class"),
        ([0], [0.2], "one class"),
    ],
)
def test_where_no_line_is_best_it_says_why(build, labels, scores, reason):
    found = overall_calibration(build(labels, scores), rng(), 50)
    assert reason in found.line.reason
    assert np.isnan([found.line.slope.value, found.line.intercept.value, found.line.in_the_large.value]).all()
    assert 0 <= found.error.low <= found.error.value <= found.error.high


def test_nearly_separated_rows_have_a_line(build):
    scores = np.r_[np.linspace(1e-7, 1e-3, 50), np.linspace(0.999, 1, 50)]
    labels = np.r_[np.zeros(50), np.ones(50)].astype(int)
    labels[10], labels[60] = 1, 0
    line = overall_calibration(build(labels, scores), rng(), 50).line
    assert line.reason == ""
    assert 0 < line.slope.value < 1


def test_no_error_seen_is_not_no_error_possible(build):
    found = overall_calibration(build([0] * 20 + [1] * 20, [0.0] * 20 + [1.0] * 20), rng())
    assert found.error.value == 0
    assert found.error.high == pytest.approx(0.0876, abs=1e-4)  # Wilson, 0 of 40


def test_calibrated_probabilities_stay_below_the_error_by_chance(build):
    above = [
        (found := overall_calibration(shifted(build, 200, seed=seed), rng(), 20)).error.value
        > found.by_chance
        for seed in range(40)
    ]
    assert np.mean(above) <= 0.12


def test_the_interval_of_the_error_is_honest_where_the_error_is_real(build):
    truth = overall_calibration(shifted(build, 50_000, slope=0.3, seed=99), rng(), 2).error.value
    held = []
    for seed in range(40):
        error = overall_calibration(shifted(build, 300, slope=0.3, seed=seed), rng(), 200).error
        held.append(error.low <= truth <= error.high)
    assert np.mean(held) >= 0.84


def test_many_classes_have_one_each_and_one_for_all(drawn):
    predictions = drawn(k=3, n=300)
    each = calibration(predictions, rng(), 50)
    assert list(each) == ["COVID-19", "normal", "other infection"]
    for place, one in enumerate(each.values()):
        expected = brier_score_loss(predictions.labels == place, predictions.probabilities[:, place])
        assert one.brier.score == pytest.approx(expected)
    highest = predictions.probabilities.max(axis=1)
    right = predictions.probabilities.argmax(axis=1) == predictions.labels
    one = confidence_calibration(predictions, rng(), 50)
    assert one.brier.score == pytest.approx(((highest - right) ** 2).mean())
    assert one == overall_calibration(predictions, rng(), 50)


def test_confidence_error_by_hand(build):
    # Sure of the first class to 0.6, and right every other time.
    scores = np.tile([0.6, 0.3, 0.1], (20, 1))
    found = confidence_calibration(build([0, 1] * 10, scores, ("a", "b", "c")), rng(), 50)
    assert found.error.value == pytest.approx(0.1)


def test_the_same_seed_gives_the_same_and_no_rows_give_none(build, drawn):
    assert calibration(drawn(), rng(), 50) == calibration(drawn(), rng(), 50)
    assert calibration(build([], []), rng()) == {}
    with pytest.raises(ValueError, match="found none"):
        confidence_calibration(build([], []), rng())
