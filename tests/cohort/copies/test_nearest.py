from __future__ import annotations

import numpy as np
from PIL import Image

from hilum.cohort.copies.nearest import WINDOWS, nearest, projection
from hilum.cohort.copies.sketch import SIDE, sketch


def test_windows_keep_more_than_half_of_each_side():
    assert WINDOWS[0].tolist() == [0, 1, 0, 1]
    assert ((WINDOWS[:, 1::2] - WINDOWS[:, 0::2]) > 0.5).all()


def test_a_mirrored_crop_is_the_likeliest(films):
    paths, table = films
    rows = np.flatnonzero(table["copy_of"] == "")
    squares = sketch([paths[row] for row in rows]).squares
    crop = Image.fromarray(squares[4, 20:, 10:120]).resize((SIDE, SIDE))
    wholes = np.asarray(crop)[None, :, ::-1]
    features = np.zeros((1, 2), np.float32), np.zeros((len(squares), 2), np.float32)
    found = nearest(wholes, squares, features, projection(squares), within=False)
    place = found.other.tolist().index(4)
    assert found.mirrored[place]
    assert np.abs(found.windows[place] - [20 / 128, 1, 10 / 128, 120 / 128]).max() < 0.09


def test_no_row_is_its_own_candidate_and_the_candidates_are_few(films):
    squares = sketch(films[0]).squares
    features = np.eye(len(squares), dtype=np.float32)
    found = nearest(squares, squares, (features, features), projection(squares), within=True)
    assert (found.whole != found.other).all()
    assert np.bincount(found.whole).max() <= 12
    assert len({*zip(found.whole, found.other, strict=True)}) == len(found.whole)
