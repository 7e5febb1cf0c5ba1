from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from scipy.stats import mannwhitneyu, norm

from hilum.metrics import Estimate, auc_difference, auc_interval, auc_variance
from hilum.metrics.auc import AucDifference


def wins(actual, score):
    """Of each pair of a sick and a well image, whether it is in order; ties half: (sick, well)."""
    sick, well = score[actual][:, None], score[~actual][None, :]
    return (sick > well) + 0.5 * (sick == well)


def covariance(actual, a, b, patients):
    """Obuchowski's formulas, pair by pair and patient by patient."""
    m, n = actual.sum(), (~actual).sum()
    parts = []
    for score in (a, b):
        won = wins(actual, score)
        area, v10, v01 = won.mean(), won.mean(axis=1), won.mean(axis=0)
        by_patient = []
        for patient in sorted(set(patients)):
            sick, well = patients[actual] == patient, patients[~actual] == patient
            by_patient.append((v10[sick].sum() - sick.sum() * area, v01[well].sum() - well.sum() * area))
        parts.append(np.array(by_patient))
    has_sick, has_well, all_ = len(set(patients[actual])), len(set(patients[~actual])), len(set(patients))
    s10 = has_sick / ((has_sick - 1) * m) * sum(parts[0][:, 0] * parts[1][:, 0])
    s01 = has_well / ((has_well - 1) * n) * sum(parts[0][:, 1] * parts[1][:, 1])
    s11 = all_ / (all_ - 1) * sum(parts[0][:, 0] * parts[1][:, 1])
    s11_other = all_ / (all_ - 1) * sum(parts[0][:, 1] * parts[1][:, 0])
    return s10 / m + s01 / n + (s11 + s11_other) / (m * n)


def cohort(seed, n=60, patients=None, decimals=1):
    """Two scores with ties, and patients who may have images of both classes."""
    rng = np.random.default_rng(seed)
    actual = np.r_[[True, True, False, False], rng.random(n - 4) < 0.4]
    groups = np.r_[[100, 101, 102, 103], rng.integers(patients or n, size=n - 4)]
    a = np.round(rng.normal(size=n) + actual, decimals)
    return actual, a, np.round(0.5 * a + rng.normal(size=n) + 0.3 * actual, decimals), groups


def test_delong_by_hand():
    # Wins: 0.9 beats both well ones, 0.4 one of them; 0.6 loses half, 0.1 all. Both sides vary by 0.125.
    actual, score = np.array([True, True, False, False]), np.array([0.9, 0.4, 0.6, 0.1])
    assert auc_variance(actual, score) == pytest.approx(0.125 / 2 + 0.125 / 2)


@pytest.mark.parametrize("seed", range(5))
def test_delong_is_the_sample_variance_of_both_sides(seed):
    actual, score, *_ = cohort(seed)
    won = wins(actual, score)
    expected = np.var(won.mean(1), ddof=1) / len(won) + np.var(won.mean(0), ddof=1) / won.shape[1]
    assert auc_variance(actual, score) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("patients", [5, 20, 60])
@pytest.mark.parametrize("seed", range(4))
def test_variance_with_patients_is_obuchowskis(seed, patients):
    actual, score, _, groups = cohort(seed, patients=patients)
    expected = covariance(actual, score, score, groups)
    assert auc_variance(actual, score, groups) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("patients", [5, 20, None])
@pytest.mark.parametrize("seed", range(4))
def test_the_difference_takes_off_the_covariance(seed, patients):
    actual, a, b, groups = cohort(seed, patients=patients)
    found = auc_difference(actual, a, b, groups)
    value = wins(actual, a).mean() - wins(actual, b).mean()
    error = math.sqrt(
        covariance(actual, a, a, groups)
        + covariance(actual, b, b, groups)
        - 2 * covariance(actual, a, b, groups)
    )
    assert found.difference.value == pytest.approx(value, abs=1e-12)
    assert (found.difference.low, found.difference.high) == pytest.approx(
        norm.interval(0.95, value, error), abs=1e-12
    )
    assert found.p == pytest.approx(2 * norm.sf(abs(value) / error), abs=1e-12)
    assert found.difference.n == 60


