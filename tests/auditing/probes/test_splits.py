from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.auditing import Rating
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


def recognisable(make_subject, similarity):
    """60 patients with 4 similar images each, and little signal."""
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(60), 4)
    labels = np.repeat(rng.permutation(np.arange(60) % 2), 4)
    features = rng.normal(size=(240, 40)) + similarity * rng.normal(size=(60, 40))[patients]
    features[:, 0] += labels
    names = [f"p{one}" for one in patients]
    return make_subject(
        labels=labels, features=features.astype(np.float32), patients=names, splitting=BY_IMAGE
    )


def test_the_figure_is_the_mean_over_random_splits(make_subject):
    answer = RANDOM_SPLITS.ask(make_subject(signal=1.5, seed=1))
    assert answer.rating is Rating.SOUND
    (values,) = answer.pictures[0].values.values()
    assert answer.figure.value == pytest.approx(np.mean(values))
    assert answer.figure.low == pytest.approx(np.percentile(values, 2.5))
    assert answer.figure.n == len(values) == 25
    details = answer.details
    assert details["grouping_cost"]["value"] == 0
    assert details["given_percentile"] == np.mean(np.array(values) <= details["given_accuracy"] + 1e-9)
    assert set(answer.pictures[0].marks) == {"given split", "the classifier"}


def test_recognised_patients_are_found(make_subject):
    answer = RANDOM_SPLITS.ask(recognisable(make_subject, 4.0))
    assert answer.rating is Rating.BROKEN
    assert set(answer.pictures[0].values) == {"random splits", "grouped by patient"}
    assert answer.details["grouping_cost"]["low"] > 0.05


def test_dissimilar_images_of_a_patient_cost_nothing(make_subject):
    assert RANDOM_SPLITS.ask(recognisable(make_subject, 0.0)).rating is Rating.SOUND


def test_published_accuracies_are_marked(make_subject):
    published = [
        Published(metric="accuracy", value=0.1, n=55, backbone="vgg16"),
        Published(metric="loss", value=1),
    ]
    answer = RANDOM_SPLITS.ask(replace(make_subject(), published=published))
    assert answer.pictures[0].marks["published, vgg16"] == 0.1


def test_the_given_split_of_a_sample_is_compared_on_the_sample(make_subject, monkeypatch):
    monkeypatch.setattr("hilum.auditing.subject.MAX_ROWS", 80)
    answer = RANDOM_SPLITS.ask(make_subject())
    assert answer.details["images"] == 80
    assert 0 < answer.details["given_accuracy"] <= 1


@pytest.mark.parametrize(
    ("given", "random", "rating"),
    [
        (0.95, np.linspace(0.80, 0.94, 100), Rating.DOUBTFUL),
        (0.94, np.linspace(0.80, 0.94, 100), Rating.DOUBTFUL),
        (0.93, np.linspace(0.80, 0.94, 100), Rating.SOUND),
        (1.00, np.repeat([0.98, 1.0], [90, 10]), Rating.SOUND),  # ties with others
        (1.00, np.repeat([0.985, 1.0], [99, 1]), Rating.SOUND),  # rare, by a point and a half
    ],
)
def test_a_rare_split_is_doubtful(given, random, rating):
    assert lucky(given, random, random, NO_COST)[0] is rating


@pytest.mark.parametrize(
    ("cost", "rating"),
    [
        (Estimate(0.08, 0.06, 0.10, 100), Rating.BROKEN),
        (Estimate(0.08, 0.03, 0.13, 100), Rating.DOUBTFUL),
        (Estimate(0.03, 0.01, 0.05, 100), Rating.SOUND),
    ],
)
def test_the_cost_of_grouping_is_rated(cost, rating):
    random = np.linspace(0.9, 1.0, 100)
    assert lucky(0.95, random, np.linspace(0.80, 0.94, 100), cost)[0] is rating


def test_an_accuracy_that_grouped_splits_reach_is_not_broken():
    random, grouped = np.linspace(0.9, 1.0, 100), np.linspace(0.8, 0.96, 100)
    assert lucky(0.91, random, grouped, Estimate(0.08, 0.06, 0.1, 100))[0] is Rating.DOUBTFUL
