from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar as reference
from statsmodels.stats.proportion import confint_proportions_2indep

from hilum.errors import CohortError
from hilum.metrics import (
    METRICS,
    Estimate,
    Predictions,
    auc_difference,
    bootstrap,
    compare,
    evaluate,
    newcombe,
    performance_drop,
    wilson,
)
from hilum.metrics.comparison import McNemar, mcnemar


@pytest.mark.parametrize(("b", "c"), [(1, 7), (7, 1), (0, 4), (5, 5), (20, 40), (130, 170)])
def test_mid_p_is_statsmodels_exact_p_less_half_of_the_observed_outcome(b, c):
    exact = reference([[9, b], [c, 5]], exact=True).pvalue
    assert McNemar(b, c).mid_p == pytest.approx(exact - binom.pmf(b, b + c, 0.5) * (b != c), abs=1e-9)


def test_the_example_of_fagerland():
    # Airway hyper-responsiveness: 1 against 7 discordant pairs.
    assert McNemar(1, 7).mid_p == pytest.approx(10 / 256)


def test_without_discordant_images_p_is_1():
    assert McNemar(0, 0).mid_p == 1


def test_it_counts_who_alone_is_right():
    a, b = np.array([1, 1, 1, 0, 0], bool), np.array([1, 0, 0, 1, 0], bool)
    assert mcnemar(a, b) == McNemar(only_a=2, only_b=1)


def test_it_wants_the_same_images():
    with pytest.raises(ValueError, match="the same images"):
        mcnemar(np.ones(2, bool), np.ones(3, bool))


def test_counts_are_not_negative():
    with pytest.raises(ValueError, match="counts of images"):
        McNemar(-1, 2)


def rng(seed=0):
    return np.random.default_rng(seed)


def rescored(predictions, seed):
    """The same images, predicted by another classifier."""
    names = [f"probability_{name}" for name in predictions.classes]
    noise = rng(seed).normal(size=(len(predictions), len(names)))
    scores = np.exp(np.log(predictions.probabilities) + noise)
    table = predictions.table.copy()
    table[names] = scores / scores.sum(axis=1, keepdims=True)
    return Predictions(
        table.assign(predicted=np.array(predictions.classes)[scores.argmax(1)]), predictions.classes
    )


@pytest.mark.parametrize("k", [2, 3])
def test_each_side_has_its_own_figures_and_their_exact_difference(drawn, k):
    a = drawn(k=k)
    b = rescored(a, 1)
    found = compare(a, b, rng(), 100)
    assert list(found.metrics)[: len(METRICS)] == list(METRICS)
    assert (found.images, found.only_a, found.only_b) == (120, 0, 0)
    values = evaluate(a, rng(), 100), evaluate(b, rng(), 100)
    assert set(found.metrics) == set(values[0])
    for name, row in found.metrics.items():
        assert row.a.value == pytest.approx(values[0][name].value, abs=1e-12)
        assert row.b.value == pytest.approx(values[1][name].value, abs=1e-12)
        assert row.difference.value == row.a.value - row.b.value
        assert row.difference.low < row.difference.value < row.difference.high


def test_differences_come_of_the_same_resamples(drawn):
    a = drawn(patient=[f"p{i:03}" for i in range(120)], image=[f"{i:03}.png" for i in range(120)])
    b = rescored(a, 2)
    found = compare(a, b, rng(5), 200).metrics["brier"]
    squares = [(p.probabilities[:, 1] - p.labels) ** 2 for p in (a, b)]
    spread = bootstrap(lambda w: w @ (squares[0] - squares[1]) / w.sum(axis=1), np.arange(120), rng(9), 4000)
    assert (found.difference.low, found.difference.high) == pytest.approx(tuple(map(float, spread)), abs=0.01)
    apart = newcombe(found.a, found.b)
    assert found.difference.high - found.difference.low < 0.9 * (apart.high - apart.low)


def test_areas_and_accuracy_have_their_tests(drawn):
    a = drawn(k=3)
    b = rescored(a, 3)
    found = compare(a, b, rng(), 50)
    expected = auc_difference(a.labels == 1, a.probabilities[:, 1], b.probabilities[:, 1], a.patients)
    row = found.metrics["roc_auc_normal"]
    assert row.p == pytest.approx(expected.p)
    assert (row.difference.low, row.difference.high) == pytest.approx(
        (expected.difference.low, expected.difference.high)
    )
    right = [p.labels == p.predicted for p in (a, b)]
    assert found.right.only_a == (right[0] & ~right[1]).sum()
    assert found.metrics["accuracy"].p == found.right.mid_p
    assert math.isnan(found.metrics["roc_auc"].p)
    assert math.isnan(found.metrics["brier"].p)


def test_images_are_matched_by_name_whatever_order_and_fold(drawn):
    a = drawn()
    b = rescored(a, 4)
    shuffled = Predictions(b.table.sample(frac=1, random_state=1).assign(fold=3), b.classes)
    assert_same(compare(a, shuffled, rng(), 50), compare(a, b, rng(), 50))
    ours = Predictions(a.table[:100], a.classes)
    theirs = Predictions(b.table[20:], b.classes)
    part = compare(ours, theirs, rng(), 50)
    assert (part.images, part.only_a, part.only_b) == (80, 20, 20)
    middle = [Predictions(p.table[20:100], p.classes) for p in (a, b)]
    assert_same(part, compare(*middle, rng(), 50))


