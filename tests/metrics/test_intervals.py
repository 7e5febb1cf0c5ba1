from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from hilum.metrics import Estimate, OneVsRest, bootstrap, bootstrap_estimates, wilson

NAN = math.nan


@pytest.mark.parametrize(
    "bounds",
    [(0.5, 0.6, 0.7, 3), (0.5, 0.1, 0.4, 3), (0.5, NAN, 0.6, 3), (NAN, 0.1, 0.2, 3), (0.5, 0, 1, -1)],
)
def test_an_interval_holds_its_value(bounds):
    with pytest.raises(ValueError, match="expected low <= value <= high"):
        Estimate(*bounds)


def test_a_value_may_have_no_interval():
    assert math.isnan(Estimate(0.5, NAN, NAN, 3).low)


def test_around_widens_to_the_value():
    assert Estimate.around(0.5, (0.6, 0.7), 3) == Estimate(0.5, 0.5, 0.7, 3)


def test_around_an_undefined_value_there_is_no_interval():
    assert math.isnan(Estimate.around(NAN, (0.6, 0.7), 3).high)


def constant(value):
    return lambda weights: {"figure": np.full(len(weights), value)}


def figure(values, predictions, **settings):
    return bootstrap_estimates(values, predictions, np.random.default_rng(0), 100, **settings)["figure"]


def test_a_perfect_figure_gets_wilsons_interval_of_the_scarcest_class(build):
    # Five images of two sick patients, four of four well ones.
    predictions = build([1] * 5 + [0] * 4, [0.9] * 5 + [0.1] * 4, patient=list("aaabb") + list("cdef"))
    found = figure(constant(1.0), predictions)
    assert (found.low, found.high) == wilson(2, 2)
    assert found.n == 9


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_another_figure_without_spread_has_no_interval(build, value):
    found = figure(constant(value), build([0, 1], [0.1, 0.9]))
    assert found.value == value
    assert math.isnan(found.low)


def test_a_loss_of_one_is_not_perfect(build):
    assert math.isnan(figure(constant(1.0), build([0, 1], [0.1, 0.9]), losses=("figure",)).low)


def mean(values):
    return lambda weights: weights @ values / weights.sum(axis=1)


def test_wilson_of_the_tutorials_accuracy():
    low, high = wilson(54, 55)
    assert (round(low, 3), round(high, 3)) == (0.904, 0.997)


@settings(deadline=None)
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_statsmodels(trial):
    assert wilson(*trial) == pytest.approx(proportion_confint(*trial, method="wilson"), abs=1e-12)


def test_wilson_at_other_levels():
    assert wilson(7, 9, 0.8) == pytest.approx(proportion_confint(7, 9, 0.2, method="wilson"), abs=1e-12)


def test_wilson_ends_exactly_at_the_limits():
    # By hand: z² / (n + z²), with z² = 3.8415.
    assert wilson(0, 10) == (0.0, pytest.approx(3.8414588 / 13.8414588))
    assert wilson(10, 10) == (pytest.approx(10 / 13.8414588), 1.0)


def test_wilson_takes_shares_that_are_no_whole_number():
    low, high = wilson(2.5, 5)
    assert low + high == pytest.approx(1)
    assert wilson(2, 5)[0] < low < wilson(3, 5)[0]


def test_wilson_without_trials_is_nan():
    assert all(map(math.isnan, wilson(0, 0)))


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (math.nan, 2)])
def test_wilson_refuses_impossible_counts(successes, n):
    with pytest.raises(ValueError, match="successes lie between 0 and n"):
        wilson(successes, n)


def test_bootstrap_of_a_mean_is_near_its_normal_interval():
    rng = np.random.default_rng(3)
    values = rng.normal(5, 2, 400)
    low, high = bootstrap(mean(values), np.arange(400), rng, resamples=4000)
    half = 1.96 * values.std() / 20
    assert (float(low), float(high)) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.1 * half
    )


def test_bootstrap_weighs_whole_groups():
    groups = np.array(["b", "a", "b", "c", "a", "b"])
    blocks = []

    def record(weights):
        blocks.append(weights)
        return weights[:, 0]

    bootstrap(record, groups, np.random.default_rng(0), resamples=500)
    weights = np.concatenate(blocks)
    assert weights.shape == (500, 6)
    for group in "abc":
        assert np.ptp(weights[:, groups == group], axis=1).max() == 0
    # As many patients are drawn as there are, each once on average.
    drawn = weights[:, [1, 0, 3]]
    assert (drawn.sum(axis=1) == 3).all()
    assert drawn.mean(axis=0) == pytest.approx([1, 1, 1], abs=0.12)
    assert drawn.var(axis=0) == pytest.approx([2 / 3] * 3, abs=0.12)


