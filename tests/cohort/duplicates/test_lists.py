from __future__ import annotations

import numpy as np
import pytest

from hilum.cohort.duplicates.search import EXACT, Lists


def codes(n: int, seed: int = 0, length: int = 16) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(n, length)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def found(index: Lists, queries: np.ndarray, least: float) -> set[tuple[int, int]]:
    hits = index.search(queries, np.full(len(index.codes), least, np.float32))
    return set(zip(hits.query.tolist(), hits.entry.tolist(), strict=True))


@pytest.mark.parametrize("n", [1, 50, EXACT])
def test_few_codes_are_all_compared(n):
    entries, queries = codes(n), codes(30, seed=1)
    expected = set(zip(*map(np.ndarray.tolist, np.nonzero(queries @ entries.T >= 0.3)), strict=True))
    assert found(Lists.of(entries), queries, 0.3) == expected


def test_of_many_codes_the_nearest_are_found_without_comparing_all():
    entries = codes(3 * EXACT)
    queries = entries[::40] + 0.3 * codes(len(entries[::40]), seed=1)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    index = Lists.of(entries)
    hits = found(index, queries, 0.9)
    every = set(zip(*map(np.ndarray.tolist, np.nonzero(queries @ entries.T >= 0.9)), strict=True))
    assert hits <= every
    assert len(hits) > 0.98 * len(every)
    assert max(map(len, index.members)) < len(entries)
    assert np.bincount(np.concatenate(index.members)).tolist() == [8] * len(entries)


def test_each_code_has_its_own_bound():
    entries = codes(2)
    hits = Lists.of(entries).search(entries, np.array([0.9, 1.1], np.float32))
    assert (hits.query.tolist(), hits.entry.tolist()) == ([0], [0])
    assert hits.alike == pytest.approx([1])


def test_the_same_codes_come_into_the_same_lists():
    entries = codes(2 * EXACT)
    one, other = Lists.of(entries), Lists.of(entries)
    assert [rows.tolist() for rows in one.members] == [rows.tolist() for rows in other.members]


def test_no_queries_find_nothing():
    assert len(Lists.of(codes(5)).search(codes(0), np.zeros(5, np.float32)).query) == 0
