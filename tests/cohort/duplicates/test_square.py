from __future__ import annotations

import numpy as np
import pytest

from hilum.cohort.duplicates.fingerprint import detail, shrunk, window_axes


def test_shrunk_takes_means():
    squares = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    assert shrunk(squares, 2)[0].tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_a_window_of_everything_changes_nothing():
    assert window_axes(np.array([0.0]), np.array([1.0]), 5, 5)[0] == pytest.approx(np.eye(5))


def test_a_window_reads_where_it_lies():
    axes = window_axes(np.array([0.25, -0.5]), np.array([0.75, 0.5]), 4, 8)
    places = axes @ np.arange(8, dtype=np.float32)
    assert places[0] == pytest.approx([2, 3, 4, 5])
    assert places[1, :2] == pytest.approx([0.33, 0.33], abs=0.34)  # the edge, repeated
    assert axes.sum(axis=-1) == pytest.approx(1)


def test_detail_forgets_brightness_and_contrast():
    squares = np.random.default_rng(0).uniform(0, 200, (1, 32, 32)).astype(np.float32)
    assert detail(squares + 40, 1, 4) == pytest.approx(detail(squares, 1, 4), abs=1e-3)
    assert np.corrcoef(detail(squares / 2, 1, 4).ravel(), detail(squares, 1, 4).ravel())[0, 1] > 0.99
