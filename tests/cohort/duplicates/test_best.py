from __future__ import annotations

import numpy as np
import pytest

from hilum.cohort.duplicates import search as module
from hilum.cohort.duplicates.search import HIT, Best, likeliest


def hits(*rows: tuple[int, int, float]) -> np.ndarray:
    result = np.zeros(len(rows), HIT)
    for hit, (image, other, alike) in zip(result, rows, strict=True):
        hit["image"], hit["other"], hit["alike"] = image, other, alike
    return result


def test_the_likeliest_hit_of_a_pair_is_kept():
    kept = likeliest(hits((1, 2, 0.5), (0, 1, 0.4), (1, 2, 0.75), (1, 3, 0.1)))
    assert kept[["image", "other"]].tolist() == [(0, 1), (1, 2), (1, 3)]
    assert kept["alike"] == pytest.approx([0.4, 0.75, 0.1])
    assert len(likeliest(hits())) == 0


@pytest.mark.parametrize("waiting", [0, 3, 10_000])
def test_the_order_in_which_hits_come_does_not_matter(monkeypatch, waiting):
    monkeypatch.setattr(module, "_WAITING", waiting)
    rng = np.random.default_rng(0)
    rows = [(image, other, round(rng.random(), 1)) for image in range(5) for other in range(30)]
    expected = [
        (image, other)
        for image in range(5)
        for _, other in sorted((-alike, other) for own, other, alike in rows if own == image)[:4]
    ]
    best, order = Best(5, 4, 0.0), rng.permutation(len(rows))
    for start in range(0, 150, 20):
        best.add(hits(*(rows[place] for place in order[start : start + 20])))
    assert best.hits()[["image", "other"]].tolist() == expected


def test_what_can_no_longer_be_among_the_best_is_known():
    best = Best(2, 2, 0.5)
    best.add(hits((0, 1, 0.75), (0, 2, 0.875), (0, 3, 0.625), (1, 0, 0.875)))
    best.hits()
    assert best.least.tolist() == [0.75, 0.5]
