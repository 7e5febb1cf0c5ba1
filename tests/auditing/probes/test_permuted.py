from __future__ import annotations

import numpy as np
import pytest

from hilum.auditing import Rating
from hilum.auditing.probes.leakage import PERMUTATIONS, SHUFFLED_LABELS, _permuted, _permuted_groups
from hilum.auditing.rules import leaking
from hilum.metrics import Estimate
from hilum.recipe.settings import SplitBy, SplitSettings

BY_IMAGE = SplitSettings(by=SplitBy.IMAGE, test=0.3, validation=0.2)


def patients_with_copies(make_subject, by, *, alike=3.0):
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(40), 4)
    labels = np.repeat(rng.permutation(np.arange(40) % 2), 4)
    features = rng.normal(size=(160, 60)) + alike * rng.normal(size=(40, 60))[patients]
    splitting = SplitSettings(by=by, test=0.3, validation=0.2)
    names = [f"p{one}" for one in patients]
    return make_subject(
        labels=labels, features=features.astype(np.float32), patients=names, splitting=splitting
    )


@pytest.mark.parametrize("classes", [("normal", "covid"), ("a", "b", "c")])
def test_a_clean_procedure_is_sound_however_strong_the_signal(make_subject, classes):
    answer = SHUFFLED_LABELS.ask(make_subject(signal=4.0, classes=classes))
    assert answer.rating is Rating.SOUND
    assert answer.figure.n == len(answer.details["auc"]) == PERMUTATIONS
    assert answer.figure.value == pytest.approx(np.mean(answer.details["auc"]))
    assert answer.figure.low < 0.5 < answer.figure.high
    assert answer.pictures[0].marks["the classifier"] > 0.99


def test_patients_on_both_sides_are_caught(make_subject):
    answer = SHUFFLED_LABELS.ask(patients_with_copies(make_subject, SplitBy.IMAGE))
    assert answer.rating is Rating.BROKEN
    assert f"AUC {answer.figure.value:.2f}" in answer.claim


def test_the_same_patients_kept_apart_are_not(make_subject):
    answer = SHUFFLED_LABELS.ask(patients_with_copies(make_subject, SplitBy.PATIENT))
    assert answer.rating is Rating.SOUND


def test_copies_under_other_names_are_caught(make_subject):
    rng = np.random.default_rng(2)
    features = np.repeat(rng.normal(size=(60, 50)), 3, axis=0).astype(np.float32)
    labels = np.repeat(np.arange(60) % 2, 3)
    answer = SHUFFLED_LABELS.ask(make_subject(labels=labels, features=features, splitting=BY_IMAGE))
    assert answer.rating is Rating.BROKEN
    assert answer.details["groups"] == 60


def test_rows_that_a_patient_or_their_content_joins_are_one_group():
    patients = np.array(["a", "b", "b", "c", "d"], dtype=object)
    features = np.array([[1], [2], [1], [4], [5]], np.float32)
    groups = _permuted_groups(patients, features)
    assert groups[0] == groups[1] == groups[2]
    assert len({groups[0], groups[3], groups[4]}) == 3


def test_permuted_labels_keep_groups_whole_and_counts_nearly():
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(50), rng.integers(1, 6, 50))
    labels = (groups < 15).astype(np.int64)
    found = [_permuted(labels, groups, rng) for _ in range(200)]
    for one in found:
        assert all(len(set(one[groups == group])) == 1 for group in range(50))
        assert abs(one.sum() - labels.sum()) <= 5
    shares = np.mean(found, axis=0)
    assert np.ptp(shares) < 0.3  # every group has either label in turn
    assert shares.mean() == pytest.approx(labels.mean(), abs=0.02)


@pytest.mark.parametrize(
    ("figure", "rating"),
    [
        (Estimate(0.51, 0.47, 0.55, 20), Rating.SOUND),
        (Estimate(0.53, 0.51, 0.55, 20), Rating.SOUND),
        (Estimate(0.56, 0.52, 0.60, 20), Rating.DOUBTFUL),
        (Estimate(0.56, 0.49, 0.63, 20), Rating.SOUND),
        (Estimate(0.70, 0.61, 0.79, 20), Rating.BROKEN),
        (Estimate(float("nan"), float("nan"), float("nan"), 0), Rating.CANNOT_TELL),
    ],
)
def test_readings(figure, rating):
    assert leaking(figure)[0] is rating
