"""Rules from figures to ratings, at their edges."""

from __future__ import annotations

import math

import pytest

from hilum.auditing import Rating
from hilum.auditing.comparison import BaselineComparison
from hilum.auditing.rules import (
    coarse,
    confounded,
    contradicted,
    explained,
    followed,
    shades,
    unequal,
    unseen,
)
from hilum.metrics import Estimate

NAN = math.nan


def around(value: float, low: float, high: float = 1.0) -> Estimate:
    return Estimate(value, low, high, 100)


def part(auc: float, low: float) -> BaselineComparison:
    """A part beside a whole image of AUC 0.9."""
    return BaselineComparison(
        around(auc, low), around(0.9, 0.8), around((auc - 0.5) / 0.4, -1, 2), patients=50
    )


@pytest.mark.parametrize(
    ("source", "age", "decisive", "rating"),
    [
        (part(0.5, 0.4), part(0.5, 0.4), "source", Rating.SOUND),
        (part(0.9, 0.8), part(0.9, 0.8), "source", Rating.BROKEN),
        (part(0.5, 0.4), part(0.9, 0.8), "age", Rating.DOUBTFUL),
        (part(0.62, 0.56), part(0.9, 0.8), "source", Rating.DOUBTFUL),
    ],
)
def test_facts_of_a_patient_decide_only_where_the_source_says_less(source, age, decisive, rating):
    name, ruling = confounded(source, {"age": age})
    assert (name, ruling[0]) == (decisive, rating)


def test_a_source_that_cannot_be_compared_decides_unless_a_fact_speaks_against():
    blind = BaselineComparison(around(0.5, 0.4), around(0.55, 0.45), around(NAN, NAN, NAN), patients=50)
    assert confounded(blind, {"age": part(0.5, 0.4)})[1][0] is Rating.CANNOT_TELL
    assert confounded(blind, {"age": part(0.9, 0.8)})[0] == "age"


@pytest.mark.parametrize(
    ("there", "drop", "lost", "rating"),
    [
        (around(0.5, 0.4), around(0.4, 0.3), around(0.9, 0.6), Rating.BROKEN),
        (around(0.7, 0.6), around(0.2, 0.06), around(0.5, 0.2), Rating.DOUBTFUL),
        (around(0.7, 0.6), around(0.2, 0.04), around(0.5, 0.2), Rating.SOUND),
        (around(0.6, 0.45), around(0.2, -0.1), around(0.5, -0.2, 1.5), Rating.CANNOT_TELL),
        (around(0.6, NAN, NAN), around(0.2, NAN, NAN), around(NAN, NAN, NAN), Rating.CANNOT_TELL),
    ],
)
def test_sources_left_out(there, drop, lost, rating):
    assert unseen(there, drop, lost)[0] is rating


@pytest.mark.parametrize(
    ("gap", "p", "rating"),
    [
        (around(0.5, 0.31), 0.001, Rating.BROKEN),
        (around(0.5, 0.29), 0.001, Rating.DOUBTFUL),
        (around(0.1, 0.01), 0.049, Rating.DOUBTFUL),
        (around(0.09, 0.01), 0.001, Rating.SOUND),
        (around(0.5, 0.4), 0.05, Rating.SOUND),
    ],
)
def test_gaps_between_groups(gap, p, rating):
    assert unequal(gap, p)[0] is rating


@pytest.mark.parametrize(
    ("share", "whole", "rating"),
    [
        (around(0.08, 0.051), around(0.95, 0.91), Rating.DOUBTFUL),
        (around(0.08, 0.049), around(0.95, 0.91), Rating.SOUND),
        (around(0.20, 0.15), around(0.95, 0.89), Rating.CANNOT_TELL),
        (around(0.20, 0.15), around(0.6, 0.5), Rating.CANNOT_TELL),
        (around(0.20, 0.15), around(0.6, NAN, NAN), Rating.CANNOT_TELL),
    ],
)
def test_contradicted_labels(share, whole, rating):
    assert contradicted(share, whole)[0] is rating


@pytest.mark.parametrize(
    ("found", "rating"),
    [
        (part(0.71, 0.61), Rating.BROKEN),
        (part(0.71, 0.59), Rating.DOUBTFUL),
        (part(0.61, 0.56), Rating.DOUBTFUL),
        (part(0.61, 0.54), Rating.SOUND),
        (part(0.59, 0.56), Rating.SOUND),
        (BaselineComparison(around(0.9, 0.8), around(0.6, 0.49), around(4, 1, 9), 50), Rating.CANNOT_TELL),
        (BaselineComparison(around(0.9, 0.8), around(0.9, 0.8), around(1, 1), 9), Rating.CANNOT_TELL),
    ],
)
def test_a_part_without_lungs(found, rating):
    assert explained(found)[0] is rating
    assert explained(found, Rating.DOUBTFUL)[0] is min(rating, Rating.DOUBTFUL, key=lambda r: r.severity)


@pytest.mark.parametrize(
    ("found", "rating"),
    [
        (part(0.83, 0.7), Rating.DOUBTFUL),
        (part(0.81, 0.7), Rating.SOUND),
        (part(0.83, 0.59), Rating.SOUND),
        (BaselineComparison(around(0.9, 0.8), around(0.9, 0.8), around(1, 1), 9), Rating.CANNOT_TELL),
    ],
)
def test_coarse_images_are_doubtful_where_they_tell_nearly_all(found, rating):
    assert coarse(found)[0] is rating


@pytest.mark.parametrize(
    ("whole", "outside", "rating"),
    [
        (part(0.89, 0.8), part(0.89, 0.8), Rating.DOUBTFUL),
        (part(0.89, 0.8), part(0.61, 0.56), Rating.DOUBTFUL),
        (part(0.89, 0.8), part(0.59, 0.56), Rating.SOUND),
        (part(0.89, 0.8), part(0.61, 0.54), Rating.SOUND),
        (part(0.69, 0.6), part(0.89, 0.8), Rating.SOUND),
    ],
)
def test_shades_count_against_a_result_where_they_tell_the_label_outside_the_lungs(whole, outside, rating):
    assert shades(whole, outside)[0] is rating


@pytest.mark.parametrize(
    ("frame", "flipped", "more", "rating"),
    [
        (around(0.8, 0.6), around(0.1, 0), around(0.7, 0.4), Rating.BROKEN),
        (around(0.6, 0.49), around(0.1, 0), around(0.5, 0.3), Rating.DOUBTFUL),
        (around(0.3, 0.2), around(0.1, 0), around(0.2, 0.09), Rating.SOUND),
        (around(0.8, 0.6), around(0.8, 0.6), around(0, -0.2), Rating.CANNOT_TELL),
    ],
)
def test_composites(frame, flipped, more, rating):
    assert followed(frame, flipped, more)[0] is rating
