from __future__ import annotations

import numpy as np

from hilum.cohort.duplicates.fingerprint import fingerprint
from hilum.cohort.duplicates.search import WINDOWS, Coder, sample


def test_windows_keep_more_than_half_of_each_side():
    assert WINDOWS[0].tolist() == [0, 1, 0, 1]
    assert ((WINDOWS[:, 1::2] - WINDOWS[:, 0::2]) > 0.5).all()


def test_the_first_window_is_the_whole(films):
    squares = fingerprint(films[0][:6]).squares.take(slice(None))
    coder = Coder.learnt(squares)
    np.testing.assert_allclose(coder.windows(squares)[:, 0], coder.wholes(squares), atol=1e-5)
    assert np.allclose(np.linalg.norm(coder.wholes(squares), axis=1), 1, atol=1e-5)


def test_grays_hardly_change_a_code_and_other_images_have_others(films):
    paths, table = films
    rows = np.flatnonzero(table["copy_of"] == "")[:12]
    squares = fingerprint([paths[row] for row in rows]).squares.take(slice(None))
    coder = Coder.learnt(squares)
    darker = (255 * (squares / 255) ** 1.3 * 0.8 + 10).astype(np.uint8)
    alike = coder.wholes(darker) @ coder.wholes(squares).T
    assert np.diag(alike).min() > 0.8
    assert np.median(alike[~np.eye(12, dtype=bool)]) < 0.3


def test_a_sample_is_spread_evenly():
    assert sample(3).tolist() == [0, 1, 2]
    rows = sample(100_000)
    assert len(rows) == 200
    assert rows[[0, -1]].tolist() == [0, 99_999]
