from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from hilum.auditing.comparison import compare_with_baseline, forest_out_of_fold


def test_a_part_is_measured_against_the_whole(make_subject):
    subject = make_subject()
    part = np.random.default_rng(0).dirichlet([1, 1], len(subject.rows))
    found = compare_with_baseline(subject, part, "frame")
    expected = roc_auc_score(subject.labels, part[:, 1])
    assert found.part.value == pytest.approx(expected)
    assert found.whole.value == pytest.approx(roc_auc_score(subject.labels, subject.reference[:, 1]))
    assert found.explained.value == pytest.approx((expected - 0.5) / (found.whole.value - 0.5))
    assert (found.part.n, found.patients) == (120, 60)


def test_the_whole_against_itself_explains_all_of_it(make_subject):
    subject = make_subject(classes=("a", "b", "c"), n=90)
    found = compare_with_baseline(subject, subject.reference, "frame")
    mean = np.mean([roc_auc_score(subject.labels == k, subject.reference[:, k]) for k in range(3)])
    assert found.whole.value == pytest.approx(mean)
    assert found.explained.value == pytest.approx(1)


def test_what_is_no_better_than_chance_has_no_share_to_explain(make_subject):
    subject = make_subject(signal=0)
    object.__setattr__(subject, "reference", 1 - np.eye(2, dtype=np.float32)[subject.labels])
    assert np.isnan(compare_with_baseline(subject, subject.reference, "frame").explained.value)


def test_a_forest_takes_steps_gaps_and_missing_values(make_subject):
    subject = make_subject(n=80)
    facts = np.stack([np.where(subject.labels == 1, np.nan, 3.0), np.zeros(80)], axis=1)
    found = forest_out_of_fold(subject, facts)
    assert found.shape == (80, 2)
    assert np.array_equal(found.argmax(axis=1), subject.labels)
    assert np.array_equal(forest_out_of_fold(subject, facts), found)
