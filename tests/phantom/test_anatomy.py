from __future__ import annotations

import numpy as np
import pytest

from hilum.phantom import Patient, Sex, View
from hilum.phantom.anatomy import Anatomy

SEEDS = range(20)


def chests(age_years, **facts):
    return [Anatomy.of(Patient(age_years, seed=seed, **facts)) for seed in SEEDS]


def test_a_child_has_a_larger_heart_a_squat_chest_and_flat_ribs():
    for child, adult in zip(chests(2), chests(40), strict=True):
        assert child.heart_ratio > adult.heart_ratio + 0.03
        assert child.height_mm / child.width_mm < adult.height_mm / adult.width_mm - 0.15
        assert child.rib_drop_mm / child.width_mm < adult.rib_drop_mm / adult.width_mm
        assert child.width_mm < 0.7 * adult.width_mm


def test_adult_hearts_take_less_than_half_of_the_chest():
    ratios = [chest.heart_ratio for chest in chests(30)]
    assert 0.38 < min(ratios) < max(ratios) < 0.50


def test_patients_vary_and_each_stays_the_same():
    widths = [chest.width_mm for chest in chests(40)]
    assert len(set(widths)) == len(widths)
    assert widths == [chest.width_mm for chest in chests(40)]


def test_women_have_breasts_men_and_girls_none():
    assert all(chest.breast_mm > 0 for chest in chests(40, sex=Sex.FEMALE))
    assert all(chest.breast_mm == 0 for chest in chests(40, sex=Sex.MALE) + chests(5, sex=Sex.FEMALE))


def test_stout_patients_have_a_thicker_coat():
    assert Anatomy.of(Patient(habitus=1)).coat_mm > Anatomy.of(Patient(habitus=-1)).coat_mm + 15


def test_ap_shows_a_larger_heart_and_a_higher_diaphragm():
    chest = Anatomy.of(Patient())
    pa, ap = chest.seen(View.PA, 0.8), chest.seen(View.AP, 0.8)
    assert pa.height_mm == pytest.approx(chest.height_mm)
    assert ap.heart_ratio == pytest.approx(1.14 * pa.heart_ratio)
    assert ap.height_mm < pa.height_mm
    assert chest.seen(View.PA, 1).height_mm > chest.seen(View.PA, 0).height_mm


def test_the_right_dome_stands_higher():
    chest = Anatomy.of(Patient())
    right, left = chest.dome_mm(np.array([-0.5, 0.5]) * chest.width_mm)
    assert left - right == pytest.approx(chest.dome_gap_mm, rel=0.01)


def test_lungs_widen_from_apex_to_base():
    chest = Anatomy.of(Patient())
    side = chest.side_mm(np.linspace(0.01, 1, 50) * chest.height_mm)
    assert (np.diff(side) >= 0).all()
    assert side[-1] == pytest.approx(chest.width_mm)
    assert chest.side_mm(np.array([-1.0]))[0] == 0
