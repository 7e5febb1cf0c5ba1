from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hilum.classifier.linear import fit_linear
from hilum.classifier.samples import Samples
from hilum.errors import FitError
from hilum.recipe.settings import LinearHeadSettings

DEFAULT = LinearHeadSettings()


def changed(samples: Samples, **parts: np.ndarray) -> Samples:
    names = ("features", "labels", "patients", "train", "validation", "classes")
    return Samples(**{name: getattr(samples, name) for name in names} | parts)


@pytest.mark.parametrize("name", ["two", "three", "overlapping"])
def test_it_equals_the_pipeline(name: str, request) -> None:
    samples = request.getfixturevalue(name)
    fitted = fit_linear(samples, DEFAULT, 0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=fitted.details["C"], max_iter=10_000))
    model.fit(samples.features[samples.train].astype(np.float64), samples.training_labels)
    expected = model.predict_proba(samples.features)
    assert np.allclose(fitted.head.probabilities(samples.features), expected, atol=1e-5, rtol=0)
    assert len(fitted.head.layers) == 1


def test_the_last_bit_is_that_of_the_pipeline_with_many_features() -> None:
    rng = np.random.default_rng(0)
    features, rows = rng.gamma(1, 3, (300, 100)).astype(np.float32), np.arange(300)
    features[:, 7] = 0.1
    labels = (features[:, :5].sum(axis=1) + rng.normal(0, 5, 300) > 14).astype(int)
    samples = Samples(features, labels, rows, rows[:250], rows[250:], ("a", "b"))
    fitted = fit_linear(samples, DEFAULT, 0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=fitted.details["C"], max_iter=10_000)).fit(
        features[:250].astype(np.float64), labels[:250]
    )
    weight = (model[1].coef_ / model[0].scale_).astype(np.float32)
    assert (fitted.head.layers[0].weight == weight).all()
    assert fitted.details["constant_features"] == 1


def test_standardisation_is_folded_in_where_scales_differ_widely(overlapping: Samples) -> None:
    scale = 10.0 ** np.arange(-5, 5)
    features = (overlapping.features * scale + 3 * scale).astype(np.float32)
    fitted = fit_linear(changed(overlapping, features=features), DEFAULT, 0)
    plain = fit_linear(overlapping, DEFAULT, 0)
    assert np.allclose(
        fitted.head.probabilities(features), plain.head.probabilities(overlapping.features), atol=1e-4
    )


def test_known_weights_are_found() -> None:
    rng = np.random.default_rng(0)
    weights, n = np.array([2.0, -1.0, 0.0]), 20_000
    features = rng.standard_normal((n, 3)).astype(np.float32)
    labels = (rng.random(n) < 1 / (1 + np.exp(-(features @ weights + 0.5)))).astype(int)
    rows = np.arange(n)
    samples = Samples(features, labels, rows, rows, rows[:0], ("a", "b"))
    (layer,) = fit_linear(samples, LinearHeadSettings(C=[10.0]), 0).head.layers
    assert np.allclose(layer.weight[0], weights, atol=0.08)
    assert layer.bias[0] == pytest.approx(0.5, abs=0.06)


def test_the_strength_with_the_least_loss_wins(overlapping: Samples) -> None:
    details = fit_linear(overlapping, DEFAULT, 0).details
    scores = {score["C"]: score["log_loss"] for score in details["scores"]}
    assert list(scores) == DEFAULT.C
    assert details["C"] == min(scores, key=scores.__getitem__)
    assert details["folds"] == 5
    assert all(0 < loss < 1 for loss in scores.values())


def test_patients_stay_apart_in_the_folds() -> None:
    # Labels are chance, but a patient's rows are the same row: a fold that splits them would look perfect.
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(40) % 2, 5)
    features = np.repeat(rng.standard_normal((40, 100)), 5, axis=0).astype(np.float32)
    rows = np.arange(200)
    by_patient = Samples(features, labels, rows // 5, rows, rows[:0], ("a", "b"))
    by_row = changed(by_patient, patients=rows)
    honest = fit_linear(by_patient, DEFAULT, 0).details
    blind = fit_linear(by_row, DEFAULT, 0).details
    assert honest["C"] < blind["C"]
    assert honest["scores"][-1]["log_loss"] > 0.6 > 0.1 > blind["scores"][-1]["log_loss"]


def test_one_strength_needs_no_folds(two: Samples) -> None:
    one_patient_each = changed(two, patients=two.labels)
    details = fit_linear(one_patient_each, LinearHeadSettings(C=[0.1]), 0).details
    assert (details["C"], details["folds"], details["scores"]) == (0.1, 0, [])


def test_few_patients_give_fewer_folds(two: Samples) -> None:
    patients = np.where(two.labels == 1, two.patients % 6, two.patients + 100)  # of class 1: patients 1, 3, 5
    assert fit_linear(changed(two, patients=patients), DEFAULT, 0).details["folds"] == 3


def test_too_few_patients_are_an_error(two: Samples) -> None:
    with pytest.raises(FitError, match=r"too few patients.*found 1 of the rarest.*head.C"):
        fit_linear(changed(two, patients=two.labels), DEFAULT, 0)


def test_constant_features_weigh_nothing(two: Samples) -> None:
    features = two.features.copy()
    features[:, 2] = 7
    fitted = fit_linear(changed(two, features=features), DEFAULT, 0)
    assert fitted.details["constant_features"] == 1
    assert abs(fitted.head.layers[0].weight[0, 2]) < 1e-6
    features[:, 2] = 1e6
    assert np.isfinite(fitted.head.probabilities(features)).all()


def test_it_is_the_same_for_a_seed(overlapping: Samples) -> None:
    np.random.seed(0)
    first = fit_linear(overlapping, DEFAULT, 4)
    np.random.seed(1)
    again = fit_linear(overlapping, DEFAULT, 4)
    assert again.head.content_hash == first.head.content_hash
    assert again.details == first.details


def test_validation_rows_decide_nothing(two: Samples) -> None:
    features = two.features.copy()
    features[two.validation] = 1000
    first, other = fit_linear(two, DEFAULT, 0), fit_linear(changed(two, features=features), DEFAULT, 0)
    assert first.head.content_hash == other.head.content_hash


def test_there_is_no_history(two: Samples) -> None:
    history = fit_linear(two, DEFAULT, 0).history
    assert len(history) == 0
    assert "val_loss" in history.columns
