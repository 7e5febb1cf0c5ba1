from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from hilum.files import write_json
from hilum.metrics import (
    METRICS,
    ConfusionMatrix,
    Predictions,
    auc_interval,
    confusion,
    evaluate,
    metrics_of_parts,
    wilson,
)

PROPORTIONS = ("accuracy", "sensitivity", "specificity", "ppv", "npv")


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def tutorial(build):
    """TP 32, FN 1, TN 22, FP 0."""
    return build([1] * 33 + [0] * 22, [0.9] * 32 + [0.2] + [0.1] * 22)


def test_the_tutorials_figures_by_hand(tutorial):
    found = evaluate(tutorial, rng())
    expected = {
        "accuracy": (54, 55),
        "sensitivity": (32, 33),
        "specificity": (22, 22),
        "ppv": (32, 32),
        "npv": (22, 23),
    }
    for name, (successes, n) in expected.items():
        figure = found[name]
        assert figure.value == pytest.approx(successes / n)
        assert (figure.low, figure.high) == pytest.approx(wilson(successes, n))
        assert figure.n == n
    assert found["balanced_accuracy"].value == pytest.approx((32 / 33 + 1) / 2)
    assert found["f1"].value == pytest.approx(64 / 65)
    assert found["brier"].value == pytest.approx((54 * 0.01 + 0.64) / 55)
    assert found["loss"].value == pytest.approx(-(54 * math.log(0.9) + math.log(0.2)) / 55)
    assert found["roc_auc"].n == 55


def test_names_come_in_the_registrys_order(drawn):
    assert list(evaluate(drawn(), rng(), 50)) == list(METRICS)
    assert set(METRICS) == {
        "loss", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "f1",
        "roc_auc", "pr_auc", "brier",
    }  # fmt: skip


def test_the_registry_speaks_plainly():
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.description.endswith(".")
        assert metric.better == ("lower" if name in ("loss", "brier") else "higher")


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=30)
def test_two_classes_agree_with_scikit_learn(drawn, seed):
    predictions = drawn(seed=seed, n=60)
    truth, called, score = predictions.labels, predictions.predicted, predictions.probabilities[:, 1]
    expected = {
        "accuracy": metrics.accuracy_score(truth, called),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, called),
        "sensitivity": metrics.recall_score(truth, called),
        "specificity": metrics.recall_score(truth, called, pos_label=0),
        "ppv": metrics.precision_score(truth, called),
        "npv": metrics.precision_score(truth, called, pos_label=0),
        "f1": metrics.f1_score(truth, called),
        "roc_auc": metrics.roc_auc_score(truth, score),
        "pr_auc": metrics.average_precision_score(truth, score),
        "brier": metrics.brier_score_loss(truth, score),
        "loss": metrics.log_loss(truth, predictions.probabilities),
    }
    found = {name: figure.value for name, figure in evaluate(predictions, rng(), 20).items()}
    assert found == pytest.approx(expected)


def test_three_classes_agree_with_scikit_learn(drawn):
    predictions = drawn(k=3)
    truth, called, scores = predictions.labels, predictions.predicted, predictions.probabilities
    found = {name: figure.value for name, figure in evaluate(predictions, rng(), 20).items()}
    each = {
        "sensitivity": metrics.recall_score(truth, called, average=None),
        "ppv": metrics.precision_score(truth, called, average=None),
        "f1": metrics.f1_score(truth, called, average=None),
        "specificity": [metrics.recall_score(truth != k, called != k) for k in range(3)],
        "npv": [metrics.precision_score(truth != k, called != k) for k in range(3)],
        "roc_auc": [metrics.roc_auc_score(truth == k, scores[:, k]) for k in range(3)],
        "pr_auc": [metrics.average_precision_score(truth == k, scores[:, k]) for k in range(3)],
    }
    expected = {
        "accuracy": metrics.accuracy_score(truth, called),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, called),
        "brier": metrics.brier_score_loss(truth, scores, scale_by_half=False),
        "loss": metrics.log_loss(truth, scores),
    }
    for name, values in each.items():
        expected[name] = np.mean(values)
        for suffix, value in zip(("covid_19", "normal", "other_infection"), values, strict=True):
            expected[f"{name}_{suffix}"] = value
    assert found == pytest.approx(expected)


