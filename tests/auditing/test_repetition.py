from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from hilum.auditing.repetition import Trial, repeat
from hilum.cohort import split
from hilum.errors import AuditError
from hilum.recipe.settings import SplitSettings

RULE = SplitSettings(test=0.4)


def trials_of(subject, count):
    labels = subject.labels[subject.rows]
    return [Trial(RULE.model_copy(update={"seed": seed}), labels) for seed in range(count)]


def test_a_repetition_fits_and_tests_the_probe_model(make_subject):
    subject = make_subject(signal=1.0)
    found = repeat(subject, trials_of(subject, 3), "Trying")
    for seed in range(3):
        (fold,) = split(subject.table, RULE.model_copy(update={"seed": seed}))
        predicted = subject.predict_held_out(np.concatenate([fold.train, fold.validation]), fold.test)
        truth = subject.labels[fold.test]
        assert found.accuracy[seed] == accuracy_score(truth, predicted.argmax(axis=1))
        assert found.auc[seed] == pytest.approx(roc_auc_score(truth, predicted[:, 1]), abs=1e-12)
    assert len(set(found.auc)) > 1


def test_three_classes_have_the_mean_auc_of_each_against_the_others(make_subject):
    subject = make_subject(classes=("a", "b", "c"), signal=1.0)
    found = repeat(subject, trials_of(subject, 1), "Trying")
    (fold,) = split(subject.table, RULE)
    predicted = subject.predict_held_out(np.concatenate([fold.train, fold.validation]), fold.test)
    truth = subject.labels[fold.test]
    expected = np.mean([roc_auc_score(truth == code, predicted[:, code]) for code in range(3)])
    assert found.auc[0] == pytest.approx(expected, abs=1e-12)


def test_failed_trials_are_counted_and_many_are_an_error(make_subject):
    subject = make_subject(n=40)
    impossible = Trial(RULE, np.zeros(40, np.int64))
    found = repeat(subject, [*trials_of(subject, 2), impossible], "Trying")
    assert (len(found), found.failed) == (2, 1)
    with pytest.raises(AuditError, match="1 of 2 repetitions could not be done"):
        repeat(subject, [impossible, *trials_of(subject, 1)], "Trying")


def test_a_sample_of_a_large_cohort_keeps_patients_whole(make_subject, monkeypatch):
    monkeypatch.setattr("hilum.auditing.subject.MAX_ROWS", 50)
    patients = [f"p{row // 3}" for row in range(120)]
    subject = make_subject(labels=np.repeat(np.arange(40) % 2, 3), patients=patients)
    chosen = subject.table["patient"].iloc[subject.rows]
    assert 45 <= len(chosen) <= 50
    assert (chosen.value_counts() == 3).all()
    assert len(repeat(subject, trials_of(subject, 2), "Trying")) == 2


@pytest.mark.parametrize(
    ("splitting", "by", "test"),
    [
        (SplitSettings(by="image", test=0.3), "image", 0.3),
        (SplitSettings(by="patient", test=0.25), "patient", 0.25),
        (SplitSettings(by="image", folds=4), "image", 0.25),
    ],
)
def test_the_rule_of_the_given_split_is_inferred(make_subject, splitting, by, test):
    patients = [f"p{row % 40}" for row in range(120)]
    subject = make_subject(labels=np.resize(np.arange(40) % 2, 120), patients=patients, splitting=splitting)
    assert subject.splitting.by == by
    assert subject.splitting.test == pytest.approx(test, abs=0.01)


def test_predictions_of_test_images_alone_do_not_show_a_split(make_subject):
    subject = make_subject()
    subject = replace(subject, predictions=subject.predictions.part("test"))
    with pytest.raises(AuditError, match="does not say which images"):
        _ = subject.splitting
