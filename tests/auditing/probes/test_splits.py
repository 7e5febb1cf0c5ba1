from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from hilum.auditing import Rating, Subject
from hilum.auditing.probes import leakage
from hilum.auditing.probes.leakage import RANDOM_SPLITS
from hilum.auditing.rules import lucky
from hilum.metrics import Estimate
from hilum.recipe.settings import Published, SplitBy, SplitSettings

NO_COST = Estimate(0, -0.01, 0.01, 100)
BY_IMAGE = SplitSettings(by=SplitBy.IMAGE, test=0.3, validation=0.2)


@pytest.fixture(autouse=True)
def _fewer(monkeypatch):
    monkeypatch.setattr(leakage, "SPLITS", 25)


def remembered(make_subject, strength):
    """60 patients with 4 images each, which look alike and tell little of the label."""
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(60), 4)
    labels = np.repeat(rng.permutation(np.arange(60) % 2), 4)
    features = rng.normal(size=(240, 40)) + strength * rng.normal(size=(60, 40))[patients]
    features[:, 0] += labels
    names = [f"p{one}" for one in patients]
    return make_subject(
        labels=labels, features=features.astype(np.float32), patients=names, splitting=BY_IMAGE
    )


def test_a_plain_cohort_is_sound_and_its_figure_is_the_mean_of_its_splits(make_subject):
    answer = RANDOM_SPLITS.ask(make_subject(signal=1.5, seed=1))
    assert answer.rating is Rating.SOUND
    (values,) = answer.pictures[0].values.values()
    assert answer.figure.value == pytest.approx(np.mean(values))
    assert answer.figure.low == pytest.approx(np.percentile(values, 2.5))
    assert answer.figure.n == len(values) == 25
    details = answer.details
    assert details["patients_apart_cost"]["value"] == 0
    reported = details["reported_accuracy"]
    assert details["reported_percentile"] == np.mean(np.array(values) <= reported + 1e-9)
    assert answer.pictures[0].marks == {"this run": reported}
    assert f"{answer.figure.value:.1%} on average" in answer.claim


def test_patients_who_are_remembered_are_found(make_subject):
    answer = RANDOM_SPLITS.ask(remembered(make_subject, 4.0))
    assert answer.rating is Rating.BROKEN
    assert set(answer.pictures[0].values) == {"random splits", "patients apart"}
    assert answer.details["patients_apart_cost"]["low"] > 0.05
    assert "points lower" in answer.claim


def test_images_of_a_patient_that_differ_cost_nothing(make_subject):
    assert RANDOM_SPLITS.ask(remembered(make_subject, 0.0)).rating is Rating.SOUND


def test_the_published_accuracy_is_placed_too(make_subject):
    subject = make_subject()
    published = [
        Published(metric="accuracy", value=0.0, n=55, backbone="vgg16"),
        Published(metric="loss", value=1),
    ]
    subject = replace(subject, recipe=subject.recipe.model_copy(update={"published": published}))
    answer = RANDOM_SPLITS.ask(subject)
    assert answer.details["published"] == [{"accuracy": 0.0, "n": 55, "backbone": "vgg16", "percentile": 0.0}]
    assert answer.pictures[0].marks["published, vgg16"] == 0.0


def test_folds_become_a_part_of_their_size(make_subject):
    subject = make_subject(splitting=SplitSettings(by=SplitBy.IMAGE, folds=4, validation=0.2))
    answer = RANDOM_SPLITS.ask(subject)
    assert answer.details["test_share"] == pytest.approx(0.25)
    assert answer.details["split_by"] == "image"


def test_leaving_sources_out_becomes_patients_apart(make_subject):
    sources = np.resize(["north", "east", "south"], 120)
    subject = make_subject(sources=sources, splitting=SplitSettings(by=SplitBy.SOURCE, validation=0.2))
    answer = RANDOM_SPLITS.ask(subject)
    assert (answer.details["split_by"], answer.details["test_share"]) == ("patient", pytest.approx(1 / 3))


def test_a_sample_has_no_reported_accuracy_to_place(make_subject, monkeypatch):
    monkeypatch.setattr(sys.modules[Subject.__module__], "MOST_ROWS", 80)
    answer = RANDOM_SPLITS.ask(make_subject())
    assert np.isnan(answer.details["reported_accuracy"])
    assert "reported" not in answer.claim
    assert answer.pictures[0].marks == {}


@pytest.mark.parametrize(
    ("reported", "own", "rating"),
    [
        (0.95, np.linspace(0.80, 0.94, 100), Rating.DOUBTFUL),
        (0.94, np.linspace(0.80, 0.94, 100), Rating.DOUBTFUL),
        (0.93, np.linspace(0.80, 0.94, 100), Rating.SOUND),
        (1.00, np.repeat([0.98, 1.0], [90, 10]), Rating.SOUND),  # tied with others
        (1.00, np.repeat([0.985, 1.0], [99, 1]), Rating.SOUND),  # lucky, by a point and a half
        (float("nan"), np.linspace(0.80, 0.94, 100), Rating.SOUND),
    ],
)
def test_luck(reported, own, rating):
    assert lucky(reported, own, own, NO_COST)[0] is rating


@pytest.mark.parametrize(
    ("cost", "rating"),
    [
        (Estimate(0.08, 0.06, 0.10, 100), Rating.BROKEN),
        (Estimate(0.08, 0.03, 0.13, 100), Rating.DOUBTFUL),
        (Estimate(0.03, 0.01, 0.05, 100), Rating.SOUND),
    ],
)
def test_cost(cost, rating):
    own = np.linspace(0.9, 1.0, 100)
    assert lucky(0.95, own, np.linspace(0.80, 0.94, 100), cost)[0] is rating


def test_a_reported_figure_that_patients_apart_reach_too_is_not_broken():
    own, apart = np.linspace(0.9, 1.0, 100), np.linspace(0.8, 0.96, 100)
    assert lucky(0.91, own, apart, Estimate(0.08, 0.06, 0.1, 100))[0] is Rating.DOUBTFUL
