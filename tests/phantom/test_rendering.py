from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from hilum.phantom import Acquisition, Finding, FindingKind, Marker, MarkerStyle, Patient, Sex, View, render

ADULT = Patient(age_years=45, sex=Sex.MALE, seed=5)
CHILD = Patient(age_years=2, sex=Sex.MALE, seed=5)
QUIET = Acquisition(noise=0)
CLEAR = Finding()
SIZE = (160, 160)


def draw(patient=ADULT, finding=CLEAR, acquisition=QUIET, size=SIZE, seed=0):
    return render(patient, finding, acquisition, size, np.random.default_rng(seed))


def zone(image, across, down):
    """Mean of a part, given as fractions of width and height."""
    rows, columns = image.shape
    return image[
        int(down[0] * rows) : int(down[1] * rows), int(across[0] * columns) : int(across[1] * columns)
    ].mean()


@pytest.mark.parametrize("size", [(64, 64), (97, 160), (301, 200), (64, 256), (256, 64)])
@pytest.mark.parametrize("rotation_deg", [0, -15, 3.3])
def test_grey_values_of_the_requested_size(size, rotation_deg):
    image = draw(size=size, acquisition=Acquisition(rotation_deg=rotation_deg, noise=10))
    assert image.shape == size
    assert image.dtype == np.float32
    assert np.isfinite(image).all()
    assert image.min() >= 0
    assert image.max() <= 1


@pytest.mark.parametrize(
    "acquisition",
    [
        Acquisition(exposure=0.25, contrast=3, noise=10, scatter=0.9, blur_mm=5),
        Acquisition(exposure=4, contrast=0.3, noise=0, scatter=0, blur_mm=0),
        Acquisition(View.AP, field=1.6, shift_across=0.2, shift_down=-0.2, yaw_deg=15, border=0.25),
        Acquisition(field=0.8, inspiration=0, marker=Marker("L", MarkerStyle.DISC, 1, 1, 0.2), text="~" * 24),
    ],
)
@pytest.mark.parametrize("age_years", [0, 100])
def test_the_ends_of_the_ranges_are_rendered(acquisition, age_years):
    image = draw(Patient(age_years, habitus=-1), acquisition=acquisition)
    assert np.isfinite(image).all()
    assert 0 <= image.min() <= image.max() <= 1


def test_equal_calls_give_equal_pixels_and_the_generator_gives_the_noise():
    noisy = Acquisition()
    np.testing.assert_array_equal(draw(acquisition=noisy, seed=1), draw(acquisition=noisy, seed=1))
    assert np.abs(draw(acquisition=noisy, seed=1) - draw(acquisition=noisy, seed=2)).max() > 0
    np.testing.assert_array_equal(draw(seed=1), draw(seed=2))


def test_air_is_dark_bone_and_heart_are_bright():
    image = draw()
    beside, lung, heart = (
        zone(image, (0, 0.1), (0, 0.1)),
        zone(image, (0.2, 0.35), (0.4, 0.6)),
        zone(image, (0.5, 0.6), (0.65, 0.75)),
    )
    assert beside < 0.05 < lung < 0.45 < 0.6 < heart


def test_ribs_cross_the_lungs():
    image = draw(size=(512, 512))
    column = image[150:360, 120] - np.convolve(image[:, 120], np.ones(61) / 61, "same")[150:360]
    crossings = np.count_nonzero((column[:-1] < 0) & (column[1:] >= 0))
    assert 5 <= crossings <= 20


def test_two_images_of_one_patient_are_more_alike_than_two_patients():
    first, second = (
        draw(acquisition=Acquisition(exposure=1.1)),
        draw(acquisition=Acquisition(exposure=0.9), seed=3),
    )
    other = draw(replace(ADULT, seed=6), acquisition=Acquisition(exposure=0.9), seed=3)
    alike = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert alike > 0.99 > np.corrcoef(first.ravel(), other.ravel())[0, 1]


def test_more_exposure_is_darker():
    means = [draw(acquisition=Acquisition(exposure=e, noise=0)).mean() for e in (0.25, 0.5, 1, 2, 4)]
    assert all(a > b for a, b in pairwise(means))


def test_more_contrast_spreads_the_greys():
    spread = [draw(acquisition=Acquisition(contrast=c, noise=0)).std() for c in (0.3, 1, 3)]
    assert spread == sorted(spread)


def test_noise_is_as_strong_as_asked_and_falls_with_exposure():
    def grain(**taken):
        clean, noisy = (
            draw(acquisition=Acquisition(**{**taken, "noise": 0})),
            draw(acquisition=Acquisition(**taken)),
        )
        return zone((noisy - clean) ** 2, (0.4, 0.6), (0.5, 0.7)) ** 0.5

    assert grain(noise=4) == pytest.approx(2 * grain(noise=2), rel=0.1)
    assert grain(noise=2, exposure=4, contrast=0.3) < grain(noise=2, exposure=1, contrast=0.3)


def test_scatter_takes_contrast_between_lung_and_heart():
    def contrast(scatter):
        image = draw(acquisition=Acquisition(scatter=scatter, noise=0))
        return zone(image, (0.5, 0.6), (0.65, 0.75)) - zone(image, (0.2, 0.35), (0.4, 0.6))

    assert contrast(0) > contrast(0.4) > contrast(0.8)


def test_blur_takes_fine_detail():
    def detail(blur_mm):
        image = draw(acquisition=Acquisition(blur_mm=blur_mm, noise=0))[:140]
        return np.abs(np.diff(image, axis=0)).mean()

    assert detail(0.3) > detail(2) > detail(5)


