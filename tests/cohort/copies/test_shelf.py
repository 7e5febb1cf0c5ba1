from __future__ import annotations

import numpy as np
import pytest

from hilum.cohort.copies import shelf as module
from hilum.cohort.copies.shelf import SIDE, Shelf


@pytest.mark.parametrize("memory", [2**26, 1000])
def test_squares_come_back_from_memory_and_from_the_file(monkeypatch, memory):
    monkeypatch.setattr(module, "_IN_MEMORY", memory)
    squares = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE), np.uint8)
    shelf = Shelf()
    for square in squares:
        shelf.put(square)
    assert len(shelf) == 5
    np.testing.assert_array_equal(shelf.take(slice(1, 9)), squares[1:])
    np.testing.assert_array_equal(shelf.take(np.array([4, 0, 4])), squares[[4, 0, 4]])
    some = shelf.only(np.array([3, 1]))
    assert len(some) == 2
    np.testing.assert_array_equal(some.take(np.array([1])), squares[[1]])
