"""The triangle filter is Pillow's."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hilum.radiograph.resampling import resize

rng = np.random.default_rng(0)


def pillow(pixels: np.ndarray, rows: int, columns: int, box: tuple | None = None) -> np.ndarray:
    top, left, bottom, right = box or (0, 0, *pixels.shape)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR, (left, top, right, bottom)))


@pytest.mark.parametrize("shape", [(640, 524), (100, 900), (33, 35), (16, 16), (1, 70), (2000, 1500)])
@pytest.mark.parametrize("size", [(224, 224), (237, 200), (1, 1), (7, 300)])
def test_values_are_pillows(shape, size):
    pixels = rng.random(shape, np.float32)
    ours = resize(pixels, *size)
    assert (ours.shape, ours.dtype, ours.flags.c_contiguous) == (size, np.float32, True)
    np.testing.assert_allclose(ours, pillow(pixels, *size), atol=1e-6)


@pytest.mark.parametrize(
    "box", [(0, 0, 63.5, 80), (0.25, 1.75, 40.125, 79), (10, 10, 12, 12), (63, 0, 64, 80)]
)
def test_a_part_of_a_picture(box):
    pixels = rng.random((64, 80), np.float32)
    np.testing.assert_allclose(resize(pixels, 20, 30, box), pillow(pixels, 20, 30, box), atol=1e-6)


def test_pictures_too_wide_for_one_product():
    pixels = rng.random((300, 9000), np.float32)
    np.testing.assert_allclose(resize(pixels, 40, 60), pillow(pixels, 40, 60), atol=1e-6)


def test_turned_and_sliced_pictures():
    pixels = rng.random((120, 90), np.float32)
    for view in (pixels.T, pixels[::-1, 5:50], pixels[::2]):
        np.testing.assert_allclose(resize(view, 30, 20), pillow(view, 30, 20), atol=1e-6)


def test_the_size_it_has_is_untouched_and_a_constant_stays():
    pixels = rng.random((57, 33), np.float32)
    np.testing.assert_array_equal(resize(pixels, 57, 33), pixels)
    assert resize(np.ones((50, 70), np.float32), 16, 16).max() == 1


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_after_means_the_filter_smooths_as_much_as_it_does_alone(factor):
    columns = 300 * factor
    wave = np.cos(np.arange(columns) * 2 * np.pi / (15 * factor)) / 2 + 0.5
    wave = np.tile(wave.astype(np.float32), (16, 1))
    means = wave.reshape(16, -1, factor).mean(axis=2)
    height = resize(wave, 16, 120).std()
    narrowed, plain = (resize(means, 16, 120, factor=known).std() for known in (factor, 1))
    assert height - plain > 0.002
    assert abs(height - narrowed) < 0.5 * (height - plain)
