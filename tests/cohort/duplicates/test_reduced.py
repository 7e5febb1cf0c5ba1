from __future__ import annotations

import numpy as np

from hilum.cohort.duplicates.duplicates import reduced


def test_the_most_alike_stay_the_most_alike():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 8)).astype(np.float32) @ rng.normal(size=(8, 500)).astype(np.float32)
    near = values[:20] + 0.1 * rng.normal(size=(20, 500)).astype(np.float32)
    first, second = reduced(values, near)
    assert first.shape == (300, 64)
    assert (first @ second.T).argmax(axis=0).tolist() == list(range(20))
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-4)


def test_an_image_without_features_is_like_none():
    values = np.array([[0.0, 1], [np.nan, np.nan], [1, 0]])
    first, second = reduced(values, values[:0])
    assert first[1].tolist() == [0, 0]
    assert second.shape == (0, 2)


def test_no_features_at_all():
    first, _ = reduced(np.full((3, 5), np.nan), np.zeros((0, 5)))
    assert not first.any()
    assert len(first) == 3
