from __future__ import annotations

import numpy as np
import pytest

from hilum.cohort.duplicates.fingerprint import SIDE, Fingerprints


@pytest.mark.parametrize("memory", [2**26, 1000])
def test_squares_come_back_from_memory_and_from_the_file(monkeypatch, memory):
    monkeypatch.setattr("hilum.cohort.duplicates.fingerprint._IN_MEMORY", memory)
    squares = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE), np.uint8)
    store = Fingerprints()
    for square in squares:
        store.put(square)
    assert len(store) == 5
    np.testing.assert_array_equal(store.take(slice(1, 9)), squares[1:])
    np.testing.assert_array_equal(store.take(np.array([4, 0, 4])), squares[[4, 0, 4]])
    some = store.only(np.array([3, 1]))
    assert len(some) == 2
    np.testing.assert_array_equal(some.take(np.array([1])), squares[[1]])