def assert_same(one, other):
    for name, row in one.metrics.items():
        assert repr(row) == repr(other.metrics[name])


def test_the_other_way_round_turns_the_signs(drawn):
    a = drawn()
    b = rescored(a, 5)
    there, back = compare(a, b, rng(), 50), compare(b, a, rng(), 50)
    for name, row in there.metrics.items():
        turned = back.metrics[name]
        assert row.difference.value == -turned.difference.value
        assert (row.difference.low, row.difference.high) == pytest.approx(
            (-turned.difference.high, -turned.difference.low)
        )
        assert row.p == pytest.approx(turned.p, nan_ok=True)


def test_a_classifier_does_not_differ_from_itself(drawn):
    found = compare(drawn(), drawn(), rng(), 50)
    assert all(row.difference.value == 0 for row in found.metrics.values())
    assert found.metrics["accuracy"].p == found.metrics["roc_auc"].p == 1
    assert math.isnan(found.metrics["f1"].difference.low)


def test_patients_of_either_table_are_kept_together(drawn):
    # a knows pairs (0, 1), (2, 3), …; b knows (1, 2), (3, 4), …: together all are one patient.
    a = drawn(n=60)
    b = drawn(n=60, patient=[f"q{(i + 1) // 2}" for i in range(60)])
    assert math.isnan(compare(a, rescored(b, 6), rng(), 50).metrics["roc_auc"].difference.low)


def test_what_cannot_be_compared(drawn, build):
    a = drawn()
    with pytest.raises(CohortError, match="different classes; expected normal, covid"):
        compare(a, drawn(k=3), rng())
    with pytest.raises(CohortError, match="no image in common"):
        compare(a, drawn(image=[f"other{i}.png" for i in range(120)]), rng())
    other = a.table.copy()
    other.loc[:1, "label"] = ["covid", "normal"]
    with pytest.raises(CohortError, match=r"the labels of 2 images differ; expected normal for 0.png"):
        compare(a, Predictions(other, a.classes), rng())
    twice = Predictions(pd.concat([a.table, a.table.assign(fold=1)]), a.classes)
    with pytest.raises(CohortError, match="several rows"):
        compare(twice, a, rng())


@pytest.mark.parametrize(
    ("a", "n", "b", "m"), [(56, 80, 48, 80), (9, 10, 3, 10), (10, 10, 0, 20), (5, 56, 0, 29)]
)
def test_newcombe_agrees_with_statsmodels(a, n, b, m):
    found = newcombe(Estimate.around(a / n, wilson(a, n), n), Estimate.around(b / m, wilson(b, m), m))
    expected = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)
    assert (found.value, found.n) == (a / n - b / m, n + m)


def test_newcombes_own_example():
    # His table II: 56/70 against 48/80, 0.0524 to 0.3339.
    found = newcombe(Estimate(0.8, *wilson(56, 70), 70), Estimate(0.6, *wilson(48, 80), 80))
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


@pytest.mark.parametrize("k", [2, 3])
def test_a_drop_is_what_one_side_has_more(drawn, k):
    inside, outside = drawn(k=k), rescored(drawn(k=k, seed=7, n=200), 7)
    found = performance_drop(inside, outside, rng(), 100)
    assert list(found)[: len(METRICS)] == list(METRICS)
    for name, row in found.items():
        assert row.difference.value == row.internal.value - row.external.value
        assert row.difference.low < row.difference.value < row.difference.high
        assert row.internal.value == evaluate(inside, rng(), 5)[name].value
        assert row.external.value == evaluate(outside, rng(), 5)[name].value
    assert found["accuracy"].difference == newcombe(found["accuracy"].internal, found["accuracy"].external)


def test_a_cohort_of_one_class_has_what_it_can_have(build, drawn):
    healthy = build([0] * 20, np.linspace(0.1, 0.9, 20))
    found = performance_drop(drawn(), healthy, rng(), 100)
    for name in ("roc_auc", "sensitivity", "balanced_accuracy"):
        assert math.isnan(found[name].difference.value)
        assert math.isnan(found[name].difference.low)
        assert not math.isnan(found[name].internal.value)
    specificity = found["specificity"]
    assert specificity.external.value == 0.5
    assert specificity.difference.low < specificity.difference.value < specificity.difference.high


def test_a_perfect_internal_area_is_not_taken_as_certain(build, drawn):
    perfect = build([1] * 30 + [0] * 30, [0.9] * 30 + [0.1] * 30)
    found = performance_drop(perfect, drawn(), rng(), 100)["roc_auc"]
    assert found.difference.high - found.difference.value == found.external.value - found.external.low
    assert found.difference.value - found.difference.low > found.external.high - found.external.value


def test_a_drop_wants_one_classifier(drawn):
    with pytest.raises(CohortError, match="different classes"):
        performance_drop(drawn(), drawn(k=3), rng())
