from __future__ import annotations

import numpy as np
from PIL import Image

from hilum.cohort.duplicates.fingerprint import SIDE, Fingerprints, Picked, fingerprint
from hilum.cohort.duplicates.search import Coder, nearest


def picked(squares: np.ndarray) -> Picked:
    store = Fingerprints()
    for square in squares:
        store.put(square)
    return store.only(np.arange(len(squares)))


def test_a_mirrored_crop_is_the_likeliest(films):
    paths, table = films
    rows = np.flatnonzero(table["copy_of"] == "")
    squares = fingerprint([paths[row] for row in rows]).squares.take(slice(None))
    crop = Image.fromarray(squares[4, 20:, 10:120]).resize((SIDE, SIDE))
    wholes = np.asarray(crop)[None, :, ::-1]
    features = np.zeros((1, 2), np.float32), np.zeros((len(squares), 2), np.float32)
    found = nearest(picked(wholes), picked(squares), features, Coder.learnt(squares), within=False)
    place = found.other.tolist().index(4)
    assert found.mirrored[place]
    assert np.abs(found.windows[place] - [20 / 128, 1, 10 / 128, 120 / 128]).max() < 0.09


def test_no_row_is_its_own_candidate_and_the_candidates_are_few(films):
    squares = fingerprint(films[0]).squares.take(slice(None))
    features = np.eye(len(squares), dtype=np.float32)
    found = nearest(
        picked(squares), picked(squares), (features, features), Coder.learnt(squares), within=True
    )
    assert (found.whole != found.other).all()
    assert np.bincount(found.whole).max() <= 12
    assert len({*zip(found.whole, found.other, strict=True)}) == len(found.whole)


def test_features_name_an_image_that_the_windows_do_not(films):
    squares = fingerprint(films[0]).squares.take(slice(None, 30))
    features = np.eye(30, dtype=np.float32)
    features[0] = features[17]
    sides = picked(squares), picked(squares)
    without, named = (
        nearest(*sides, (values, values), Coder.learnt(squares), within=True)
        for values in (np.zeros_like(features), features)
    )
    pairs = [set(zip(found.whole.tolist(), found.other.tolist(), strict=True)) for found in (without, named)]
    assert pairs[0] <= pairs[1]
    assert pairs[1] - pairs[0] <= {(0, 17), (17, 0)}
