"""Codes of thumbnails and of features."""

from __future__ import annotations

import numpy as np

from hilum.cohort.duplicates.codes import WINDOWS, Coder, reduce_features, sample
from hilum.cohort.duplicates.fingerprints import fingerprint


def test_windows_keep_more_than_half_of_each_side():
    assert WINDOWS[0].tolist() == [0, 1, 0, 1]
    assert ((WINDOWS[:, 1::2] - WINDOWS[:, 0::2]) > 0.5).all()


def test_the_first_window_is_the_whole(films):
    thumbnails = fingerprint(films[0][:6]).thumbnails.take(slice(None))
    coder = Coder.fit(thumbnails)
    np.testing.assert_allclose(coder.code_windows(thumbnails)[:, 0], coder.code_wholes(thumbnails), atol=1e-5)
    assert np.allclose(np.linalg.norm(coder.code_wholes(thumbnails), axis=1), 1, atol=1e-5)


def test_grays_hardly_change_a_code_and_other_images_have_others(films):
    paths, table = films
    rows = np.flatnonzero(table["copy_of"] == "")[:12]
    thumbnails = fingerprint([paths[row] for row in rows]).thumbnails.take(slice(None))
    coder = Coder.fit(thumbnails)
    darker = (255 * (thumbnails / 255) ** 1.3 * 0.8 + 10).astype(np.uint8)
    similarity = coder.code_wholes(darker) @ coder.code_wholes(thumbnails).T
    assert np.diag(similarity).min() > 0.8
    assert np.median(similarity[~np.eye(12, dtype=bool)]) < 0.3


def test_a_sample_is_spread_evenly():
    assert sample(3).tolist() == [0, 1, 2]
    rows = sample(100_000)
    assert len(rows) == 200
    assert rows[[0, -1]].tolist() == [0, 99_999]


def test_the_most_similar_stay_the_most_similar():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 8)).astype(np.float32) @ rng.normal(size=(8, 500)).astype(np.float32)
    near = values[:20] + 0.1 * rng.normal(size=(20, 500)).astype(np.float32)
    first, second = reduce_features(values, near)
    assert first.shape == (300, 64)
    assert (first @ second.T).argmax(axis=0).tolist() == list(range(20))
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-4)


def test_an_image_without_features_is_like_none():
    values = np.array([[0.0, 1], [np.nan, np.nan], [1, 0]])
    first, second = reduce_features(values, values[:0])
    assert first[1].tolist() == [0, 0]
    assert second.shape == (0, 2)


def test_no_features_at_all():
    first, _ = reduce_features(np.full((3, 5), np.nan), np.zeros((0, 5)))
    assert not first.any()
    assert len(first) == 3
