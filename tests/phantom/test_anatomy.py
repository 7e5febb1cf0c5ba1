from __future__ import annotations

import numpy as np
import pytest

from hilum.phantom import Acquisition, Finding, Marker, Patient, Sex, View
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


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Patient(age_years=101), "age_years"),
        (lambda: Patient(age_years=float("nan")), "age_years"),
        (lambda: Patient(habitus=-1.1), "habitus"),
        (lambda: Patient(seed=-1), "seed"),
        (lambda: Finding(severity=1.01), "severity"),
        (lambda: Finding(seed=-1), "seed"),
        (lambda: Acquisition(exposure=0), "exposure"),
        (lambda: Acquisition(contrast=9), "contrast"),
        (lambda: Acquisition(noise=-1), "noise"),
        (lambda: Acquisition(scatter=1), "scatter"),
        (lambda: Acquisition(blur_mm=6), "blur_mm"),
        (lambda: Acquisition(inspiration=2), "inspiration"),
        (lambda: Acquisition(field=0.5), "field"),
        (lambda: Acquisition(shift_down=0.5), "shift_down"),
        (lambda: Acquisition(rotation_deg=90), "rotation_deg"),
        (lambda: Acquisition(yaw_deg=-16), "yaw_deg"),
        (lambda: Acquisition(border=0.3), "border"),
        (lambda: Marker(across=1.2), "across"),
        (lambda: Marker(height=0.5), "height"),
    ],
)
def test_values_out_of_range_are_refused_by_name(make, name):
    with pytest.raises(ValueError, match=rf"{name} must lie in \[.+\], found "):
        make()


@pytest.mark.parametrize("text", ["x" * 25, "été", "a\nb"])
def test_text_that_cannot_be_burned_in_is_refused(text):
    with pytest.raises(ValueError, match="at most 24 printable ASCII"):
        Acquisition(text=text)


def test_a_marker_is_l_or_r():
    with pytest.raises(ValueError, match="letter must be 'L' or 'R', found 'X'"):
        Marker("X")
