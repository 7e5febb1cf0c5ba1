from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from hilum.auditing import Curves, Grid, Rating, examine, probes
from hilum.auditing.probes.reliability import CALIBRATION
from hilum.auditing.rules import miscalibrated
from hilum.metrics import Estimate, Predictions


def sharpened(make_subject, by, n=1500, classes=("normal", "covid"), seed=0, validation=0.3):
    """A subject whose probabilities have logits `by` times too large, and labels drawn from the true ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, len(classes)))
    labels = (softmax(logits, axis=1).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    said = softmax(by * logits, axis=1)
    subject = make_subject(n=60, classes=classes)
    names = np.array(classes, dtype=object)
    table = subject.predictions.table.iloc[[0] * n].assign(
        image=[f"{i}.png" for i in range(n)],
        patient=[f"p{i}" for i in range(n)],
        split=np.where(rng.random(n) < validation, "validation", "test"),
        label=names[labels],
        predicted=names[said.argmax(axis=1)],
        **{f"probability_{name}": said[:, code] for code, name in enumerate(classes)},
    )
    return replace(subject, predictions=Predictions(table, classes))


@pytest.mark.parametrize("classes", [("normal", "covid"), ("a", "b", "c")])
def test_too_sharp_probabilities_are_doubtful_and_recalibration_mends_them(make_subject, classes):
    answer = CALIBRATION.ask(sharpened(make_subject, 3, classes=classes))
    assert answer.rating is Rating.DOUBTFUL
    assert "overconfident" in answer.meaning
    assert f"{100 * answer.figure.value:.1f} percentage points" in answer.claim
    after = answer.details["after"]
    assert answer.figure.value == after["none"]["error"]
    assert list(after) == ["none", "platt", "temperature", "isotonic"]
    for name in ("platt", "temperature", "isotonic"):
        assert after[name]["error"] < 0.5 * after["none"]["error"]
        assert after[name]["log_loss"] < after["none"]["log_loss"]
        assert after[name]["brier"] < after["none"]["brier"]


@pytest.mark.parametrize("classes", [("normal", "covid"), ("a", "b", "c")])
def test_calibrated_probabilities_are_sound(make_subject, classes):
    answer = CALIBRATION.ask(sharpened(make_subject, 1, n=3000, classes=classes))
    assert answer.rating is Rating.SOUND


def test_calibrated_probabilities_of_small_cohorts_are_seldom_doubted(make_subject):
    asked = [CALIBRATION.ask(sharpened(make_subject, 1, n=300, seed=seed)).rating for seed in range(6)]
    assert Rating.DOUBTFUL not in asked


def test_timid_probabilities_are_told_from_sharp_ones(make_subject):
    answer = CALIBRATION.ask(sharpened(make_subject, 0.3))
    assert answer.rating is Rating.DOUBTFUL
    assert "underconfident" in answer.meaning


def test_pictures_show_the_bins_and_the_recalibrations(make_subject):
    subject = sharpened(make_subject, 3)
    answer = CALIBRATION.ask(subject)
    curves, grid = answer.pictures
    assert isinstance(curves, Curves)
    assert curves.diagonal
    assert list(curves.lines) == ["covid"]
    assert [list(point) for point in curves.lines["covid"]] == [
        [one["predicted"], one["observed"]["value"]] for one in answer.details["bins"]
    ]
    assert isinstance(grid, Grid)
    assert [row[0] for row in grid.rows] == ["None", "Platt", "Temperature", "Isotonic"]
    three = CALIBRATION.ask(sharpened(make_subject, 3, classes=("a", "b", "c")))
    assert list(three.pictures[0].lines) == ["a", "b", "c"]


def test_few_validation_images_recalibrate_nothing_and_it_says_so(make_subject):
    answer = CALIBRATION.ask(sharpened(make_subject, 3, n=200, validation=0.03))
    after = answer.details["after"]
    assert "expected 10 of each class" in after["platt"]["reason"]
    assert "expected 10 of each class" in answer.pictures[1].rows[1][3]


def test_each_fold_is_recalibrated_by_its_own_validation_images(make_subject):
    sharp, timid = sharpened(make_subject, 4), sharpened(make_subject, 0.25, seed=1)
    table = timid.predictions.table.assign(fold=1)
    table["image"] = "other " + table["image"]
    both = Predictions(pd.concat([sharp.predictions.table, table], ignore_index=True), ("normal", "covid"))
    apart = CALIBRATION.ask(replace(sharp, predictions=both)).details["after"]
    pooled = Predictions(both.table.assign(fold=0), both.classes)
    together = CALIBRATION.ask(replace(sharp, predictions=pooled)).details["after"]
    assert apart["temperature"]["log_loss"] < together["temperature"]["log_loss"] - 0.05


def test_separated_classes_need_no_slope(make_subject):
    labels = np.arange(200) % 2
    scores = np.where(labels == 1, 0.9999, 0.0001)
    subject = sharpened(make_subject, 1, n=200)
    names = np.array(["normal", "covid"], dtype=object)
    table = subject.predictions.table.assign(
        label=names[labels], predicted=names[labels], probability_covid=scores, probability_normal=1 - scores
    )
    answer = CALIBRATION.ask(replace(subject, predictions=Predictions(table, ("normal", "covid"))))
    assert answer.rating is Rating.SOUND
    assert np.isnan(answer.details["slope"]["value"])
    assert "separate" in answer.details["reason"]
    assert "no temperature is best" in answer.details["after"]["temperature"]["reason"]


def test_few_patients_cannot_tell_but_show_their_figure(make_subject):
    answer = CALIBRATION.ask(sharpened(make_subject, 3, n=20))
    assert answer.rating is Rating.CANNOT_TELL
    assert "fewer than 10" in answer.claim
    assert 0 < answer.figure.n < 20


def test_without_test_images_there_is_no_answer(make_subject):
    subject = sharpened(make_subject, 1, n=50, validation=1)
    assert CALIBRATION.ask(subject).rating is Rating.CANNOT_TELL


def test_it_is_asked_by_the_audit_and_kept_in_its_file(make_subject, tmp_path):
    assert probes()["calibration"] is CALIBRATION
    audit = examine(sharpened(make_subject, 3), [CALIBRATION])
    audit.write(tmp_path / "audit.json")
    kept = audit.read(tmp_path / "audit.json").answers["calibration"]
    assert kept.rating is Rating.DOUBTFUL
    assert kept.details["brier"]["uncertainty"] == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("figure", "by_chance", "patients", "rating"),
    [
        ((0.12, 0.06, 0.2), 0.08, 50, Rating.DOUBTFUL),
        ((0.12, 0.06, 0.2), 0.13, 50, Rating.CANNOT_TELL),
        ((0.12, 0.06, 0.2), 0.08, 9, Rating.CANNOT_TELL),
        ((0.06, 0.04, 0.09), 0.02, 50, Rating.SOUND),
        ((0.06, 0.04, 0.10), 0.02, 50, Rating.CANNOT_TELL),
        ((0.06, np.nan, np.nan), 0.02, 50, Rating.CANNOT_TELL),
    ],
)
def test_the_rule(figure, by_chance, patients, rating):
    assert miscalibrated(Estimate(*figure, 100), by_chance, patients)[0] is rating
