"""The store of thumbnails, and filters on them."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.cohort.duplicates.fingerprints import SIDE, ThumbnailStore, detail, resampling_matrices, shrink


@pytest.mark.parametrize("memory", [2**26, 1000])
def test_thumbnails_are_read_from_memory_and_from_disk(monkeypatch, memory):
    monkeypatch.setattr("hilum.cohort.duplicates.fingerprints._MAX_BYTES_IN_MEMORY", memory)
    images = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE), np.uint8)
    store = ThumbnailStore()
    for image in images:
        store.append(image)
    assert len(store) == 5
    np.testing.assert_array_equal(store.take(slice(1, 9)), images[1:])
    np.testing.assert_array_equal(store.take(np.array([4, 0, 4])), images[[4, 0, 4]])
    some = store.select(np.array([3, 1]))
    assert len(some) == 2
    np.testing.assert_array_equal(some.take(np.array([1])), images[[1]])


def test_shrink_averages():
    images = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    assert shrink(images, 2)[0].tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_a_window_of_everything_changes_nothing():
    assert resampling_matrices(np.array([0.0]), np.array([1.0]), 5, 5)[0] == pytest.approx(np.eye(5))


def test_a_window_samples_its_own_pixels():
    axes = resampling_matrices(np.array([0.25, -0.5]), np.array([0.75, 0.5]), 4, 8)
    places = axes @ np.arange(8, dtype=np.float32)
    assert places[0] == pytest.approx([2, 3, 4, 5])
    assert places[1, :2] == pytest.approx([0.33, 0.33], abs=0.34)  # the edge, repeated
    assert axes.sum(axis=-1) == pytest.approx(1)


def test_detail_does_not_depend_on_brightness_and_contrast():
    images = np.random.default_rng(0).uniform(0, 200, (1, 32, 32)).astype(np.float32)
    assert detail(images + 40, 1, 4) == pytest.approx(detail(images, 1, 4), abs=1e-3)
    assert np.corrcoef(detail(images / 2, 1, 4).ravel(), detail(images, 1, 4).ravel())[0, 1] > 0.99
