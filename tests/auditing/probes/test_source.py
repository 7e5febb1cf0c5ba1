from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hilum.auditing import Rating
from hilum.auditing.probes.metadata import SOURCE


def ask(subject):
    return SOURCE.ask(subject)


def test_a_source_for_each_label_is_broken(make_subject):
    labels = np.arange(120) % 2
    answer = ask(make_subject(labels=labels, sources=np.where(labels == 1, "clinic", "school")))
    assert answer.rating is Rating.BROKEN
    assert answer.figure.value == 1
    assert "AUC 1.000" in answer.claim
    assert answer.pictures[1].rows == (("school", "60", "0"), ("clinic", "0", "60"))


def test_one_source_gives_nothing_away_and_says_what_it_may_hold(make_subject):
    answer = ask(make_subject(n=120))
    assert answer.rating is Rating.SOUND
    assert answer.figure.value == 0.5
    assert "one source, made" in answer.claim


def test_mixed_sources_are_sound(make_subject):
    answer = ask(make_subject(n=200, sources=np.random.default_rng(3).choice(["a", "b"], 200)))
    assert answer.rating is Rating.SOUND
    assert answer.measure == "AUC, source only"


@pytest.mark.parametrize("name", ["view", "age", "sex"])
def test_a_fact_of_the_patient_makes_it_doubtful_at_most(name, make_subject):
    labels = np.arange(160) % 2
    values = labels * 50.0 + 20 if name == "age" else np.where(labels == 1, "AP", "PA")
    answer = ask(make_subject(labels=labels, columns={name: values}))
    assert answer.rating is Rating.DOUBTFUL
    assert answer.measure == f"AUC, {name} only"
    assert answer.details["facts"][name]["auc"] == 1


def test_a_location_is_reported_but_not_scored(make_subject):
    labels = np.arange(160) % 2
    answer = ask(make_subject(labels=labels, columns={"location": np.where(labels == 1, "Hanoi", "Paris")}))
    assert answer.rating is Rating.SOUND
    assert "location alone predicts the label with AUC 1.000" in answer.meaning


def test_a_fact_known_for_one_label_alone_is_not_asked_about(make_subject):
    labels = np.arange(120) % 2
    ages = pd.Series(np.random.default_rng(0).integers(20, 90, 120).astype(float)).where(labels == 1)
    answer = ask(make_subject(labels=labels, columns={"age": ages.to_numpy()}))
    assert "age" not in answer.details["facts"]
    assert answer.rating is Rating.SOUND


def test_three_classes(make_subject):
    labels = np.arange(150) % 3
    answer = ask(
        make_subject(labels=labels, classes=("a", "b", "c"), sources=np.array(["x", "y", "z"])[labels])
    )
    assert answer.rating is Rating.BROKEN
    assert answer.figure.value == 1


def test_too_few_images_of_a_label(make_subject):
    labels = np.array([1] * 60 + [0] * 8)
    assert ask(make_subject(labels=labels)).rating is Rating.CANNOT_TELL
