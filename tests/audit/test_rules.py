"""Rules from figures to readings, at their edges."""

from __future__ import annotations

import math

import pytest

from hilum.audit import Reading
from hilum.audit.contest import Contest
from hilum.audit.rules import coarse, confounded, contradicted, explained, followed, shades, unequal, unseen
from hilum.evaluate import Estimate

NAN = math.nan


def around(value: float, low: float, high: float = 1.0) -> Estimate:
    return Estimate(value, low, high, 100)


def part(auc: float, low: float) -> Contest:
    """A part beside a whole image of AUC 0.9."""
    return Contest(around(auc, low), around(0.9, 0.8), around((auc - 0.5) / 0.4, -1, 2), patients=50)


@pytest.mark.parametrize(
    ("source", "age", "decisive", "reading"),
    [
        (part(0.5, 0.4), part(0.5, 0.4), "source", Reading.SOUND),
        (part(0.9, 0.8), part(0.9, 0.8), "source", Reading.BROKEN),
        (part(0.5, 0.4), part(0.9, 0.8), "age", Reading.DOUBTFUL),
        (part(0.62, 0.56), part(0.9, 0.8), "source", Reading.DOUBTFUL),
    ],
)
def test_facts_of_a_patient_decide_only_where_the_source_says_less(source, age, decisive, reading):
    name, ruling = confounded(source, {"age": age})
    assert (name, ruling[0]) == (decisive, reading)


def test_a_source_that_cannot_be_compared_decides_unless_a_fact_speaks_against():
    blind = Contest(around(0.5, 0.4), around(0.55, 0.45), around(NAN, NAN, NAN), patients=50)
    assert confounded(blind, {"age": part(0.5, 0.4)})[1][0] is Reading.CANNOT_TELL
    assert confounded(blind, {"age": part(0.9, 0.8)})[0] == "age"


@pytest.mark.parametrize(
    ("there", "drop", "lost", "reading"),
    [
        (around(0.5, 0.4), around(0.4, 0.3), around(0.9, 0.6), Reading.BROKEN),
        (around(0.7, 0.6), around(0.2, 0.06), around(0.5, 0.2), Reading.DOUBTFUL),
        (around(0.7, 0.6), around(0.2, 0.04), around(0.5, 0.2), Reading.SOUND),
        (around(0.6, 0.45), around(0.2, -0.1), around(0.5, -0.2, 1.5), Reading.CANNOT_TELL),
        (around(0.6, NAN, NAN), around(0.2, NAN, NAN), around(NAN, NAN, NAN), Reading.CANNOT_TELL),
    ],
)
def test_sources_left_out(there, drop, lost, reading):
    assert unseen(there, drop, lost)[0] is reading


@pytest.mark.parametrize(
    ("gap", "p", "reading"),
    [
        (around(0.5, 0.31), 0.001, Reading.BROKEN),
        (around(0.5, 0.29), 0.001, Reading.DOUBTFUL),
        (around(0.1, 0.01), 0.049, Reading.DOUBTFUL),
        (around(0.09, 0.01), 0.001, Reading.SOUND),
        (around(0.5, 0.4), 0.05, Reading.SOUND),
    ],
)
def test_gaps_between_groups(gap, p, reading):
    assert unequal(gap, p)[0] is reading


@pytest.mark.parametrize(
    ("share", "whole", "reading"),
    [
        (around(0.08, 0.051), around(0.95, 0.91), Reading.DOUBTFUL),
        (around(0.08, 0.049), around(0.95, 0.91), Reading.SOUND),
        (around(0.20, 0.15), around(0.95, 0.89), Reading.CANNOT_TELL),
        (around(0.20, 0.15), around(0.6, 0.5), Reading.CANNOT_TELL),
        (around(0.20, 0.15), around(0.6, NAN, NAN), Reading.CANNOT_TELL),
    ],
)
def test_contradicted_labels(share, whole, reading):
    assert contradicted(share, whole)[0] is reading


@pytest.mark.parametrize(
    ("found", "reading"),
    [
        (part(0.71, 0.61), Reading.BROKEN),
        (part(0.71, 0.59), Reading.DOUBTFUL),
        (part(0.61, 0.56), Reading.DOUBTFUL),
        (part(0.61, 0.54), Reading.SOUND),
        (part(0.59, 0.56), Reading.SOUND),
        (Contest(around(0.9, 0.8), around(0.6, 0.49), around(4, 1, 9), 50), Reading.CANNOT_TELL),
        (Contest(around(0.9, 0.8), around(0.9, 0.8), around(1, 1), 9), Reading.CANNOT_TELL),
    ],
)
def test_a_part_without_lungs(found, reading):
    assert explained(found)[0] is reading
    assert explained(found, Reading.DOUBTFUL)[0] is min(reading, Reading.DOUBTFUL, key=lambda r: r.gravity)


@pytest.mark.parametrize(
    ("found", "reading"),
    [
        (part(0.83, 0.7), Reading.DOUBTFUL),
        (part(0.81, 0.7), Reading.SOUND),
        (part(0.83, 0.59), Reading.SOUND),
        (Contest(around(0.9, 0.8), around(0.9, 0.8), around(1, 1), 9), Reading.CANNOT_TELL),
    ],
)
def test_coarse_images_are_doubtful_where_they_tell_nearly_all(found, reading):
    assert coarse(found)[0] is reading


@pytest.mark.parametrize(
    ("whole", "outside", "reading"),
    [
        (part(0.89, 0.8), part(0.89, 0.8), Reading.DOUBTFUL),
        (part(0.89, 0.8), part(0.61, 0.56), Reading.DOUBTFUL),
        (part(0.89, 0.8), part(0.59, 0.56), Reading.SOUND),
        (part(0.89, 0.8), part(0.61, 0.54), Reading.SOUND),
        (part(0.69, 0.6), part(0.89, 0.8), Reading.SOUND),
    ],
)
def test_shades_count_against_a_result_where_they_tell_the_label_outside_the_lungs(whole, outside, reading):
    assert shades(whole, outside)[0] is reading


@pytest.mark.parametrize(
    ("frame", "flipped", "more", "reading"),
    [
        (around(0.8, 0.6), around(0.1, 0), around(0.7, 0.4), Reading.BROKEN),
        (around(0.6, 0.49), around(0.1, 0), around(0.5, 0.3), Reading.DOUBTFUL),
        (around(0.3, 0.2), around(0.1, 0), around(0.2, 0.09), Reading.SOUND),
        (around(0.8, 0.6), around(0.8, 0.6), around(0, -0.2), Reading.CANNOT_TELL),
    ],
)
def test_composites(frame, flipped, more, reading):
    assert followed(frame, flipped, more)[0] is reading