def test_own_patients_are_no_patients():
    actual, a, b, _ = cohort(0)
    own = np.arange(60)[::-1].astype(str)
    assert auc_variance(actual, a, own) == pytest.approx(auc_variance(actual, a), rel=1e-12)
    assert auc_difference(actual, a, b, own).p == pytest.approx(auc_difference(actual, a, b).p, rel=1e-12)


def test_images_that_are_there_twice_in_their_patient_tell_nothing_new():
    actual, score, _, groups = cohort(1)
    twice = [np.tile(array, 2) for array in (actual, score, groups)]
    assert auc_variance(*twice) == pytest.approx(auc_variance(actual, score, groups), rel=1e-12)
    assert auc_interval(*twice) == pytest.approx(auc_interval(actual, score, groups), rel=1e-12)


def test_the_interval_is_symmetric_in_log_odds_around_the_area():
    actual, score, *_ = cohort(2)
    area = mannwhitneyu(score[actual], score[~actual]).statistic / (actual.sum() * (~actual).sum())
    low, high = auc_interval(actual, score)
    assert (logit(low) + logit(high)) / 2 == pytest.approx(logit(area))
    # With this many patients Student's quantile is a little over the normal one.
    error = math.sqrt(auc_variance(actual, score)) / (area * (1 - area))
    assert 1.96 < (logit(high) - logit(low)) / 2 / error < 2.02


def test_degrees_of_freedom_are_welchs():
    # Five images on each side, equal variances by symmetry: eight degrees.
    actual = np.repeat([True, False], 5)
    score = np.array([9, 8, 5, 3, 6, 1, 2, 5, 7, 4.0])
    area, error = wins(actual, score).mean(), math.sqrt(auc_variance(actual, score))
    _, high = auc_interval(actual, score)
    assert (logit(high) - logit(area)) * area * (1 - area) / error == pytest.approx(2.306004)


def test_a_higher_level_is_wider():
    actual, score, *_ = cohort(3)
    low, high = auc_interval(actual, score, level=0.99)
    assert (low, high) != auc_interval(actual, score)
    assert low < auc_interval(actual, score)[0] < auc_interval(actual, score)[1] < high


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_order_of_rows_and_monotone_scores_change_nothing(seed):
    actual, score, _, groups = cohort(seed, n=30, patients=10)
    mixed = np.random.default_rng(seed).permutation(30)
    found = auc_variance(actual, score, groups)
    assert auc_variance(actual[mixed], score[mixed], groups[mixed]) == pytest.approx(found, rel=1e-9)
    assert auc_variance(actual, np.exp(score), groups) == pytest.approx(found, rel=1e-9)
    assert auc_variance(~actual, -score, groups) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize("score", [[0.9, 0.8, 0.2, 0.1], [0.5] * 4, [0.1, 0.2, 0.8, 0.9]])
def test_without_spread_there_is_no_interval(score):
    actual = np.array([1, 1, 0, 0], bool)
    assert auc_variance(actual, np.array(score)) == 0
    assert all(map(math.isnan, auc_interval(actual, np.array(score))))


@pytest.mark.parametrize(
    ("actual", "patients"), [([1, 1, 1], None), ([], None), ([1, 0, 0], None), ([1, 1, 0, 0], [1, 1, 2, 3])]
)
def test_with_one_patient_on_a_side_nothing_is_known(actual, patients):
    actual, score = np.array(actual, bool), np.linspace(0, 1, len(actual))
    patients = patients if patients is None else np.array(patients)
    assert math.isnan(auc_variance(actual, score, patients))
    assert math.isnan(auc_interval(actual, score, patients)[0])
    assert math.isnan(auc_difference(actual, score, -score, patients).p)


def test_scores_that_rank_alike_do_not_differ():
    actual, score, _, groups = cohort(4)
    found = auc_difference(actual, score, np.exp(score), groups)
    assert (found.difference.value, found.p) == (0, 1)
    assert math.isnan(found.difference.low)


def test_a_certain_difference_has_no_p_value():
    actual = np.array([1, 1, 0, 0], bool)
    found = auc_difference(actual, np.array([4, 3, 2, 1.0]), np.array([1, 1, 1, 1.0]))
    assert found.difference.value == 0.5
    assert math.isnan(found.p)


def test_a_p_value_is_a_probability():
    with pytest.raises(ValueError, match="p value in"):
        AucDifference(Estimate(0, 0, 0, 1), 1.1)