def test_each_class_has_its_own_n_and_wilsons_interval(build):
    # Three sick, two of them found; of those called sick, one of three is not.
    labels, called = [0, 0, 0, 1, 1, 2], [0, 0, 1, 0, 1, 2]
    found = evaluate(build(labels, np.eye(3)[called], ("sick", "well", "other")), rng())
    assert (found["sensitivity_sick"].value, found["sensitivity_sick"].n) == (pytest.approx(2 / 3), 3)
    assert (found["ppv_sick"].value, found["ppv_sick"].n) == (pytest.approx(2 / 3), 3)
    assert (found["specificity_sick"].low, found["specificity_sick"].high) == pytest.approx(wilson(2, 3))
    assert found["npv_other"].n == 5
    assert found["sensitivity"].n == 6


@pytest.mark.parametrize("k", [2, 3])
def test_intervals_are_the_generators(drawn, k):
    predictions = drawn(k=k)
    assert evaluate(predictions, rng(1)) == evaluate(predictions, rng(1))
    once, other = evaluate(predictions, rng(1)), evaluate(predictions, rng(2))
    for name in once:
        same = once[name] == other[name]
        averaged = k == 3 and name in (*PROPORTIONS[1:], "roc_auc")
        assert same == (name.startswith((*PROPORTIONS, "roc_auc")) and not averaged), name


def test_every_figure_lies_in_an_interval_of_some_width(drawn):
    for k in (2, 3):
        for figure in evaluate(drawn(k=k), rng()).values():
            assert figure.low < figure.value < figure.high


def test_patients_with_many_images_widen_the_interval(drawn):
    def width(patients):
        figure = evaluate(drawn(n=120, patient=patients), rng())["brier"]
        return figure.high - figure.low

    # Rows doubled in one patient say little more than the rows once.
    table = drawn(n=60).table
    doubled = table.assign(image="again" + table["image"])
    twice = Predictions(
        type(table)({name: [*table[name], *doubled[name]] for name in table}), ("normal", "covid")
    )
    once, both = (evaluate(p, rng())["brier"] for p in (drawn(n=60), twice))
    assert both.high - both.low == pytest.approx(once.high - once.low)
    assert width([f"p{i}" for i in range(120)]) < 1.3 * width([f"p{i // 2}" for i in range(120)])


@pytest.mark.parametrize("k", [2, 3])
def test_the_areas_have_delongs_interval_over_patients(drawn, k):
    predictions = drawn(k=k)
    found = evaluate(predictions, rng(), 20)
    names = {"roc_auc": 1} if k == 2 else {"roc_auc_covid_19": 0, "roc_auc_normal": 1}
    for name, code in names.items():
        interval = auc_interval(
            predictions.labels == code, predictions.probabilities[:, code], predictions.patients
        )
        assert (found[name].low, found[name].high) == interval


def test_a_perfect_separation_gets_an_interval_all_the_same(build):
    found = evaluate(build([1] * 33 + [0] * 22, [0.9] * 33 + [0.1] * 22), rng())
    for name in ("balanced_accuracy", "f1", "roc_auc", "pr_auc"):
        assert found[name].value == found[name].high == 1
        assert found[name].low == wilson(22, 22)[0]
    # All rows have the same loss: a bootstrap cannot tell how it would vary.
    assert math.isnan(found["loss"].low)


def test_a_score_that_is_all_ties_is_guessing_without_an_interval(build):
    found = evaluate(build([1, 0, 1, 0], [0.5] * 4), rng())
    assert found["roc_auc"].value == 0.5
    assert math.isnan(found["roc_auc"].low)
    assert found["pr_auc"].value == 0.5


@pytest.mark.parametrize("k", [2, 3])
def test_no_rows_give_nothing(drawn, k):
    found = evaluate(drawn(k=k).part("train"), rng())
    assert set(found) >= set(METRICS)
    for figure in found.values():
        assert figure.n == 0
        assert math.isnan(figure.value)