def test_the_border_is_black_and_as_wide_as_asked():
    bordered, open_ = draw(acquisition=Acquisition(border=0.1, noise=0)), draw()
    assert np.all(bordered[:16, :] <= 0.02)
    assert np.all(bordered[:, -16:] <= 0.02)
    np.testing.assert_array_equal(bordered[16:140, 16:-16], open_[16:140, 16:-16])


@pytest.mark.parametrize("style", list(MarkerStyle))
def test_the_marker_stands_where_asked_and_nowhere_else(style):
    marked = draw(
        acquisition=Acquisition(noise=0, marker=Marker("L", style, across=0.8, down=0.2, height=0.1))
    )
    rows, columns = np.nonzero(np.abs(marked - draw()) > 0.05)
    assert rows.size > 20
    assert (columns >= 0.8 * 160 - 9).all()
    assert (columns <= 0.8 * 160 + 9).all()
    assert (rows >= 0.2 * 160 - 9).all()
    assert (rows <= 0.2 * 160 + 9).all()


def test_left_and_right_markers_differ():
    images = [draw(acquisition=Acquisition(noise=0, marker=Marker(letter))) for letter in "LR"]
    assert np.abs(images[0] - images[1]).max() > 0.5


def test_text_is_burned_in_at_the_top_right():
    changed = np.abs(draw(acquisition=Acquisition(noise=0, text="PORTABLE")) - draw()) > 0.3
    assert changed[:16, 80:].sum() > 30
    assert changed.sum() == changed[:16, 80:].sum()


def test_every_image_says_synthetic_in_the_same_pixels():
    one, other = (
        draw(),
        draw(CHILD, acquisition=Acquisition(View.AP, exposure=3, border=0.2, rotation_deg=9)),
    )
    note = np.s_[-6:, :24]
    np.testing.assert_array_equal(one[note], other[note])
    assert np.ptp(one[note]) > 0.4


def test_rotation_turns_clockwise():
    left = draw(acquisition=Acquisition(noise=0, rotation_deg=12))
    top_left, top_right = zone(left, (0.1, 0.4), (0, 0.1)), zone(left, (0.6, 0.9), (0, 0.1))
    assert top_right > top_left + 0.05


def test_yaw_moves_the_heart_not_the_spine():
    images = [draw(acquisition=Acquisition(noise=0, yaw_deg=deg)) for deg in (-10, 10)]
    change = images[1] - images[0]
    assert zone(change, (0.66, 0.72), (0.6, 0.75)) > 0.05
    assert zone(change, (0.32, 0.38), (0.6, 0.75)) < -0.02


def test_shift_moves_the_patient():
    still, moved = (draw(acquisition=Acquisition(noise=0, scatter=0, shift_across=by)) for by in (0, 0.1))
    np.testing.assert_allclose(moved[:140, 20:-4], still[:140, 4:-20], atol=0.03)


def test_a_wider_field_makes_the_patient_smaller():
    dark = [np.mean(draw(acquisition=Acquisition(noise=0, field=field)) < 0.03) for field in (0.8, 1.2, 1.6)]
    assert dark == sorted(dark)


@pytest.mark.parametrize(("across", "down"), [((0.15, 0.85), (0.3, 0.75))])
@pytest.mark.parametrize("kind", [FindingKind.GROUND_GLASS, FindingKind.CONSOLIDATION])
@pytest.mark.parametrize("patient", [ADULT, CHILD])
def test_severity_brightens_the_lungs(kind, patient, across, down):
    for seed in range(4):
        found = [draw(patient, Finding(kind, s, seed)) for s in (0, 0.2, 0.4, 0.6, 0.8, 1)]
        means = [zone(image, across, down) for image in found]
        assert all(a < b for a, b in pairwise(means))
        np.testing.assert_array_equal(found[0], draw(patient))


def test_ground_glass_lies_on_both_sides_and_at_the_edge():
    change = sum(draw(finding=Finding(FindingKind.GROUND_GLASS, 1, seed)) - draw() for seed in range(6))
    inner = zone(change, (0.34, 0.40), (0.3, 0.7)) + zone(change, (0.66, 0.70), (0.3, 0.5))
    left, right = zone(change, (0.16, 0.28), (0.4, 0.7)), zone(change, (0.72, 0.84), (0.4, 0.7))
    assert min(left, right) > 0.3
    assert left + right > 1.3 * inner


def test_consolidation_lies_on_one_side():
    for seed in range(6):
        change = draw(finding=Finding(FindingKind.CONSOLIDATION, 1, seed)) - draw()
        sides = sorted([zone(change, (0.1, 0.45), (0.2, 0.75)), zone(change, (0.55, 0.9), (0.2, 0.75))])
        assert sides[1] > 5 * abs(sides[0]) + 0.02


def test_a_finding_stays_in_its_place_in_another_image_of_the_patient():
    finding = Finding(FindingKind.GROUND_GLASS, 1, 3)
    brighter = Acquisition(noise=0, exposure=0.8)
    first = draw(finding=finding) - draw()
    second = draw(finding=finding, acquisition=brighter) - draw(acquisition=brighter)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("size", [(63, 100), (100, 5000), (64, 512)])
def test_sizes_out_of_range_are_refused(size):
    with pytest.raises(ValueError, match=r"(rows|columns|aspect) must lie in"):
        draw(size=size)
