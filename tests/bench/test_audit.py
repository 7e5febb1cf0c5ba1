"""The benchmark of the audit: designs, sums, and one cohort through all of it."""

from __future__ import annotations

import math

import pytest

from hilum.auditing import Rating
from hilum.bench import FACTORS, Design, Trial, audited, cells, grid
from hilum.phantom import ShortcutKind


def test_the_grid_has_each_factor_in_each_strength_and_signal_and_nothing_once():
    designs = grid(strengths=(0.5, 1.0), signals=(0.0, 1.0))
    assert len(designs) == 2 + 2 * 2 * (len(FACTORS) - 1)
    assert [design.strength for design in designs if design.factor == "none"] == [0, 0]


def test_a_design_plants_its_factor_alone():
    cohort = Design("marker", 0.7, 0.5).cohort(seed=3)
    assert [(one.kind, one.strength) for one in cohort.shortcuts] == [(ShortcutKind.MARKER, 0.7)]
    assert (cohort.signal, cohort.seed, cohort.images) == (0.5, 3, 300)


def test_leaks_cross_a_split_by_image():
    assert Design("duplicates", 0.5, 1).recipe(0).split.by == "image"
    assert Design("marker", 0.5, 1).recipe(0).split.by == "patient"


def test_an_unknown_factor_is_refused():
    with pytest.raises(ValueError, match="found 'weather'"):
        Design("weather", 1, 1)


def test_sums_are_by_design():
    design, other = Design("frame", 0.5, 0), Design("none", 0, 1)
    trials = [
        Trial(design, 0, Rating.BROKEN, {"frame": Rating.BROKEN, "header": Rating.SOUND}, 0.75),
        Trial(design, 1, Rating.DOUBTFUL, {"frame": Rating.DOUBTFUL, "header": Rating.SOUND}, 1.0),
        Trial(other, 0, Rating.SOUND, {}, 0.9),
    ]
    first, second = cells(trials)
    assert (first.found.value, first.broken.value, first.by) == (1, 0.5, {"frame": 2})
    assert first.explained == pytest.approx((0.25 / 0.25 + 0.25 / 0.5) / 2)
    assert second.found.value == 0


def test_a_leak_has_no_share_of_the_result():
    assert math.isnan(Trial(Design("patients", 1, 1), 0, Rating.SOUND, {}, 0.9).explained)


def test_one_cohort_through_all_of_it():
    trial = audited(Design("patients", 1.0, 1.0, images=60), seed=1)
    assert trial.ratings["patients"] is Rating.BROKEN
    assert trial.verdict is Rating.BROKEN
    assert 0 < trial.whole <= 1
