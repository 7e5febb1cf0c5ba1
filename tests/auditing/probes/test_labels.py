from __future__ import annotations

import numpy as np

from hilum.auditing import Rating
from hilum.auditing.probes.reliability import LABELS


def planted(labels, signal):
    features = np.random.default_rng(5).normal(size=(len(labels), 10))
    features[:, 0] += signal * labels
    return features.astype(np.float32)


def test_wrong_labels_are_found_the_surest_first(make_subject):
    truth = np.arange(200) % 2
    given = truth.copy()
    given[:6] = 1 - given[:6]
    answer = LABELS.ask(make_subject(labels=given, features=planted(truth, 8)))
    found = answer.details["images"]
    assert {one["image"] for one in found} == {f"{row}.png" for row in range(6)}
    assert [one["probability"] for one in found] == sorted(one["probability"] for one in found)
    assert all(one["label"] != one["suggested"] for one in found)
    assert answer.figure.value == 6 / 200
    assert answer.rating is Rating.SOUND  # 3 %, as in benchmarks
    assert [len(row) for row in answer.pictures[0].rows] == [4, 2]


def test_many_wrong_labels_are_doubtful(make_subject):
    truth = np.arange(600) % 2
    given = truth.copy()
    given[:45] = 1 - given[:45]
    answer = LABELS.ask(make_subject(labels=given, features=planted(truth, 10)))
    assert {one["image"] for one in answer.details["images"]} <= {f"{row}.png" for row in range(45)}
    assert len(answer.details["images"]) > 35
    assert answer.rating is Rating.DOUBTFUL
    assert answer.figure.low > 0.05


def test_right_labels_are_sound_and_show_nothing(make_subject):
    labels = np.arange(200) % 2
    answer = LABELS.ask(make_subject(labels=labels, features=planted(labels, 8)))
    assert (answer.rating, answer.figure.value, answer.pictures) == (Rating.SOUND, 0, ())
    assert "0 of 200 labels" in answer.claim


def test_where_images_tell_little_a_wrong_label_cannot_be_told_from_a_hard_image(make_subject):
    labels = np.arange(200) % 2
    hard = LABELS.ask(make_subject(labels=labels, features=planted(labels, 1.5)))
    assert hard.rating is Rating.CANNOT_TELL
    assert hard.details["images"]
    blind = LABELS.ask(make_subject(labels=labels, signal=0))
    assert blind.rating is Rating.CANNOT_TELL
    assert "no better than chance" in blind.reason


def test_three_classes(make_subject):
    truth = np.arange(150) % 3
    given = truth.copy()
    given[0] = 2
    features = np.eye(3)[truth] * 8 + np.random.default_rng(0).normal(size=(150, 3))
    answer = LABELS.ask(
        make_subject(labels=given, classes=("a", "b", "c"), features=features.astype(np.float32))
    )
    assert [(one["image"], one["label"], one["suggested"]) for one in answer.details["images"]] == [
        ("0.png", "c", "a")
    ]
