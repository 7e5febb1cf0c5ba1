from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hilum.phantom.geometry import Plane, blur, chord, deposit, ellipsoid, tube

PLANE = Plane(rows=80, columns=100, pixel_mm=1.0, left_mm=-50, top_mm=-40)


def test_places_are_the_centres_of_pixels():
    assert PLANE.x[0, 0] == -49.5
    assert PLANE.y[-1, 0] == 39.5


def test_a_coarse_plane_covers_the_fine_one_and_comes_back():
    odd = Plane(rows=81, columns=99, pixel_mm=0.5, left_mm=3, top_mm=4)
    coarse = odd.coarse(4)
    assert coarse.shape == (21, 25)
    back = odd.refine((coarse.x + 2 * coarse.y).astype(np.float32), 4)
    np.testing.assert_allclose(back[8:-8, 8:-8], (odd.x + 2 * odd.y)[8:-8, 8:-8], atol=1e-3)


def test_a_window_outside_the_plane_is_empty():
    rows, columns = PLANE.window(60, 70, 0, 10)
    assert PLANE.x[:, columns].size == 0
    assert PLANE.y[rows].size == 10


def test_a_crop_keeps_its_place():
    part = PLANE.crop(slice(20, 60), slice(30, 80))
    np.testing.assert_array_equal(part.x, PLANE.x[:, 30:80])
    np.testing.assert_array_equal(part.y, PLANE.y[20:60])


@pytest.mark.parametrize("sigma", [0.8, 1.3, 4.0])
def test_blurring_is_a_gaussian_filter(sigma):
    values = np.random.default_rng(0).random((40, 61), dtype=np.float32)
    expected = gaussian_filter(values, sigma, mode="nearest", radius=round(2.5 * sigma))
    blurred = blur(values, sigma)
    assert blurred.dtype == np.float32
    np.testing.assert_allclose(blurred, expected, atol=1e-6)


def test_a_blur_of_no_width_changes_nothing():
    values = np.eye(5, dtype=np.float32)
    np.testing.assert_array_equal(blur(values, 0.1), values)


def test_chord_of_a_unit_ball():
    np.testing.assert_allclose(chord(np.array([0.0, 0.64, 1.0, 2.0])), [1, 0.6, 0, 0], atol=1e-7)


def test_a_ball_has_its_volume():
    _, ball = ellipsoid(PLANE, (0, 0), (20, 20), 40)
    assert ball.sum() == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01)


def test_a_turned_ellipsoid_is_long_along_its_axis():
    _, turned = ellipsoid(PLANE, (0, 0), (30, 10), 20, np.pi / 2)
    assert (turned > 0).any(axis=1).sum() == 60
    assert (turned > 0).any(axis=0).sum() == 20


def test_a_tube_is_as_thick_as_its_wall():
    part, full = tube(PLANE, [(-30, 0), (30, 0)], 8)
    assert full.max() == pytest.approx(16, rel=0.01)
    assert part == (slice(32, 48), slice(12, 88))
    _, hollow = tube(PLANE, [(-30, 0), (30, 0)], 8, 0.5)
    assert hollow[8, 40] == pytest.approx(16 * (1 - 0.75 * 0.5), rel=0.02)


def test_a_bent_tube_is_round_at_its_knee():
    part, path = tube(PLANE, [(-30, 0), (0, 0), (0, 30)], 8)
    whole = np.zeros(PLANE.shape, dtype=np.float32)
    whole[part] = path
    x, y = PLANE.x, PLANE.y
    lying = (x - np.clip(x, -30, 0)) ** 2 + y**2
    standing = x**2 + (y - np.clip(y, 0, 30)) ** 2
    expected = 2 * np.sqrt(np.maximum(64 - np.minimum(lying, standing), 0))
    np.testing.assert_allclose(whole, expected, atol=0.02)


def test_a_tube_outside_the_plane_draws_nothing():
    part, path = tube(PLANE, [(200, 0), (220, 0)], 5)
    assert path.size == 0
    assert np.zeros(PLANE.shape)[part].size == 0


def test_deposits_keep_volume_whatever_the_pixels():
    generator = np.random.default_rng(0)
    places = generator.uniform(-30, 30, (2, 500)).astype(np.float32)
    volumes = generator.uniform(0, 2, 500).astype(np.float32)
    for step in (1, 2, 5):
        plane = PLANE.coarse(step)
        total = deposit(plane, places, volumes).sum() * plane.pixel_mm**2
        assert total == pytest.approx(volumes.sum(), rel=1e-4)


def test_a_deposit_lies_where_it_was_put():
    drop = deposit(
        PLANE, np.array([[10.5, 999], [-20.5, 0]], dtype=np.float32), np.array([3, 5], dtype=np.float32)
    )
    assert drop[19, 60] == pytest.approx(3)
    assert drop.sum() == pytest.approx(3)