def test_one_class_leaves_what_it_can_tell(build):
    found = evaluate(build([0] * 5, [0.1, 0.2, 0.3, 0.4, 0.6]), rng())
    known = {name for name, figure in found.items() if not math.isnan(figure.value)}
    assert known == {"accuracy", "specificity", "ppv", "npv", "f1", "brier", "loss"}
    assert found["sensitivity"].n == 0
    assert (found["ppv"].value, found["ppv"].n) == (0, 1)
    assert not math.isnan(found["brier"].low)


def test_a_missing_class_makes_its_macro_averages_undefined(build):
    found = evaluate(build([0, 0, 1, 1], np.eye(3)[[0, 1, 1, 1]], ("a", "b", "c")), rng())
    assert math.isnan(found["sensitivity"].value)
    assert math.isnan(found["roc_auc"].value)
    assert found["accuracy"].value == 0.75
    assert found["sensitivity_a"].value == 0.5
    assert math.isnan(found["roc_auc_c"].value)


def test_a_class_of_one_patient_has_no_bootstrap(build):
    found = evaluate(build([1, 0, 0, 0, 0], [0.5, 0.6, 0.1, 0.2, 0.3]), rng())
    assert found["roc_auc"].value == 0.75
    assert math.isnan(found["roc_auc"].low)


def test_certainty_costs_what_keras_says(build):
    assert evaluate(build([1, 1], [0.0, 0.0]), rng())["loss"].value == pytest.approx(-math.log(1e-7))
    assert evaluate(build([1, 0], [1.0, 0.0]), rng())["loss"].value == pytest.approx(1e-7)


def test_an_image_of_several_folds_counts_once(build):
    # Two images in two folds each: three of four rows right.
    predictions = build(
        [1, 0, 1, 0], [0.9, 0.1, 0.2, 0.3], image=list("abab"), patient=list("abab"), fold=[0, 0, 1, 1]
    )
    found = evaluate(predictions, rng())
    assert (found["accuracy"].value, found["accuracy"].n) == (0.75, 2)
    assert (found["accuracy"].low, found["accuracy"].high) == wilson(1.5, 2)
    assert (found["sensitivity"].value, found["sensitivity"].n) == (0.5, 1)
    assert found["npv"].n == 2
    assert found["f1"].n == 2


def test_parts_do_not_depend_on_each_other(drawn):
    split = ["train"] * 60 + ["validation"] * 20 + ["test"] * 40
    predictions = drawn(split=split)
    parts = metrics_of_parts(predictions, rng(3), 100)
    assert list(parts) == ["train", "validation", "test"]
    for name, found in parts.items():
        assert found == evaluate(predictions.part(name), rng(3), 100)


def test_figures_go_into_json(drawn, tmp_path):
    found = {"test": {name: asdict(figure) for name, figure in evaluate(drawn(), rng(), 50).items()}}
    write_json(tmp_path / "metrics.json", found)
    again = json.loads((tmp_path / "metrics.json").read_text())
    assert again == found


def test_the_tutorials_matrix(build):
    labels = [1] * 33 + [0] * 22
    found = confusion(build(labels, [0.9] * 32 + [0.1] * 23, ("NORMAL", "COVID")))
    assert found.classes == ("NORMAL", "COVID")
    assert found.counts.tolist() == [[22, 0], [1, 32]]
    assert found.n == 55
    assert (found.shares * 100).round(1).tolist() == [[40.0, 0.0], [1.8, 58.2]]


def test_it_agrees_with_scikit_learn(drawn):
    predictions = drawn(k=4)
    expected = metrics.confusion_matrix(predictions.labels, predictions.predicted)
    assert np.array_equal(confusion(predictions).counts, expected)


def test_without_rows_shares_are_undefined(drawn):
    empty = confusion(drawn(k=3).part("train"))
    assert empty.counts.tolist() == [[0] * 3] * 3
    assert np.isnan(empty.shares).all()


@pytest.mark.parametrize("counts", [[[1, 2, 3]], [[1, -1], [0, 0]]])
def test_counts_must_fit(counts):
    with pytest.raises(ValueError, match="expected counts of shape"):
        ConfusionMatrix(("a", "b"), np.array(counts))
