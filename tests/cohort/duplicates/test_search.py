"""The search for candidates and its index."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hilum.cohort.duplicates import search as module
from hilum.cohort.duplicates.codes import Coder
from hilum.cohort.duplicates.fingerprints import SIDE, Thumbnails, ThumbnailStore, fingerprint
from hilum.cohort.duplicates.search import (
    HIT,
    MAX_EXACT,
    BestHits,
    InvertedLists,
    find_candidates,
    one_per_pair,
)


def stored(thumbnails: np.ndarray) -> Thumbnails:
    store = ThumbnailStore()
    for thumbnail in thumbnails:
        store.append(thumbnail)
    return store.select(np.arange(len(thumbnails)))


def test_a_mirrored_crop_is_a_candidate(films):
    paths, table = films
    rows = np.flatnonzero(table["copy_of"] == "")
    thumbnails = fingerprint([paths[row] for row in rows]).thumbnails.take(slice(None))
    crop = Image.fromarray(thumbnails[4, 20:, 10:120]).resize((SIDE, SIDE))
    wholes = np.asarray(crop)[None, :, ::-1]
    features = np.zeros((1, 2), np.float32), np.zeros((len(thumbnails), 2), np.float32)
    found = find_candidates(stored(wholes), stored(thumbnails), features, Coder.fit(thumbnails), within=False)
    place = found.other.tolist().index(4)
    assert found.mirrored[place]
    assert np.abs(found.windows[place] - [20 / 128, 1, 10 / 128, 120 / 128]).max() < 0.09


def test_no_row_is_its_own_candidate_and_the_candidates_are_few(films):
    thumbnails = fingerprint(films[0]).thumbnails.take(slice(None))
    features = np.eye(len(thumbnails), dtype=np.float32)
    found = find_candidates(
        stored(thumbnails), stored(thumbnails), (features, features), Coder.fit(thumbnails), within=True
    )
    assert (found.whole != found.other).all()
    assert np.bincount(found.whole).max() <= 12
    assert len({*zip(found.whole, found.other, strict=True)}) == len(found.whole)


def test_features_name_an_image_that_the_windows_do_not(films):
    thumbnails = fingerprint(films[0]).thumbnails.take(slice(None, 30))
    features = np.eye(30, dtype=np.float32)
    features[0] = features[17]
    sides = stored(thumbnails), stored(thumbnails)
    without, named = (
        find_candidates(*sides, (values, values), Coder.fit(thumbnails), within=True)
        for values in (np.zeros_like(features), features)
    )
    pairs = [set(zip(found.whole.tolist(), found.other.tolist(), strict=True)) for found in (without, named)]
    assert pairs[0] <= pairs[1]
    assert pairs[1] - pairs[0] <= {(0, 17), (17, 0)}


def hits(*rows: tuple[int, int, float]) -> np.ndarray:
    result = np.zeros(len(rows), HIT)
    for hit, (image, other, similarity) in zip(result, rows, strict=True):
        hit["image"], hit["other"], hit["similarity"] = image, other, similarity
    return result


def test_the_most_similar_hit_of_a_pair_is_kept():
    kept = one_per_pair(hits((1, 2, 0.5), (0, 1, 0.4), (1, 2, 0.75), (1, 3, 0.1)))
    assert kept[["image", "other"]].tolist() == [(0, 1), (1, 2), (1, 3)]
    assert kept["similarity"] == pytest.approx([0.4, 0.75, 0.1])
    assert len(one_per_pair(hits())) == 0


@pytest.mark.parametrize("pending", [0, 3, 10_000])
def test_the_order_in_which_hits_come_does_not_matter(monkeypatch, pending):
    monkeypatch.setattr(module, "_MAX_PENDING", pending)
    rng = np.random.default_rng(0)
    rows = [(image, other, round(rng.random(), 1)) for image in range(5) for other in range(30)]
    expected = [
        (image, other)
        for image in range(5)
        for _, other in sorted((-similarity, other) for own, other, similarity in rows if own == image)[:4]
    ]
    best, order = BestHits(5, 4, 0.0), rng.permutation(len(rows))
    for start in range(0, 150, 20):
        best.add(hits(*(rows[place] for place in order[start : start + 20])))
    assert best.hits()[["image", "other"]].tolist() == expected


def test_the_least_similarity_rises_with_the_best_hits():
    best = BestHits(2, 2, 0.5)
    best.add(hits((0, 1, 0.75), (0, 2, 0.875), (0, 3, 0.625), (1, 0, 0.875)))
    best.hits()
    assert best.least.tolist() == [0.75, 0.5]


def codes(n: int, seed: int = 0, length: int = 16) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(n, length)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def found(index: InvertedLists, queries: np.ndarray, least: float) -> set[tuple[int, int]]:
    hits = index.search(queries, np.full(len(index.codes), least, np.float32))
    return set(zip(hits.query.tolist(), hits.entry.tolist(), strict=True))


@pytest.mark.parametrize("n", [1, 50, MAX_EXACT])
def test_few_codes_are_all_compared(n):
    entries, queries = codes(n), codes(30, seed=1)
    expected = set(zip(*map(np.ndarray.tolist, np.nonzero(queries @ entries.T >= 0.3)), strict=True))
    assert found(InvertedLists.of(entries), queries, 0.3) == expected


def test_of_many_codes_the_nearest_are_found_without_comparing_all():
    entries = codes(3 * MAX_EXACT)
    queries = entries[::40] + 0.3 * codes(len(entries[::40]), seed=1)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    index = InvertedLists.of(entries)
    hits = found(index, queries, 0.9)
    every = set(zip(*map(np.ndarray.tolist, np.nonzero(queries @ entries.T >= 0.9)), strict=True))
    assert hits <= every
    assert len(hits) > 0.98 * len(every)
    assert max(map(len, index.members)) < len(entries)
    assert np.bincount(np.concatenate(index.members)).tolist() == [8] * len(entries)


def test_each_code_has_its_own_bound():
    entries = codes(2)
    hits = InvertedLists.of(entries).search(entries, np.array([0.9, 1.1], np.float32))
    assert (hits.query.tolist(), hits.entry.tolist()) == ([0], [0])
    assert hits.similarity == pytest.approx([1])


def test_the_same_codes_give_the_same_lists():
    entries = codes(2 * MAX_EXACT)
    one, other = InvertedLists.of(entries), InvertedLists.of(entries)
    assert [rows.tolist() for rows in one.members] == [rows.tolist() for rows in other.members]


def test_no_queries_find_nothing():
    assert len(InvertedLists.of(codes(5)).search(codes(0), np.zeros(5, np.float32)).query) == 0
