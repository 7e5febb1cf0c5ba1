from __future__ import annotations

import numpy as np
import pytest

from hilum.radiograph import Fit, Preprocessing, thumbnail

rng = np.random.default_rng(0)


@pytest.mark.parametrize("fit", Fit)
@pytest.mark.parametrize("shape", [(40, 48), (300, 200), (17, 500), (5, 5)])
def test_shape_type_and_range(fit, shape):
    pixels = np.where(rng.random(shape) < 0.5, 0, 1).astype(np.float32)  # the hardest case for overshoot
    square = Preprocessing(32, fit).apply(pixels)
    assert (square.shape, square.dtype) == ((32, 32), np.float32)
    assert square.min() >= 0
    assert square.max() <= 1


@pytest.mark.parametrize("fit", [Fit.STRETCH, Fit.CROP])
def test_a_constant_stays(fit):
    np.testing.assert_allclose(
        Preprocessing(16, fit).apply(np.full((50, 70), 0.3, np.float32)), 0.3, atol=1e-6
    )


def test_the_size_it_has_is_untouched():
    pixels = rng.random((24, 24), np.float32)
    for fit in Fit:
        np.testing.assert_array_equal(Preprocessing(24, fit).apply(pixels), pixels)


@pytest.mark.parametrize("fit", Fit)
def test_turned_and_sliced_pictures_are_as_their_copies(fit):
    pixels = rng.random((120, 90), np.float32)
    for view in (pixels.T, pixels[::-1, 5:50], pixels[::2]):
        np.testing.assert_array_equal(
            Preprocessing(24, fit).apply(view), Preprocessing(24, fit).apply(np.ascontiguousarray(view))
        )


def test_antialiasing_averages_a_fine_grid():
    grid = np.indices((256, 256)).sum(0).astype(np.float32) % 2
    np.testing.assert_allclose(Preprocessing(16).apply(grid)[2:-2, 2:-2], 0.5, atol=0.01)


def test_stretch_crop_and_pad_by_hand():
    pixels = np.zeros((20, 60), np.float32)
    pixels[:, 20:40] = 1
    np.testing.assert_allclose(Preprocessing(30, Fit.CROP).apply(pixels), 1)
    stretched = Preprocessing(60).apply(pixels)
    np.testing.assert_array_equal(stretched[:, 30] > 0.5, True)
    padded = Preprocessing(60, Fit.PAD).apply(pixels)
    assert not padded[:20].any()
    assert not padded[40:].any()
    np.testing.assert_array_equal(padded[20:40], pixels)


def test_keys_tell_preparations_apart():
    keys = {Preprocessing(size, fit).key for size in (16, 32) for fit in Fit}
    assert len(keys) == 6
    assert Preprocessing(16).key == Preprocessing(16, Fit.STRETCH).key


def test_what_is_no_preprocessing():
    with pytest.raises(ValueError, match="size: expected at least 1 pixel, found 0"):
        Preprocessing(0)
    with pytest.raises(TypeError, match="fit: expected a Fit, found 'stretch'"):
        Preprocessing(16, "stretch")


def test_thumbnail():
    small = thumbnail(np.linspace(0, 1, 100 * 50, dtype=np.float32).reshape(100, 50), 20)
    assert (small.shape, small.dtype) == ((20, 10), np.uint8)
    assert small[0, 0] < 10
    assert small[-1, -1] > 245