def test_bootstrap_gives_every_statistic_the_same_resamples():
    values = np.random.default_rng(1).normal(size=(40, 2))
    both = bootstrap(lambda w: w @ values, np.arange(40), np.random.default_rng(2))
    alone = bootstrap(lambda w: w @ values[:, 1], np.arange(40), np.random.default_rng(2))
    assert both[0].shape == (2,)
    assert alone[0].shape == ()
    assert (both[0][1], both[1][1]) == pytest.approx((float(alone[0]), float(alone[1])))


def test_bootstrap_depends_on_the_generator_alone():
    values, groups = np.random.default_rng(1).normal(size=300), np.arange(300) // 3

    def interval(seed):
        return tuple(map(float, bootstrap(mean(values), groups, np.random.default_rng(seed))))

    assert interval(5) == interval(5)
    assert interval(5) != interval(6)


def test_bootstrap_does_not_mind_the_order_of_rows():
    values, groups = np.random.default_rng(1).normal(size=300), np.arange(300) // 3
    order = np.random.default_rng(2).permutation(300)
    plain = bootstrap(mean(values), groups, np.random.default_rng(5))
    mixed = bootstrap(mean(values[order]), groups[order], np.random.default_rng(5))
    assert np.array(mixed) == pytest.approx(np.array(plain))


def test_bootstrap_goes_in_blocks_when_there_are_many_rows():
    n = 70_000
    sizes = []

    def statistic(weights):
        sizes.append(weights.shape)
        return weights[:, 0]

    bootstrap(statistic, np.arange(n), np.random.default_rng(0), resamples=30)
    assert [rows for rows, _ in sizes] == [14, 14, 2]


def _known_in(share):
    """A statistic that is undefined in all but about `share` of the resamples."""

    def statistic(weights):
        values = np.arange(len(weights), dtype=float)
        values[int(share * len(weights)) :] = np.nan
        return values

    return statistic


@pytest.mark.parametrize(("share", "known"), [(1.0, True), (0.96, True), (0.94, False), (0.0, False)])
def test_bootstrap_skips_undefined_resamples_up_to_one_in_twenty(share, known):
    low, high = bootstrap(_known_in(share), np.arange(10), np.random.default_rng(0), resamples=1000)
    assert np.isfinite(low) == np.isfinite(high) == known


def test_bootstrap_without_spread_has_no_interval():
    bounds = bootstrap(mean(np.full(30, 0.1)), np.arange(30), np.random.default_rng(0))
    assert np.isnan(bounds).all()


def test_bootstrap_of_no_rows_has_no_interval():
    bounds = bootstrap(lambda w: np.full(len(w), np.nan), np.array([]), np.random.default_rng(0))
    assert np.isnan(bounds).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(-100, 100), st.floats(0.1, 100))
def test_bootstrap_follows_shift_and_scale(seed, shift, scale):
    values = np.random.default_rng(seed).normal(size=25)
    plain = np.array(bootstrap(mean(values), np.arange(25), np.random.default_rng(1), resamples=100))
    moved = bootstrap(mean(shift + scale * values), np.arange(25), np.random.default_rng(1), resamples=100)
    assert np.array(moved) == pytest.approx(shift + scale * plain, abs=1e-9)


# Simulated cohorts: 60 patients with 5 images each; half of a score's variance is the patient's, so that
# images count for 1 / (1 + 4 * 0.5) = a third of what independent ones would.
COHORTS, PATIENTS, IMAGES, GAP = 400, 60, 5, 1.2


def _coverage(group_of_row):
    """How often the intervals of mean score and AUC hold the true values."""
    rng = np.random.default_rng(11)
    patients = np.repeat(np.arange(PATIENTS), IMAGES)
    truth = np.array([GAP / 2, 0.5 * (1 + math.erf(GAP / 2))])  # P(N(GAP, 2) > 0) and the mean score
    held = np.zeros(2)
    for _ in range(COHORTS):
        sick = (rng.random(PATIENTS) < 0.5)[patients]
        own = rng.normal(size=PATIENTS)[patients] + rng.normal(size=patients.size)
        score = GAP * sick + own / math.sqrt(2)
        contrast = OneVsRest("sick", sick, sick, score)
        low, high = bootstrap(
            lambda w, s=score, c=contrast: np.stack([mean(s)(w), c.roc_auc(w)], axis=1),
            group_of_row(patients),
            rng,
            resamples=400,
        )
        held += (low <= truth) & (truth <= high)
    return held / COHORTS


def test_bootstrap_over_patients_covers_what_it_promises():
    coverage = _coverage(lambda patients: patients)
    assert (coverage > 0.90).all(), coverage
    assert (coverage < 0.985).all(), coverage


def test_bootstrap_over_images_would_not():
    assert (_coverage(lambda patients: np.arange(patients.size)) < 0.85).all()
