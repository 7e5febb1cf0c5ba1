"""Means of squares, and when a picture may be reduced."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from hilum.radiograph.preprocessing import FACTORS, MARGIN, factor_for, render

rng = np.random.default_rng(0)


def show(rows: np.ndarray, out: np.ndarray) -> None:
    out[:] = unit(rows)


def unit(samples: np.ndarray) -> np.ndarray:
    return samples.astype(np.float32) / np.float32(255)


def means(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Take means one by one, in double precision."""
    rows, columns = (range(0, length, factor) for length in pixels.shape)
    return np.array(
        [[pixels[y : y + factor, x : x + factor].mean(dtype=np.float64) for x in columns] for y in rows]
    )


@pytest.mark.parametrize("factor", [1, *FACTORS])
@pytest.mark.parametrize("shape", [(64, 48), (65, 47), (71, 41), (17, 23)])
def test_means_are_of_what_there_is_also_at_the_ends(factor, shape):
    samples = rng.integers(0, 256, shape, dtype=np.uint8)
    reduced = render(samples, show, factor)
    assert reduced.dtype == np.float32
    np.testing.assert_allclose(reduced, means(unit(samples), factor), atol=1e-6)


def test_strips_leave_no_seams():
    samples = rng.integers(0, 256, (1031, 1500), dtype=np.uint8)  # 47 strips at factor 8
    np.testing.assert_allclose(render(samples, show, 8), means(unit(samples), 8), atol=1e-6)
    np.testing.assert_array_equal(render(samples, show), unit(samples))


def test_means_are_taken_of_what_is_shown():
    samples = np.array([[0, 255], [0, 255]], np.uint8)
    steep = render(samples, lambda rows, out: np.greater(rows, 200, out=out), 2)
    np.testing.assert_array_equal(steep, [[0.5]])  # not what 127.5 shows, which is 0


def test_white_stays_white():
    assert render(np.full((50, 51), 255, np.uint8), show, 8).max() == 1


def test_a_large_picture_is_never_all_there_as_floats():
    samples = rng.integers(0, 4096, (4000, 3000), dtype=np.uint16)
    tracemalloc.start()
    render(samples, lambda rows, out: np.divide(rows, np.float32(4095), out=out), 8)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * samples.size / 8


@pytest.mark.parametrize("factor", FACTORS)
def test_a_factor_is_taken_from_where_the_shorter_side_keeps_its_margin(factor):
    side = 100
    least = factor * MARGIN * side
    assert factor_for(least, 9000, side) == factor_for(9000, least, side) == factor
    assert factor_for(least - 1, 9000, side) < factor


def test_nothing_is_reduced_unasked_or_below_16_pixels():
    assert factor_for(10_000, 10_000, None) == 1
    assert factor_for(31, 31, 1) == 1
    assert factor_for(32, 32, 1) == 2
