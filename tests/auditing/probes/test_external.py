from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hilum.auditing import External, Rating
from hilum.auditing.probes.transfer import EXTERNAL
from hilum.auditing.rules import transported
from hilum.metrics import Estimate, PerformanceDrop, Predictions, newcombe


def elsewhere(labels, scores, classes=("normal", "covid"), sources="north"):
    """Predictions with `scores`, (n, k), each called the likeliest."""
    scores = np.asarray(scores)
    names = np.array(classes, dtype=object)
    table = pd.DataFrame(
        {
            "image": [f"x{row}.png" for row in range(len(labels))],
            "patient": [f"x{row}" for row in range(len(labels))],
            "source": sources,
            "split": "test",
            "fold": 0,
            "label": names[labels],
            "predicted": names[scores.argmax(axis=1)],
        }
    )
    for code, name in enumerate(classes):
        table[f"probability_{name}"] = scores[:, code]
    return External("North Hospital", Predictions(table, classes))


def two(positive):
    return np.stack([1 - np.asarray(positive), positive], axis=1)


def told(labels, skill, rng):
    """Scores that tell the labels apart by `skill` standard deviations."""
    return two(1 / (1 + np.exp(-2 * (rng.normal(size=len(labels)) + skill * (labels - 0.5)))))


def test_without_another_hospital_it_says_how_to_give_one(make_subject):
    answer = EXTERNAL.ask(make_subject())
    assert answer.rating is Rating.CANNOT_TELL
    assert "hilum audit RUN --external COHORT" in answer.meaning


def test_as_good_elsewhere_is_sound(make_subject):
    rng, labels = np.random.default_rng(0), np.arange(400) % 2
    answer = EXTERNAL.ask(make_subject(n=400, signal=3.0, external=elsewhere(labels, told(labels, 5, rng))))
    assert answer.rating is Rating.SOUND
    assert answer.details["metric"] == "roc_auc"
    drop = answer.details["metrics"]["roc_auc"]
    assert answer.figure.value == drop["difference"]["value"]
    assert drop["internal"]["value"] - drop["external"]["value"] == pytest.approx(answer.figure.value)


def test_guessing_elsewhere_is_broken(make_subject):
    rng, labels = np.random.default_rng(0), np.arange(200) % 2
    answer = EXTERNAL.ask(make_subject(n=300, signal=3.0, external=elsewhere(labels, told(labels, 0, rng))))
    assert answer.rating is Rating.BROKEN
    assert "1.00" in answer.claim


def test_negatives_alone_are_counted(make_subject):
    labels = np.zeros(200, int)
    positive = np.r_[np.full(187, 0.9), np.full(13, 0.2)]
    answer = EXTERNAL.ask(make_subject(signal=3.0, external=elsewhere(labels, two(positive))))
    assert answer.rating is Rating.BROKEN
    assert "covid for 187 (93.5%)" in answer.claim
    assert answer.details["metric"] == "specificity"
    alarms = answer.details["false_alarms"]
    assert (alarms["n"], alarms["count"], alarms["share"]) == (200, 187, 0.935)
    assert alarms["low"] == pytest.approx(0.8922, abs=1e-3)  # Wilson
    bars, grid = answer.pictures
    assert [bar.label for bar in bars.bars][-1] == "Specificity, North Hospital"
    assert grid.rows == (("north", "normal", "200", "13", "187", f"{positive.mean():.2f}"),)


def test_positives_alone_give_the_sensitivity(make_subject):
    answer = EXTERNAL.ask(
        make_subject(signal=3.0, external=elsewhere(np.ones(100, int), two(np.full(100, 0.1))))
    )
    assert answer.details["metric"] == "sensitivity"
    assert answer.rating is Rating.BROKEN
    assert "sensitivity is 0.00" in answer.claim


def test_a_handful_of_images_cannot_tell(make_subject):
    labels = np.array([0, 1, 0, 1, 0, 1])
    answer = EXTERNAL.ask(
        make_subject(signal=3.0, external=elsewhere(labels, two([0.1, 0.9, 0.6, 0.4, 0.2, 0.8])))
    )
    assert answer.rating is Rating.CANNOT_TELL


def test_three_classes(make_subject):
    rng, labels = np.random.default_rng(4), np.arange(300) % 3
    scores = rng.dirichlet(np.ones(3), 300)
    there = elsewhere(labels, scores, ("a", "b", "c"), np.resize(["north", "south"], 300))
    answer = EXTERNAL.ask(make_subject(classes=("a", "b", "c"), n=300, signal=3.0, external=there))
    assert answer.rating is Rating.BROKEN
    assert answer.details["metric"] == "roc_auc"
    assert [row["n"] for row in answer.details["by_source"]] == [50] * 6


def test_three_classes_of_which_one_is_there(make_subject):
    there = elsewhere(np.zeros(80, int), np.tile([0.1, 0.8, 0.1], (80, 1)), ("a", "b", "c"))
    answer = EXTERNAL.ask(make_subject(classes=("a", "b", "c"), signal=3.0, external=there))
    assert answer.details["metric"] == "sensitivity_a"
    assert answer.rating is Rating.BROKEN
    assert "another label for 80" in answer.claim


def dropped(here, there):
    sides = [Estimate(value, value - half, min(1.0, value + half), 100) for value, half in (here, there)]
    return PerformanceDrop(*sides, newcombe(*sides))


@pytest.mark.parametrize(
    ("here", "there", "rating"),
    [
        ((0.98, 0.01), (0.75, 0.04), Rating.BROKEN),
        ((0.70, 0.04), (0.58, 0.09), Rating.CANNOT_TELL),
        ((0.72, 0.03), (0.52, 0.12), Rating.BROKEN),  # surely down, and 0.5 is possible there
        ((0.98, 0.01), (0.90, 0.02), Rating.DOUBTFUL),
        ((0.98, 0.01), (0.95, 0.02), Rating.SOUND),
        ((0.98, 0.01), (0.93, 0.08), Rating.CANNOT_TELL),
    ],
)
def test_readings_of_an_auc(here, there, rating):
    assert transported({"roc_auc": dropped(here, there)}, "roc_auc")[0] is rating


@pytest.mark.parametrize(
    ("there", "rating"), [(0.6, Rating.BROKEN), (0.8, Rating.DOUBTFUL), (0.93, Rating.SOUND)]
)
def test_a_rate_counts_beside_an_auc_that_holds(there, rating):
    drops = {
        "roc_auc": dropped((0.98, 0.01), (0.97, 0.01)),
        "specificity": dropped((0.97, 0.02), (there, 0.03)),
    }
    assert transported(drops, "roc_auc")[0] is rating
