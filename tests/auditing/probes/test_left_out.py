from __future__ import annotations

import numpy as np
import pytest

from hilum.auditing import Rating
from hilum.auditing.probes.transfer import LEFT_OUT


def features_of(labels, sources, *, shared: float, own: float, seed: int = 0):
    """Noise, with a signal that all sources share, and one whose sign each source has for itself."""
    found = np.random.default_rng(seed).normal(size=(len(labels), 12))
    found[:, 0] += shared * labels
    for number, name in enumerate(dict.fromkeys(sources)):
        inside = sources == name
        found[inside, 1 + number] += own * labels[inside]
        found[inside, 6] += own * (1 if number % 2 else -1) * labels[inside]
    return found.astype(np.float32)


@pytest.fixture
def design():
    labels = np.arange(240) % 2
    return labels, np.random.default_rng(1).choice(["a", "b"], 240)


def test_a_signal_that_all_sources_share_holds(design, make_subject):
    labels, sources = design
    features = features_of(labels, sources, shared=2.5, own=0)
    answer = LEFT_OUT.ask(make_subject(labels=labels, sources=sources, features=features))
    assert answer.rating is Rating.SOUND
    assert answer.figure.value > 0.9
    assert answer.figure.n == 240
    assert set(answer.details["sources"]) == {"a", "b"}


def test_a_signal_that_each_source_has_for_itself_is_lost(design, make_subject):
    labels, sources = design
    features = features_of(labels, sources, shared=0, own=2.5)
    answer = LEFT_OUT.ask(make_subject(labels=labels, sources=sources, features=features))
    assert answer.rating is Rating.BROKEN
    assert answer.figure.value < 0.6
    assert answer.details["drop"]["low"] > 0.2
    drop = answer.details["reference"]["value"] - answer.figure.value
    assert answer.details["drop"]["value"] == pytest.approx(drop)


def test_the_figure_weighs_sources_by_their_images(make_subject):
    labels = np.arange(240) % 2
    sources = np.array(["a"] * 160 + ["b"] * 80)
    answer = LEFT_OUT.ask(make_subject(labels=labels, sources=sources))
    a, b = (answer.details["sources"][name]["auc"] for name in "ab")
    assert answer.figure.value == pytest.approx((160 * a + 80 * b) / 240)


def test_patients_of_the_source_do_not_train(make_subject):
    """Every patient is in both sources, so nobody is left to train on."""
    labels = np.repeat(np.arange(60) % 2, 2)
    patients = np.repeat([f"p{number}" for number in range(60)], 2)
    answer = LEFT_OUT.ask(make_subject(labels=labels, patients=patients, sources=np.tile(["a", "b"], 60)))
    assert answer.rating is Rating.CANNOT_TELL


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        (["one"] * 120, "only one source"),
        (["a", "b"] * 60, "one label only"),
        (["a"] * 18 + ["b"] * 102, "no source has 10 images of 5 patients"),
    ],
)
def test_where_no_source_can_be_left_out(sources, reason, make_subject):
    answer = LEFT_OUT.ask(make_subject(labels=np.arange(120) % 2, sources=np.array(sources)))
    assert answer.rating is Rating.CANNOT_TELL
    assert reason in answer.reason


def test_a_source_that_holds_two_of_three_classes(make_subject):
    labels = np.arange(240) % 3
    sources = np.where((labels < 2) & (np.arange(240) < 120), "small", "large")
    answer = LEFT_OUT.ask(make_subject(labels=labels, classes=("a", "b", "c"), sources=sources))
    assert list(answer.details["sources"]) == ["small"]
    assert answer.figure.value > 0.9
