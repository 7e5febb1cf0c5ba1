"""The benchmark of the audit: designs, the table, and one cohort through all of it."""

from __future__ import annotations

import pytest

from benchmarks.audit import FACTORS, Design, Trial, audited, grid, row
from hilum.auditing import Rating
from hilum.phantom import ShortcutKind


def test_the_grid_has_each_factor_at_each_strength_and_signal_and_nothing_planted_once():
    designs = grid(FACTORS, (0.5, 1.0), (0.0, 1.0), 300)
    assert len(designs) == 2 + 2 * 2 * (len(FACTORS) - 1)
    assert [design.strength for design in designs if design.factor == "none"] == [0, 0]


def test_a_design_plants_its_factor_alone():
    cohort = Design("marker", 0.7, 0.5).cohort(seed=3)
    assert [(one.kind, one.strength) for one in cohort.shortcuts] == [(ShortcutKind.MARKER, 0.7)]
    assert (cohort.signal, cohort.seed, cohort.images) == (0.5, 3, 300)


@pytest.mark.parametrize(("factor", "by"), [("duplicates", "image"), ("marker", "patient")])
def test_only_leaks_cross_a_split_by_image(factor, by):
    assert Design(factor, 0.5, 1).recipe(0).split.by == by


def test_a_row_counts_verdicts_and_probes():
    trials = [
        Trial(Rating.BROKEN, {"border": Rating.BROKEN, "header": Rating.SOUND}, 0.75),
        Trial(Rating.DOUBTFUL, {"border": Rating.DOUBTFUL, "header": Rating.SOUND}, 1.0),
    ]
    found = row(Design("frame", 0.5, 0), trials)
    assert (found["Detected"], found["Broken"], found["By"]) == ("2/2", "1/2", "border 2")
    assert found["Explains"] == "0.75"  # the mean of 0.25 / 0.25 and 0.25 / 0.5
    assert row(Design("patients", 1, 1), trials)["Explains"] == "–"
    assert row(Design("frame", 0.5, 0), [])["Detected"] == "0/0"


def test_one_cohort_through_all_of_it():
    trial = audited(Design("patients", 1.0, 1.0, images=60), seed=1)
    assert trial.ratings["patients"] is Rating.BROKEN
    assert trial.verdict is Rating.BROKEN
    assert 0 < trial.auc <= 1
