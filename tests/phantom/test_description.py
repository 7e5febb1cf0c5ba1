from __future__ import annotations

import pytest

from hilum.phantom import Acquisition, Finding, Marker, Patient, Shortcut, ShortcutKind


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


@pytest.mark.parametrize("wrong", [{"strength": 1.2}, {"strength": 0.5, "rate": -0.1}])
def test_a_shortcut_has_probabilities(wrong):
    with pytest.raises(ValueError, match=r"(strength|rate) must lie in \[0, 1\]"):
        Shortcut(ShortcutKind.TEXT, **wrong)
