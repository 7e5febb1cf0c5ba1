from __future__ import annotations

import math

import numpy as np
import pytest

from hilum.auditing import Rating
from hilum.auditing.probes.reliability import SUBGROUPS
from hilum.recipe.settings import SplitSettings

FOLDS = SplitSettings(folds=4, validation=0.2)


def features_of(labels, hidden):
    """A signal in all positives, and in the negatives that are hidden among them."""
    found = np.random.default_rng(0).normal(size=(len(labels), 8))
    found[:, 0] += 6 * (labels | hidden)
    return found.astype(np.float32)


def ask(make_subject, share: float, n: int = 240):
    """Negatives of the view AP look like positives with the probability `share`."""
    labels = np.arange(n) % 2
    view = np.where(np.arange(n) % 4 < 2, "AP", "PA")
    hidden = (view == "AP") & (np.random.default_rng(1).random(n) < share)
    features = features_of(labels, hidden)
    return SUBGROUPS.ask(
        make_subject(labels=labels, features=features, columns={"view": view}, splitting=FOLDS)
    )


def test_a_view_whose_patients_are_missed_is_broken(make_subject):
    answer = ask(make_subject, 1.0)
    assert answer.rating is Rating.BROKEN
    assert answer.measure.startswith("Difference in specificity, view ")
    worst = answer.details["groups"][0]
    assert {worst["column"], worst["metric"]} == {"view", "specificity"}
    assert answer.figure.value == pytest.approx(abs(worst["figure"] - worst["others"]))
    assert worst["p"] < 0.001
    assert answer.pictures[0].rows[0][-1] == "under 0.001"


def test_a_smaller_gap_is_doubtful(make_subject):
    answer = ask(make_subject, 0.35)
    assert answer.rating is Rating.DOUBTFUL
    assert 0.1 < answer.figure.value < 0.5
    assert "Specificity is " in answer.claim


def test_groups_that_fare_alike_are_sound(make_subject):
    answer = ask(make_subject, 0.0)
    assert answer.rating is Rating.SOUND
    assert answer.claim.startswith("None of")


def test_newcombe_s_interval_of_the_gap(make_subject):
    """56/70 against 48/80: Newcombe 1998, table II, example (a), method 10: 0.0524 to 0.3339."""
    labels = np.ones(300, dtype=int)
    labels[150:] = 0
    subject = make_subject(labels=labels)
    table = subject.predictions.table.iloc[:300].assign(
        split="test",
        fold=0,
        image=[f"{row}.png" for row in range(300)],
        patient=[f"p{row}" for row in range(300)],
        label=np.where(labels == 1, "covid", "normal"),
    )
    called = np.zeros(300, dtype=bool)
    called[:56] = called[70:118] = True
    table["predicted"] = np.where(called, "covid", "normal")
    view = np.array(["AP"] * 70 + ["PA"] * 80 + ["AP", "PA"] * 75)
    subject = make_subject(labels=labels, columns={"view": view, "sex": "F", "age": 50.0})
    object.__setattr__(subject, "predictions", type(subject.predictions)(table, subject.classes))
    answer = SUBGROUPS.ask(subject)
    gap = answer.figure
    assert (gap.value, gap.low, gap.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert gap.n == 150


def test_where_nothing_can_be_compared(make_subject):
    subject = make_subject(n=120, columns={"view": "AP", "sex": None, "age": math.nan})
    answer = SUBGROUPS.ask(subject)
    assert answer.rating is Rating.CANNOT_TELL
    assert "10 test images" in answer.reason


def test_three_classes(make_subject):
    labels = np.arange(240) % 3
    answer = SUBGROUPS.ask(make_subject(labels=labels, classes=("a", "b", "c"), splitting=FOLDS))
    assert {group["metric"] for group in answer.details["groups"]} <= {f"sensitivity_{one}" for one in "abc"}
    assert answer.rating is Rating.SOUND
